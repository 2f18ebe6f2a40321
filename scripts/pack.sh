#!/usr/bin/env bash
# The NuGet packages: artifacts/package/release. The native binary goes into them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/native.sh
dotnet pack src/Tasks -nologo -v quiet -c Release
ls -l artifacts/package/release
