#!/usr/bin/env bash
# kimg from its binary to a pulled image, on this machine, as whoever starts it. Leaves nothing behind but the binary.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

# A binary that is there already is used as it is: KIMG_BINARY.
if [[ -z ${KIMG_BINARY:-} ]]; then
  step "The static binary"
  bash scripts/native.sh
  KIMG_BINARY=artifacts/native/linux-x64/kimg
fi
work=$(mktemp -d)
kimg() { "$work/kimg" "$@"; }
cp "$KIMG_BINARY" "$work/kimg"
export XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache
clean() {
  [[ -z ${registry_pid:-} ]] || { kill "$registry_pid" 2>/dev/null && wait "$registry_pid" 2>/dev/null || true; }
  # Layers hold files of other users of the build: those a plain rm may not remove are removed by kimg, in its own namespace.
  kimg prune --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT
show kimg version

step "An embedded registry on loopback"
mkfifo "$work/address"
# The program itself, not the function: a function in the background is a subshell, and that is not what must be stopped.
"$work/kimg" registry serve --address 127.0.0.1:0 --root "$work/registry" >"$work/address" &
registry_pid=$!
read -r registry <"$work/address"
registry=${registry##*/}
echo "serving at $registry"

step "A base image: busybox, FROM scratch"
mkdir -p "$work/base/rootfs/bin" "$work/base/rootfs/etc"
cp "$(command -v busybox)" "$work/base/rootfs/bin/busybox"
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$work/base/rootfs/etc/passwd"
cat >"$work/base/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY rootfs /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["/bin/sh"]
DOCKERFILE
show kimg build -t "$registry/demo/busybox" --push "$work/base"

step "A real image of two stages (samples/hello), built and pushed"
show kimg build --build-arg "BASE=$registry/demo/busybox" --build-arg "WHO=$(id -un)" -t "$registry/demo/hello" --push samples/hello

step "The same again: everything is cached"
time show kimg build --progress plain --build-arg "BASE=$registry/demo/busybox" --build-arg "WHO=$(id -un)" -t "$registry/demo/hello" --push samples/hello

step "Pulled back"
show kimg inspect "$registry/demo/hello"
show kimg pull "$registry/demo/hello"
printf 'FROM %s\n' "$registry/demo/hello" >"$work/Dockerfile"
show kimg build -q -f "$work/Dockerfile" -o "$work/out" "$work/base"
show cat "$work/out/srv/hello.txt"
