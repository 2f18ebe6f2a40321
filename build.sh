#!/usr/bin/env bash
# The front door. Installs what is missing from Debian's packages, then does one of:
#   demo     build the static binary and watch it build, push and pull a real image
#   test     everything that must hold; the last line is "N passed, N failed, N skipped"
#   native   the static binary: artifacts/native/linux-x64/kimg
#   differential  every conformance case also with the BuildKit of this machine (tests/Conformance/README.md)
#   fuzz     hostile input for the readers, for some minutes: ./build.sh fuzz 10
#   bench    kimg beside the builders found on this machine (bench/README.md)
#   pack     the NuGet packages: artifacts/packages; the binary with its sum and bill of materials, and the images: artifacts/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/packages.sh

usage() { sed -n '2,9s/^# \{0,1\}//p' build.sh; }

case "${1:-}" in
  demo)   need dotnet native demo; shift; exec bash scripts/demo.sh "$@" ;;
  test)   need dotnet native test; shift; exec bash scripts/test.sh "$@" ;;
  native) need dotnet native; shift; exec bash scripts/native.sh "$@" ;;
  differential) need dotnet native test; shift; exec bash scripts/differential.sh "$@" ;;
  fuzz)   need dotnet; shift; exec bash scripts/fuzz.sh "$@" ;;
  bench)  need dotnet native bench; shift; exec bash scripts/bench.sh "$@" ;;
  pack)   need dotnet native pack; shift; exec bash scripts/pack.sh "$@" ;;
  -h|--help|help) usage ;;
  *) usage >&2; exit 2 ;;
esac
