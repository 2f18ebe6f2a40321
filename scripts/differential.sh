#!/usr/bin/env bash
# Builds every conformance case with the BuildKit of this machine and with kimg, and compares the images file by file; then every edit of tests/vectors/caches, and
# compares which steps run. For the latter BuildKit's build cache is emptied.
#   scripts/differential.sh [CASES]    only cases whose name contains one of these words, separated by commas
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p artifacts/test-results
rm -f artifacts/test-results/differential*
log=artifacts/test-results/differential.log
[[ -n ${KIMG_BINARY:-} ]] || bash scripts/native.sh >"$log" 2>&1 || { tail -n 20 "$log"; exit 1; }
status=0
KIMG_CASES=${1:-} dotnet test tests/Conformance --nologo --filter Category=Differential >"$log" 2>&1 </dev/null || status=$?
if [[ -s artifacts/test-results/differential.txt ]]; then cat artifacts/test-results/differential*.txt; else tail -n 30 "$log"; fi
exit "$status"
