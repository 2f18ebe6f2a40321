#!/bin/bash
set -eu
# Values may name variables of the project: they are taken from it, nothing in them is run.
releases=${KIMG_DOWNLOADS:-https://github.com/kimg/kimg/releases}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl -fsSL --retry 3 -o "$work/install.sh" "$releases/download/v$PARAM_VERSION/install.sh"
KIMG_VERSION=$PARAM_VERSION KIMG_SHA256=$PARAM_SHA256 KIMG_INSTALL=${KIMG_INSTALL:-$HOME/.local/bin} sh "$work/install.sh"
# shellcheck disable=SC2016
printf 'export PATH="%s:$PATH"\n' "${KIMG_INSTALL:-$HOME/.local/bin}" >>"$BASH_ENV"
