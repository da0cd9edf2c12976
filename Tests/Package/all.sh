#!/bin/sh
# Everything about the Debian package, for make deb-test: all.sh BINARY. Packs it twice, asks lintian, and lets it live in
# an overlay of this machine and in a fresh Debian, where systemd boots, too. Needs root, and the network for the latter.
set -eu
binary=$(realpath "$1")
cd "$(dirname "$0")/../.."
out=.build/deb-test
rm -rf "$out/old" "$out/new"

old=$(DEB_VERSION='0.0.1~older-1' Sources/Extras/Packaging/deb.sh "$binary" "$out/old")
new=$(Sources/Extras/Packaging/deb.sh "$binary" "$out/new")

lintian --allow-root --fail-on error,warning "$new"
echo "lintian has nothing to say"

# shellcheck disable=SC1091 # the system's
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
if [ ! -d "$out/$suite" ]; then
  rm -rf "$out/part"
  debootstrap --variant=minbase "$suite" "$out/part" > "$out/debootstrap.log" 2>&1 || { tail "$out/debootstrap.log"; exit 1; }
  mv "$out/part" "$out/$suite"
fi
for root in / "$out/$suite"; do
  printf '\n## in %s\n' "$root"
  Tests/Package/root.sh "$old" "$new" "$root"
done
printf '\n## booted in %s\n' "$out/$suite"
Tests/Package/root.sh --boot "$old" "$new" "$out/$suite"
