#!/bin/bash
# Words are split at blanks only: no eval, no file names from patterns.
set -euf
arguments=(--image "$PARAM_IMAGE" --file "$PARAM_DOCKERFILE" --check-level "$PARAM_CHECK" --oci-labels)
if [ -n "$PARAM_TAG" ]; then
  for tag in ${PARAM_TAG//,/ }; do arguments+=(--tag-rule "type=raw,value=$tag"); done
else
  for rule in $PARAM_TAG_RULES; do arguments+=(--tag-rule "$rule"); done
fi
if [ -n "$PARAM_PLATFORMS" ]; then arguments+=(--platform "$PARAM_PLATFORMS"); fi
# Booleans come as 1 and 0, or as true and false.
if [ "$PARAM_PUSH" = true ] || [ "$PARAM_PUSH" = 1 ]; then
  arguments+=(--push)
  if [ "$PARAM_CACHE" = true ] || [ "$PARAM_CACHE" = 1 ]; then
    arguments+=(--cache-from "type=registry,ref=$PARAM_IMAGE:kimg-cache" --cache-to "type=registry,ref=$PARAM_IMAGE:kimg-cache,mode=max")
  fi
fi
# shellcheck disable=SC2086
kimg ci build "${arguments[@]}" $PARAM_EXTRA_ARGS "$PARAM_PATH"
