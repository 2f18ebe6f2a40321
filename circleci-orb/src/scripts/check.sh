#!/bin/bash
set -eu
kimg check --file "$PARAM_DOCKERFILE" "$PARAM_PATH"
