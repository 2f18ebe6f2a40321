#!/usr/bin/env bash
# Publishes the static binary: artifacts/native/<rid>/kimg. Usage: scripts/native.sh [rid]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rid=${1:-linux-x64}
tfm=$(sed -n 's/.*<KimgNativeTfm[^>]*>\(.*\)<\/KimgNativeTfm>.*/\1/p' Directory.Build.props)
tfm=${KimgNativeTfm:-$tfm}

case $rid in linux-x64) triple=x86_64-linux-gnu ;; linux-arm64) triple=aarch64-linux-gnu ;; *) echo "native.sh: unknown rid '$rid'" >&2; exit 2 ;; esac
missing=()
for program in clang ld.lld cmake "$triple-objcopy"; do command -v "$program" >/dev/null || missing+=("$program"); done
for library in libssl.a libcrypto.a libzstd.a liblzma.a libbz2.a libc.a; do
  [ -e "/usr/lib/$triple/$library" ] || missing+=("$library")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "native.sh: missing: ${missing[*]}" >&2
  echo "native.sh: on Debian: apt-get install -y --no-install-recommends binutils clang lld cmake make libc6-dev libssl-dev libzstd-dev liblzma-dev libbz2-dev" >&2
  exit 2
fi

# Flags of the compiler driver come from the environment in some CI images; they would change the binary's bytes.
unset CFLAGS CXXFLAGS LDFLAGS
dotnet publish src/Cli/Kimg.Cli.csproj -nologo -v quiet -clp:NoSummary -c Release -f "$tfm" -p:KimgNativeRid="$rid"
out=artifacts/native/$rid
mkdir -p "$out"
# By rename: a running kimg keeps its file.
cp "artifacts/publish/Kimg.Cli/release_${tfm}_$rid/kimg" "$out/.kimg.new"
mv -f "$out/.kimg.new" "$out/kimg"
# What is in it, for scripts/sbom.py: the libraries that something was taken from (the linker's own statistics), and the packages of what was compiled.
{
  # OpenSSL's are copies without what the binary has no use for: named as what they are copies of.
  awk -F '\t' 'NR > 1 && $2 > 0 { print "archive\t" $3 }' "artifacts/obj/Kimg.Cli/native-$rid/archives" | sed "s,\t.*/native-$rid/lib,\t/usr/lib/$triple/lib,"
  sed -n 's#^-r:\(.*/packages/[^/]*/[^/]*\)/.*#package\t\1/#p' "artifacts/obj/Kimg.Cli/release_${tfm}_$rid/native/kimg.ilc.rsp"
} | sed "s|\t$PWD/|\t|" | LC_ALL=C sort -u >"$out/kimg.inputs"
echo "$out/kimg: $(stat -c %s "$out/kimg") bytes"
