#!/usr/bin/env bash
# The NuGet packages: artifacts/packages. The native binary goes into them; with KIMG_PACK_NATIVE=keep the one that is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ ${KIMG_PACK_NATIVE:-} == keep && -x artifacts/native/linux-x64/kimg ]] || bash scripts/native.sh
rm -rf artifacts/packages artifacts/tasks
quiet=(-nologo -v quiet -clp:NoSummary -c Release --no-restore)
for project in src/Tasks src/Tool; do dotnet restore "$project" -nologo -v quiet; done
# The tasks compiled ahead for this machine; both packages hold them.
dotnet publish src/Tasks "${quiet[@]}" -r linux-x64 -o artifacts/tasks
dotnet pack src/Tasks "${quiet[@]}"
dotnet pack src/Tool "${quiet[@]}"
ls -l artifacts/packages
bash scripts/release.sh amd64
