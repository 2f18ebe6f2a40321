#!/bin/bash
set -euf
# shellcheck disable=SC2086
digest=$(kimg index create --tag "$PARAM_IMAGE" $PARAM_SOURCES)
echo "$PARAM_IMAGE@$digest"
printf 'export KIMG_DIGEST=%s\n' "$digest" >>"$BASH_ENV"
