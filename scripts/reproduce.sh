#!/usr/bin/env bash
# Does the same commit give the same binary? Builds it a second time, in another directory whose path has another length, and compares that with
# artifacts/native/<rid>/kimg (which is built when it is not there). Usage: scripts/reproduce.sh [rid]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rid=${1:-linux-x64}
# A runner's checkout may belong to another user than the container's.
repository() { git -c safe.directory='*' "$@"; }
commit=$(repository rev-parse HEAD)
changed=$(repository status --porcelain)
[[ -z $changed ]] || { printf 'reproduce.sh: not a commit, these files are changed:\n%s\n' "$changed" >&2; exit 2; }
[[ -x artifacts/native/$rid/kimg ]] || bash scripts/native.sh "$rid"

work=$(mktemp -d)
again=$work/a/directory/of/another/length
trap 'repository worktree remove --force "$again" 2>/dev/null || true; rm -rf "$work"' EXIT
# Not a clone: for the version the build reads which commit this is, and from a worktree it reads the same.
repository worktree add --quiet --detach "$again" "$commit"
bash "$again/scripts/native.sh" "$rid"
failed=0
for file in kimg kimg.inputs; do
  if cmp -s "artifacts/native/$rid/$file" "$again/artifacts/native/$rid/$file"; then
    sha256sum "artifacts/native/$rid/$file"
  else
    failed=1
    echo "reproduce.sh: $file differs in $({ cmp -l "artifacts/native/$rid/$file" "$again/artifacts/native/$rid/$file" || true; } 2>/dev/null | wc -l) bytes; the first:" >&2
    { cmp "artifacts/native/$rid/$file" "$again/artifacts/native/$rid/$file" || true; } >&2
  fi
done
exit "$failed"
