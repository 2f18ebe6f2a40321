# Sourced by build.sh: `need GROUP…` makes sure that what the groups name is on this machine.

# group | command, or absolute path of a file (glob, {arch} = multiarch triple) | Debian package
packages_table='
native | clang                              | clang
native | ld.lld                             | lld
native | cmake                              | cmake
native | make                               | make
native | objcopy                            | binutils
native | /usr/lib/{arch}/libc.a             | libc6-dev
native | /usr/include/openssl/ssl.h         | libssl-dev
native | /usr/lib/{arch}/libssl.a           | libssl-dev
native | /usr/lib/{arch}/libz.a             | zlib1g-dev
native | /usr/lib/{arch}/libzstd.a          | libzstd-dev
native | /usr/lib/{arch}/liblzma.a          | liblzma-dev
native | /usr/lib/{arch}/libbz2.a           | libbz2-dev
native | /etc/ssl/certs/ca-certificates.crt | ca-certificates
demo   | newuidmap                          | uidmap
demo   | /bin/busybox                       | busybox-static
test   | newuidmap                          | uidmap
test   | /bin/busybox                       | busybox-static
test   | git                                | git
test   | curl                               | curl
test   | python3                            | python3
test   | zstd                               | zstd
test   | xz                                 | xz-utils
test   | bzip2                              | bzip2
test   | skopeo                             | skopeo
test   | runc                               | runc
test   | docker-registry                    | docker-registry
test   | debootstrap                        | debootstrap
test   | qemu-aarch64-static                | qemu-user-static
test   | fuse-overlayfs                     | fuse-overlayfs
test   | bsdtar                             | libarchive-tools
test   | gcc                                | gcc
test   | aarch64-linux-gnu-gcc              | gcc-aarch64-linux-gnu
test   | /usr/aarch64-linux-gnu/include/stdio.h      | libc6-dev-arm64-cross
test   | /usr/aarch64-linux-gnu/include/linux/fs.h   | linux-libc-dev-arm64-cross
test   | useradd                            | passwd
test   | runuser                            | util-linux
test   | ssh-agent                          | openssh-client
test   | sshd                               | openssh-server
test   | valgrind                           | valgrind
test   | strace                             | strace
test   | /usr/bin/time                      | time
test   | setfattr                           | attr
test   | setcap                             | libcap2-bin
test   | npm                                | npm
test   | rsync                              | rsync
test   | shellcheck                         | shellcheck
test   | apparmor_parser                    | apparmor
test   | kubectl                            | kubernetes-client
pack   | /bin/busybox                       | busybox-static
pack   | python3                            | python3
pack   | git                                | git
bench  | newuidmap                          | uidmap
bench  | docker-registry                    | docker-registry
bench  | debootstrap                        | debootstrap
bench  | skopeo                             | skopeo
bench  | /bin/busybox                       | busybox-static
'

have() {
  case "$1" in
    /*) compgen -G "${1//\{arch\}/$(uname -m)-linux-gnu}" >/dev/null ;;
    *)  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
  esac
}

missing_packages() { # GROUP…: the Debian packages that are not there, one per line
  local group what package
  while IFS='|' read -r group what package; do
    group=${group//[[:space:]]/} what=${what//[[:space:]]/} package=${package//[[:space:]]/}
    [[ -n $group && " $* " == *" $group "* ]] || continue
    have "$what" || echo "$package"
  done <<<"$packages_table" | sort -u
}

need_dotnet() {
  local wanted
  wanted=$(sed -n 's/.*"version": *"\([0-9]*\)\..*/\1/p' global.json)
  if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q "^$wanted\."; then
    echo "build.sh: the .NET $wanted SDK is not on PATH; get it from https://dot.net and run again" >&2
    exit 1
  fi
}

need() {
  local groups=() group packages as_root=() log
  for group; do if [[ $group == dotnet ]]; then need_dotnet; else groups+=("$group"); fi; done
  mapfile -t packages < <(missing_packages "${groups[@]}")
  export PATH="$PATH:/usr/sbin:/sbin" DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
  [[ ${#packages[@]} -gt 0 ]] || return 0

  if [[ $(id -u) != 0 ]]; then
    sudo -n true 2>/dev/null || cannot_install "${packages[@]}"
    as_root=(sudo -n)
  fi
  command -v apt-get >/dev/null || cannot_install "${packages[@]}"
  echo "build.sh: installing ${packages[*]}"
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  # The package lists are fetched only when those at hand do not do.
  if ! "${as_root[@]}" apt-get install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1 </dev/null; then
    { "${as_root[@]}" apt-get update && "${as_root[@]}" apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 </dev/null ||
      { tail -n 5 "$log" >&2; rm -f "$log"; cannot_install "${packages[@]}"; }
  fi
  rm -f "$log"
  mapfile -t packages < <(missing_packages "${groups[@]}")
  [[ ${#packages[@]} -eq 0 ]] || cannot_install "${packages[@]}"
}

cannot_install() {
  echo "build.sh: these Debian packages are needed and could not be installed: $*" >&2
  echo "  as root: apt-get update && apt-get install -y --no-install-recommends $*" >&2
  exit 1
}
