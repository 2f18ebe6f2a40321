# Sourced by make.sh: what each base is made of. A recipe gets a work directory and leaves a layout in it.

recipe_busybox() {
  local root=$1/root
  mkdir -p "$root"/{bin,etc,root,tmp,usr,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"; chmod 700 "$root/root"
  install -m 755 /bin/busybox "$root/bin/busybox"
  "$root/bin/busybox" --list | while read -r applet; do [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  new_layout "$1/layout"
  add_layer "$root"
  finish_layout '["/bin/sh"]'
}

# The tree trusts and asks what this machine trusts and asks: its mirror, apt's acquire settings, its certificates.
recipe_tree() { # ROOT
  local mirror log=$1.log
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null | awk '$2 == "bookworm" { print $1; exit }')
  http_proxy=$(apt-config dump --format '%v' Acquire::http::Proxy) \
    debootstrap --variant=minbase --include=ca-certificates bookworm "$1" "${mirror:-http://deb.debian.org/debian}" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; return 1; }
  apt-config dump --format '%f "%v";%n' Acquire::Check-Valid-Until Acquire::Check-Date Acquire::http::Proxy |
    grep -v '""' >"$1/etc/apt/apt.conf.d/80mirror" || true
  [[ -s $1/etc/apt/apt.conf.d/80mirror ]] || rm "$1/etc/apt/apt.conf.d/80mirror"
  cat /etc/ssl/certs/ca-certificates.crt >"$1/etc/ssl/certs/ca-certificates.crt"
  tidy "$1"
}

tidy() {
  rm -rf "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/var/log/{apt,dpkg.log,bootstrap.log,alternatives.log} "$1"/etc/resolv.conf
  mkdir -p "$1/var/lib/apt/lists/partial"
}

inside() { # ROOT COMMAND…: with the host's name resolution for the time being
  local root=$1 status=0; shift
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" >"$root.log" 2>&1 </dev/null || status=$?
  rm -f "$root/etc/resolv.conf"
  [[ $status == 0 ]] || tail -n 20 "$root.log" >&2
  return "$status"
}

apt_into() { # ROOT PACKAGE…
  local root=$1; shift
  inside "$root" apt-get update
  inside "$root" apt-get -o Dpkg::Options::=--force-unsafe-io install -y --no-install-recommends "$@"
  tidy "$root"
}

recipe_debian() {
  recipe_tree "$1/root"
  new_layout "$1/layout"
  add_layer "$1/root"
  finish_layout '["bash"]'
}

on_debian() { # WORK: a tree of $parent in WORK/root, changes watched from here on
  mkdir "$1/root"
  new_layout "$1/layout" "$parent"
  unpack_layout "$parent" "$1/root"
  begin_changes "$1/root"
}

recipe_node() {
  on_debian "$1"
  apt_into "$1/root" nodejs npm
  add_changes "$1/root"
  finish_layout '["node"]' "\"NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\""
}

recipe_dotnet-runtime() {
  on_debian "$1"
  apt_into "$1/root" libssl3 libstdc++6 zlib1g
  dotnet_into "$1/root" host LICENSE.txt ThirdPartyNotices.txt dotnet shared/Microsoft.NETCore.App
  add_changes "$1/root"
  finish_layout '["dotnet"]' "$dotnet_env"
}

recipe_dotnet-sdk() {
  on_debian "$1"
  apt_into "$1/root" libssl3 libstdc++6 zlib1g
  add_changes "$1/root"
  begin_changes "$1/root"
  dotnet_into "$1/root" host LICENSE.txt ThirdPartyNotices.txt dotnet shared sdk sdk-manifests packs templates
  add_changes "$1/root"
  finish_layout '["bash"]' "$dotnet_env"
}

dotnet_env='"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1","DOTNET_NOLOGO=1","DOTNET_CLI_TELEMETRY_OPTOUT=1","NUGET_XMLDOC_MODE=skip"'

dotnet_into() { # ROOT PART…: of the SDK on this machine
  local root=$1 from; shift
  from=$(dirname "$(readlink -f "$(command -v dotnet)")")
  mkdir -p "$root/usr/share/dotnet"
  tar --create --directory "$from" --owner=0 --group=0 "$@" | tar --extract --directory "$root/usr/share/dotnet"
  ln -s ../share/dotnet/dotnet "$root/usr/bin/dotnet"
}
