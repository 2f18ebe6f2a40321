#!/usr/bin/env bash
# What says which binaries are a release's, for those that are in a directory: SHA256SUMS, release.json (the action's own, which pins them), and install.sh with the
# sums in it. Usage: scripts/sums.sh DIRECTORY VERSION
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ $# == 2 ]] || { echo "usage: sums.sh DIRECTORY VERSION" >&2; exit 2; }
version=${2%%+*}
cd "$1"
sha256sum kimg-linux-* >SHA256SUMS
sums=$(sed -n 's/^\([0-9a-f]\{64\}\)  \(kimg-linux-[a-z0-9]*\)$/\1 \2/p' SHA256SUMS)
downloads=$(sed -n 's/.*"downloads": "\(.*\)",/\1/p' "$repository/src/Action/release.json")
[[ -n $sums && -n $downloads ]] || { echo "sums.sh: no binary in $1, or no downloads in src/Action/release.json" >&2; exit 1; }
{
  printf '{\n  "version": "%s",\n  "downloads": "%s",\n  "sha256": {\n' "$version" "$downloads"
  awk '{ printf "%s    \"%s\": \"%s\"", (NR > 1 ? ",\n" : ""), $2, $1 }' <<<"$sums"
  printf '\n  }\n}\n'
} >release.json
awk -v version="$version" -v sums="$(tr '\n' ',' <<<"$sums")" '
  /^released_version=$/ { print "released_version=" version; next }
  /^released_sums=$/ { print "released_sums=\"" sums "\""; next }
  { print }' "$repository/src/Action/install.sh" >install.sh
grep -q "^released_version=$version\$" install.sh || { echo "sums.sh: src/Action/install.sh has no place for the sums" >&2; exit 1; }
