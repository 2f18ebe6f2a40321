#!/usr/bin/env bash
# Hostile input for every reader: scripts/fuzz.sh [MINUTES]. What breaks one is left in artifacts/fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
KIMG_FUZZ_MINUTES=${1:-5} exec dotnet test tests/Engine.Tests --nologo --filter Category=Fuzz --logger "console;verbosity=detailed"
