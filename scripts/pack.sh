#!/usr/bin/env bash
# The NuGet packages: artifacts/packages. The native binary goes into them; with KIMG_PACK_NATIVE=keep the one that is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ ${KIMG_PACK_NATIVE:-} == keep && -x artifacts/native/linux-x64/kimg ]] || bash scripts/native.sh
rm -f artifacts/packages/*.nupkg
rm -rf artifacts/tasks
dotnet publish src/Tasks -nologo -v quiet -clp:NoSummary -c Release -r linux-x64 -o artifacts/tasks
dotnet pack src/Tasks -nologo -v quiet -clp:NoSummary -c Release
ls -l artifacts/packages
