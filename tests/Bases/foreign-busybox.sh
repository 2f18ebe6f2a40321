#!/usr/bin/env bash
# Prints the path of Debian's static busybox for another architecture: foreign-busybox.sh ARCH (arm64, riscv64, …). Fetched once from this machine's mirror;
# nothing is installed and dpkg's architectures stay what they are.
set -euo pipefail
architecture=$1
cache=${KIMG_TEST_BASES:-${XDG_CACHE_HOME:-$HOME/.cache}/kimg-test-bases}
result=$cache/busybox-$architecture
mkdir -p "$cache"
exec 8>"$cache/.lock-$architecture"; flock 8
if [[ ! -x $result ]]; then
  work=$(mktemp -d "$cache/.fetching.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  options=(-qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get "${options[@]}" update >&2
  (cd "$work" && apt-get "${options[@]}" download busybox-static >&2)
  dpkg-deb --fsys-tarfile "$work"/busybox-static_*.deb | tar --extract --to-stdout ./bin/busybox >"$work/busybox"
  chmod 755 "$work/busybox"
  mv "$work/busybox" "$result"
fi
echo "$result"
