#!/usr/bin/env bash
# Runs the front door on a fresh machine: a bare Debian 12 tree with nothing but the .NET SDK, on a clone of HEAD.
#   scripts/fresh-machine.sh [demo|test|…]     (default: demo, then test). Needs root and debootstrap. By hand, before a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ $(id -u) == 0 ]] || { echo "fresh-machine.sh: needs root" >&2; exit 1; }
source tests/Bases/recipes.sh
verbs=("$@"); [[ $# -gt 0 ]] || verbs=(demo test)

tree=${KIMG_FRESH_MACHINE:-$(mktemp -d /var/tmp/kimg-fresh.XXXXXX)}
[[ -n ${KIMG_FRESH_MACHINE:-} ]] || trap 'rm -rf --one-file-system "$tree" "$tree".log' EXIT

if [[ ! -e $tree/etc/debian_version ]]; then
  echo "fresh-machine.sh: a bare Debian in $tree"
  recipe_tree "$tree"
  dotnet_into "$tree" host LICENSE.txt ThirdPartyNotices.txt dotnet shared sdk sdk-manifests packs templates
  # What the SDK itself needs; everything else is build.sh's business.
  apt_into "$tree" libicu72 libssl3 libstdc++6 zlib1g git
fi
cp /etc/resolv.conf "$tree/etc/resolv.conf"
rm -rf "$tree/opt/kimg"
git clone -q --no-hardlinks . "$tree/opt/kimg"

# The tree becomes the root of a mount namespace, as a machine's is: in a chroot the kernel makes no user namespaces (user_namespaces(7)). The
# namespace's mounts go with it.
for verb in "${verbs[@]}"; do
  echo "fresh-machine.sh: ./build.sh $verb"
  unshare --mount --propagation private bash -euc '
    mount --bind "$1" "$1"; cd "$1"
    mount -t proc proc proc; mount --rbind /sys sys; mount --rbind /dev dev; mount -t tmpfs tmp tmp
    mkdir -p mnt; pivot_root . mnt; umount -l /mnt; cd /opt/kimg
    exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CI=true \
      ${3:+NUGET_CERT_REVOCATION_MODE="$3"} bash ./build.sh "$2" </dev/null' - "$tree" "$verb" "${NUGET_CERT_REVOCATION_MODE:-}"
done
