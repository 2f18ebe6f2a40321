#!/usr/bin/env bash
# What a release has besides packages, from the native binary that is there: artifacts/release/
#   kimg-linux-ARCH                   the binary; with .spdx.json and .cdx.json its bill of materials
#   SHA256SUMS, release.json, install.sh  its sum, for those who fetch it (scripts/sums.sh)
#   kimg-image-ARCH, debug-image-ARCH OCI layouts of the images kimg and kimg:debug, built by that binary
# Usage: scripts/release.sh [amd64|arm64]. Reproducible: the same binary gives the same images; times are the last commit's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
arch=${1:-amd64}
case $arch in amd64) rid=linux-x64 ;; arm64) rid=linux-arm64 ;; *) echo "release.sh: unknown architecture '$arch'" >&2; exit 2 ;; esac
binary=${KIMG_BINARY:-artifacts/native/$rid/kimg}
[[ -x $binary ]] || { echo "release.sh: no $binary; scripts/native.sh $rid makes it" >&2; exit 2; }
inputs=$(dirname "$binary")/kimg.inputs
[[ -s $inputs ]] || { echo "release.sh: no $inputs, which tells what is linked; scripts/native.sh $rid makes it" >&2; exit 2; }
busybox=${KIMG_BUSYBOX:-$(command -v busybox)} || { echo "release.sh: no static busybox; on Debian: apt-get install busybox-static" >&2; exit 2; }
command -v git >/dev/null || { echo "release.sh: no git; on Debian: apt-get install git" >&2; exit 2; }
out=${KIMG_RELEASE:-artifacts/release}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
version=$("$binary" version | cut -d ' ' -f 2)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME=$work/data
mkdir -p "$out"
# By rename: what is at the name may be running.
install -m 755 "$binary" "$out/.new" && mv -f "$out/.new" "$out/kimg-linux-$arch"
python3 scripts/sbom.py "$binary" "$inputs" "kimg-linux-$arch" "$version" "$out/kimg-linux-$arch"
bash scripts/sums.sh "$out" "$version"

# The files of the images. Links for busybox' programs are made here, so that no step has to run.
root=$work/context/kimg debug=$work/context/debug
install -D -m 755 "$binary" "$root/kimg"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
install -d -m 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/busybox/sh\nkimg:x:1000:1000:kimg:/home/kimg:/busybox/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nkimg:x:1000:\n' >"$root/etc/group"
install -d -m 755 "$work/context/home/.local/share/kimg"
# Kaniko's and Kimia's places, for a pipeline that changes the image's name and nothing else: where jobs look for the program, and where they or a pod put credentials,
# as whatever user.
install -d -m 755 "$root/usr/local/bin" "$root/home"
install -d -m 1777 "$root/kaniko" "$root/kaniko/.docker" "$root/home/kimia" "$root/home/kimia/.docker"
ln -s ../kimg "$root/kaniko/executor"
ln -s ../../../kimg "$root/usr/local/bin/kimia"
install -D -m 755 "$busybox" "$debug/busybox/busybox"
for program in $("$busybox" --list | grep -vx busybox); do ln -sf busybox "$debug/busybox/$program"; done
install -d -m 755 "$debug/bin"
# The home of whatever user a pod or a job runs it as.
install -d -m 1777 "$debug/root"
for program in sh false; do ln -s ../busybox/busybox "$debug/bin/$program"; done
# git, for contexts in repositories: with what it starts, the libraries that these are linked to, and the terms of all.
git=$(command -v git) core=$(git --exec-path)
install -D -m 755 "$git" "$debug/usr/bin/git"
install -d -m 755 "$debug/usr/lib/git-core"
for program in git-remote-http git-submodule git-sh-setup git-sh-i18n git-sh-i18n--envsubst; do install -m 755 "$core/$program" "$debug/usr/lib/git-core/$program"; done
ln -s git-remote-http "$debug/usr/lib/git-core/git-remote-https"
for program in git git-upload-pack; do ln -s ../../bin/git "$debug/usr/lib/git-core/$program"; done
for library in $(ldd "$git" "$core/git-remote-http" | grep -o '/[^ ]*[^ :]' | grep '\.so' | sort -u); do
  real=$(readlink -f "$library")
  install -D -m 755 "$real" "$debug$library"
  # Until directories were merged packages named their files below /lib.
  owner=$({ dpkg-query --search "$real" "${real#/usr}" 2>/dev/null || true; } | sed -n '1s/:.*//p')
  terms=/usr/share/doc/$owner/copyright
  [[ ! -f $terms ]] || install -D -m 644 "$terms" "$debug$terms"
done
for terms in /usr/share/doc/{git,busybox-static}/copyright; do [[ ! -f $terms ]] || install -D -m 644 "$terms" "$debug$terms"; done
cp deploy/image/Dockerfile "$work/context/Dockerfile"
chmod 644 "$root/etc/passwd" "$root/etc/group" "$work/context/Dockerfile"
for kind in kimg debug; do
  rm -rf "$out/$kind-image-$arch"
  "$binary" build --quiet --platform "linux/$arch" --target "$kind" --build-arg "VERSION=$version" -t "kimg:$kind" \
    -o "type=oci,tar=false,dest=$out/$kind-image-$arch,name=kimg:latest,rewrite-timestamp=true" "$work/context" >/dev/null
done
# The layouts' order of files is kimg's own; the digests say whether two runs made the same.
for kind in kimg debug; do
  printf '%s %s\n' "$("$binary" inspect "oci-layout://$out/$kind-image-$arch" | sed -n 's/^Digest: *//p')" "$kind-image-$arch"
done
