#!/usr/bin/env bash
# Base images for tests and benchmarks, from Debian's packages alone, as OCI layouts: tar, gzip and JSON by other hands than kimg's.
#   make.sh NAME…             makes what is not there yet and prints each layout's directory
#   make.sh --push HOST:PORT NAME…   also pushes each as HOST:PORT/base/NAME:latest
# Names: busybox, debian, node (debian + nodejs, npm), dotnet-runtime (debian + the runtime of this machine's SDK), dotnet-sdk.
# Kept in ${XDG_CACHE_HOME:-~/.cache}/kimg-test-bases, by the digest of recipe and parent. Needs root: debootstrap makes devices.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${KIMG_TEST_BASES:-${XDG_CACHE_HOME:-$HOME/.cache}/kimg-test-bases}
export PATH="$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive LC_ALL=C
source "$here/layout.sh"
source "$here/recipes.sh"

registry=
if [[ ${1:-} == --push ]]; then registry=$2; shift 2; fi
[[ $# -gt 0 ]] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if [[ $(id -u) != 0 ]]; then
  sudo -n true 2>/dev/null || { echo "make.sh: making base images needs root or passwordless sudo" >&2; exit 1; }
  exec sudo -n KIMG_TEST_BASES="$cache" PATH="$PATH" bash "$0" ${registry:+--push "$registry"} "$@"
fi
mkdir -p "$cache"

key() { # NAME: changes with the recipes, with the SDK that is copied, and, as packages age, every month
  { echo "$1"; cat "$here/layout.sh" "$here/recipes.sh"; date -u +%Y-%m
    case "$1" in dotnet-*) dotnet --list-runtimes; dotnet --list-sdks ;; esac
  } | sha256sum | cut -c1-16
}

make_base() { # NAME: $result = its layout
  local name=$1 work
  result=$cache/$name-$(key "$name")
  [[ -f $result/index.json ]] && return
  # One maker at a time, for all that share the cache; the layout appears whole or not at all.
  exec 8>"$cache/.lock"; flock 8
  if [[ ! -f $result/index.json ]]; then
    local wanted=$result
    work=$(mktemp -d "$cache/.making.XXXXXX")
    trap "rm -rf --one-file-system '$work'" EXIT
    "recipe_$name" "$work"
    mv -T "$work/layout" "$wanted"
    rm -rf --one-file-system "$work"
    result=$wanted
  fi
  exec 8>&-
}

for name; do
  declare -F "recipe_$name" >/dev/null || { echo "make.sh: no base '$name'" >&2; exit 2; }
  case "$name" in node|dotnet-*) make_base debian; parent=$result ;; esac
  make_base "$name"
  [[ -z $registry ]] || skopeo copy -q --dest-tls-verify=false "oci:$result:latest" "docker://$registry/base/$name:latest"
  echo "$result"
done
