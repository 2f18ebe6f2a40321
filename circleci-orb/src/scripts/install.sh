#!/bin/bash
set -eu
# Values may name variables of the project: they are taken from it, nothing in them is run.
releases=${KIMG_DOWNLOADS:-https://github.com/kimg/kimg/releases}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl -fsSL --retry 3 -o "$work/install.sh" "$releases/download/v$PARAM_VERSION/install.sh"
KIMG_VERSION=$PARAM_VERSION KIMG_SHA256=$PARAM_SHA256 KIMG_INSTALL=${KIMG_INSTALL:-$HOME/.local/bin} sh "$work/install.sh"
# shellcheck disable=SC2016
printf 'export PATH="%s:$PATH"\n' "${KIMG_INSTALL:-$HOME/.local/bin}" >>"$BASH_ENV"

# Ubuntu 24.04 keeps user namespaces from programs without an AppArmor profile that says `userns`. Nothing else is allowed by this one, and to kimg alone.
restricted=${KIMG_USERNS_SYSCTL:-/proc/sys/kernel/apparmor_restrict_unprivileged_userns}
if [ "$PARAM_ISOLATION_SETUP" = auto ] && [ "$(id -u)" != 0 ] && [ "$(cat "$restricted" 2>/dev/null)" = 1 ]; then
  # The path as the kernel sees it, in quotes for blanks; what AppArmor takes for a pattern or a variable stands for itself.
  file=$(readlink -f "${KIMG_INSTALL:-$HOME/.local/bin}/kimg")
  quoted=$(printf %s "$file" | sed 's/[][\\"*?{}^@]/\\&/g')
  if why=$(printf 'abi <abi/4.0>,\ninclude <tunables/global>\nprofile kimg "%s" flags=(unconfined) {\n  userns,\n}\n' "$quoted" |
    sudo -n apparmor_parser --replace --skip-cache 2>&1); then
    echo "AppArmor: loaded a profile that allows user namespaces to $file (isolation_setup: none forbids this)"
  else
    # Only steps with RUN need it: no error.
    echo "kimg: AppArmor keeps user namespaces from kimg, and no profile could be loaded (${why##*$'\n'}). For steps with RUN take the executor kimg/machine, or add before the build" >&2
    echo "- run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" >&2
  fi
fi
