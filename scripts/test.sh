#!/usr/bin/env bash
# Everything that must hold, in parts; each part's time, then one closing line: "N passed, N failed, N skipped".
#   scripts/test.sh            all parts
#   scripts/test.sh PART…      only these
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/parts.sh

results=artifacts/test-results
rm -rf "$results"; mkdir -p "$results"
passed=0 failed=0 skipped=0 broken=()

now() { date +%s; }
took() { printf '%-14s %4d s  %s\n' "$1" "$(( $(now) - $2 ))" "$3"; }

prepare() { # NAME COMMAND…: a step without tests; without it nothing else makes sense
  local name=$1 start log="$results/$1.log"; shift
  start=$(now)
  if "$@" >"$log" 2>&1 </dev/null; then
    took "$name" "$start" ok
  else
    took "$name" "$start" FAILED
    grep -E 'error|warning' "$log" | sort -u | head -n 40 || true
    tail -n 15 "$log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
}

counter() { # FILE NAME: a number of the trx summary
  grep -o '<Counters [^>]*' "$1" | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*' || echo 0
}

run_part() { # NAME PROJECT [FILTER]
  local name=$1 project=$2 filter=${3:-} start trx="$results/$1.trx" log="$results/$1.log" status=0 p=0 f=0 s=0 note=
  local arguments=(test "$project" --no-build --nologo --logger "trx;LogFileName=$PWD/$trx" --blame-hang-timeout 10m --results-directory "$results")
  [[ -n $filter ]] && arguments+=(--filter "$filter")
  start=$(now)
  dotnet "${arguments[@]}" >"$log" 2>&1 </dev/null || status=$?
  if [[ -s $trx ]]; then
    p=$(counter "$trx" passed)
    f=$(( $(counter "$trx" failed) + $(counter "$trx" error) + $(counter "$trx" timeout) + $(counter "$trx" aborted) ))
    # The logger leaves notExecuted at 0: what was not executed is what was skipped.
    s=$(( $(counter "$trx" total) - $(counter "$trx" executed) ))
  fi
  if (( p + f == 0 )); then note="no test ran"; f=1
  elif (( status != 0 && f == 0 )); then note="the test host failed"; f=1; fi
  (( passed += p, failed += f, skipped += s ))
  took "$name" "$start" "$p passed, $f failed, $s skipped${note:+ ($note)}"
  if (( f > 0 )); then
    broken+=("$name")
    grep -vE '^\s*(Passed|Skipped) ' "$log" | head -n 200
  fi
}

export KIMG_ANALYZE=1
total=$(now)
prepare restore dotnet restore Builder.Tasks.sln --locked-mode
prepare build dotnet build Builder.Tasks.sln --no-restore -clp:NoSummary
prepare native bash scripts/native.sh
prepare pack env KIMG_PACK_NATIVE=keep bash scripts/pack.sh
export KIMG_BINARY="$PWD/artifacts/native/linux-x64/kimg"

while IFS='|' read -r name project filter; do
  name=${name//[[:space:]]/} project=${project//[[:space:]]/}
  [[ -n $name ]] || continue
  [[ $# -eq 0 || " $* " == *" $name "* ]] || continue
  run_part "$name" "$project" "${filter//[[:space:]]/}"
done <<<"$test_parts"

# Beside the recorded results: how many cases a BuildKit of this machine could be asked for.
cases=$(find tests/vectors/builds -name case.json | wc -l)
if docker buildx inspect >/dev/null 2>&1 || buildctl debug info >/dev/null 2>&1; then echo "differential: $cases cases not asked for; ./build.sh differential"
else echo "differential: 0 of $cases cases compared: BuildKit not installed, or not running"; fi
took total "$total" "${broken[*]:+failed: ${broken[*]}}"
echo "$passed passed, $failed failed, $skipped skipped"
(( failed == 0 && passed > 0 ))
