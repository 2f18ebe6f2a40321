#!/bin/bash
set -eu
# The parameters are names of variables, so that no secret is ever a parameter.
username=${!PARAM_USERNAME:-} password=${!PARAM_PASSWORD:-}
if [ -z "$username" ] || [ -z "$password" ]; then
  echo "kimg: $PARAM_USERNAME and $PARAM_PASSWORD are not set; add them to the project's environment variables or to a context, and the context to the job" >&2
  exit 1
fi
printf %s "$password" | kimg login --username "$username" --password-stdin "$PARAM_REGISTRY"
