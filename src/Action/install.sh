#!/bin/sh
# Installs the kimg binary after checking what it is:
#   curl -fsSL https://github.com/kimg/kimg/releases/latest/download/install.sh | sh
# Settings, as variables:
#   KIMG_VERSION    a version such as 1.2.3 (default: the one this script was released with)
#   KIMG_SHA256     the binary's SHA-256, when it is known from elsewhere; otherwise this script knows that of its own version, and SHA256SUMS tells others
#   KIMG_INSTALL    the directory (default: /usr/local/bin when it can be written, else ~/.local/bin)
#   KIMG_DOWNLOADS  where releases are (default: https://github.com/kimg/kimg/releases)
set -eu

# Written by the release (scripts/sums.sh): its version, and "SHA256 NAME," for each binary.
released_version=
released_sums=

fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

fetch() { # URL FILE
  if command -v curl >/dev/null 2>&1; then curl -fsSL --retry 3 -o "$2" "$1" || fail "cannot download $1"
  elif command -v wget >/dev/null 2>&1; then wget -q -O "$2" "$1" || fail "cannot download $1"
  else fail "needs curl or wget"
  fi
}

sha256() { # FILE
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1" | cut -d ' ' -f 1
  elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else fail "needs sha256sum or openssl to check the download"
  fi
}

main() {
  [ "$(uname -s)" = Linux ] || fail "kimg runs on Linux; this is $(uname -s)"
  case $(uname -m) in
    x86_64 | amd64) name=kimg-linux-amd64 ;;
    aarch64 | arm64) name=kimg-linux-arm64 ;;
    *) fail "there is no kimg for $(uname -m); there is for x86_64 and aarch64" ;;
  esac
  releases=${KIMG_DOWNLOADS:-https://github.com/kimg/kimg/releases}
  version=${KIMG_VERSION:-$released_version}
  if [ -n "$version" ]; then base=$releases/download/v${version#v}; else base=$releases/latest/download; fi

  directory=${KIMG_INSTALL:-}
  if [ -z "$directory" ]; then
    if [ -w /usr/local/bin ]; then directory=/usr/local/bin; else directory=$HOME/.local/bin; fi
  fi
  mkdir -p "$directory" || fail "cannot make $directory; name another one with KIMG_INSTALL"

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  expected=${KIMG_SHA256:-}
  if [ -z "$expected" ] && [ "${version#v}" = "$released_version" ]; then
    expected=$(printf %s "$released_sums" | tr , '\n' | sed -n "s/^\([0-9a-f]\{64\}\) $name\$/\1/p")
  fi
  if [ -z "$expected" ]; then
    fetch "$base/SHA256SUMS" "$work/sums"
    expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\$/\1/p" "$work/sums")
    [ -n "$expected" ] || fail "$base/SHA256SUMS has no line for $name"
  fi
  fetch "$base/$name" "$work/kimg"
  found=$(sha256 "$work/kimg")
  [ "$found" = "$expected" ] || fail "$base/$name is not what was released: its SHA-256 is $found, expected $expected"
  chmod 755 "$work/kimg"
  # By rename, so that a running kimg keeps its file.
  cp "$work/kimg" "$directory/.kimg.$$"
  mv -f "$directory/.kimg.$$" "$directory/kimg"
  printf 'installed %s (sha256 %s)\n' "$directory/kimg" "$expected"
  case :$PATH: in *:"$directory":*) ;; *) printf 'add %s to PATH\n' "$directory" ;; esac
}

# The whole script is read before anything is done: a download that breaks off does nothing.
main
