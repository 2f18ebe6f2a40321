#!/usr/bin/env bash
# The NuGet packages: artifacts/packages. The native binary goes into them; with KIMG_PACK_NATIVE=keep the one that is there; with KIMG_PACK_NATIVE=released those of
# every architecture that are there, as a release's other machines made them, with all that is made of them besides packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${KIMG_PACK_NATIVE:-} == released ]]; then
  for rid in linux-x64 linux-arm64; do [[ -x artifacts/native/$rid/kimg ]] || { echo "pack.sh: no artifacts/native/$rid/kimg" >&2; exit 2; }; done
else
  [[ ${KIMG_PACK_NATIVE:-} == keep && -x artifacts/native/linux-x64/kimg ]] || bash scripts/native.sh
fi
# The time of what is in the packages: the same commit gives the same packages.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
rm -rf artifacts/packages artifacts/tasks artifacts/managed
quiet=(-nologo -v quiet -clp:NoSummary -c Release --no-restore)
for project in src/Tasks src/Tool src/Cli; do dotnet restore "$project" -nologo -v quiet; done
# The tasks compiled ahead for this machine; both packages hold them.
dotnet publish src/Tasks "${quiet[@]}" -r linux-x64 -o artifacts/tasks
# The same program as managed code, for systems that the static binary is not for.
dotnet publish src/Cli "${quiet[@]}" -f net10.0 -p:KimgManaged=true -o artifacts/managed
dotnet pack src/Tasks "${quiet[@]}"
dotnet pack src/Tool "${quiet[@]}"
ls -l artifacts/packages
[[ ${KIMG_PACK_NATIVE:-} == released ]] || bash scripts/release.sh amd64
