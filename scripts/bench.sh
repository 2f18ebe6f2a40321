#!/usr/bin/env bash
# kimg beside the builders found on this machine: see bench/README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/native.sh
[[ " $* " != *" --dotnet "* ]] || KIMG_PACK_NATIVE=keep bash scripts/pack.sh
exec dotnet run --project bench -c Release -- "$@"
