#!/usr/bin/env bash
# Runs the front door on a fresh machine: a bare Debian 12 tree with nothing but the .NET SDK, in a chroot, on a clone of HEAD.
#   scripts/fresh-machine.sh [demo|test|…]     (default: demo, then test). Needs root and debootstrap. By hand, before a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ $(id -u) == 0 ]] || { echo "fresh-machine.sh: needs root" >&2; exit 1; }
source tests/Bases/recipes.sh
verbs=("$@"); [[ $# -gt 0 ]] || verbs=(demo test)

tree=${KIMG_FRESH_MACHINE:-$(mktemp -d /var/tmp/kimg-fresh.XXXXXX)}
leave() {
  for mounted in dev/pts dev sys proc tmp; do mountpoint -q "$tree/$mounted" && umount -R -l "$tree/$mounted"; done
  [[ -n ${KIMG_FRESH_MACHINE:-} ]] || rm -rf --one-file-system "$tree" "$tree".log
}
trap leave EXIT

if [[ ! -e $tree/etc/debian_version ]]; then
  echo "fresh-machine.sh: a bare Debian in $tree"
  recipe_tree "$tree"
  dotnet_into "$tree" host LICENSE.txt ThirdPartyNotices.txt dotnet shared sdk sdk-manifests packs templates
  # What the SDK itself needs; everything else is build.sh's business.
  apt_into "$tree" libicu72 libssl3 libstdc++6 zlib1g git
fi
cp /etc/resolv.conf "$tree/etc/resolv.conf"
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"; mount --make-rslave "$tree/sys"
mount --rbind /dev "$tree/dev"; mount --make-rslave "$tree/dev"
mount -t tmpfs tmp "$tree/tmp"
rm -rf "$tree/root/kimg"
git clone -q --no-hardlinks . "$tree/root/kimg"

for verb in "${verbs[@]}"; do
  echo "fresh-machine.sh: ./build.sh $verb"
  chroot "$tree" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin CI=true \
    ${NUGET_CERT_REVOCATION_MODE:+NUGET_CERT_REVOCATION_MODE="$NUGET_CERT_REVOCATION_MODE"} \
    bash -c 'cd /root/kimg && ./build.sh "$1" </dev/null' - "$verb"
done
