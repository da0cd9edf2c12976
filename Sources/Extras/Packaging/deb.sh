#!/bin/sh
# Makes the Debian package: deb.sh BINARY [FOLDER, .build]. Lays out a source tree in FOLDER/deb, lets Debian's tools work
# on it, and leaves FOLDER/msgspool_VERSION_ARCH.deb. DEB_VERSION, DEBFULLNAME and DEBEMAIL go before what is found here.
set -eu

fail() { printf 'deb: %s\n' "$*" >&2; exit 1; }

[ $# -ge 1 ] || fail "usage: deb.sh BINARY [FOLDER]"
binary=$(realpath "$1")
out=$(realpath -m "${2:-.build}")
cd "$(dirname "$0")/../../.."

command -v dpkg-buildpackage > /dev/null || fail "there is no dpkg-buildpackage here: apt-get install dpkg-dev debhelper"
[ -x "$binary" ] || fail "$binary is no program; make build makes one"

! ldd "$binary" 2> /dev/null | grep -q libswiftCore ||
  echo "deb: $binary needs libraries of the Swift that built it: the package is good for tests on this machine alone" >&2

version=${DEB_VERSION:-$("$binary" --version | sed -n 's/^msgspool //p')-1}
maintainer="${DEBFULLNAME:-msgspool authors} <${DEBEMAIL:-msgspool@localhost}>"
# The same sources make the same package.
when=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || stat -c %Y CHANGELOG.md)}

tree=$out/deb/msgspool-$version
rm -rf "$out/deb"
mkdir -p "$tree/Sources"
cp -R Makefile README.md CHANGELOG.md "$tree"
cp -R Sources/Extras Sources/Documentation "$tree/Sources"
cp -R Sources/Extras/Packaging/debian "$tree/debian"
sed -i "s|@MAINTAINER@|$maintainer|" "$tree/debian/control"
cat > "$tree/debian/changelog" << END
msgspool ($version) unstable; urgency=medium

  * What changed for users is in changelog.gz.

 -- $maintainer  $(date -u -R -d "@$when")
END

# Where things are installed is for debian/rules to say, and not for who calls make.
unset PREFIX DESTDIR BINDIR MANDIR BASHDIR ZSHDIR FISHDIR UNITDIR BRIDGEDIR EXAMPLEDIR CONFDIR MAKEFLAGS MAKELEVEL
log=$out/deb/log
cd "$tree"
env BINARY="$binary" SOURCE_DATE_EPOCH="$when" \
  dpkg-buildpackage --build=binary --no-sign > "$log" 2>&1 || { tail -n 30 "$log" >&2; fail "see $log"; }
for package in "$out"/deb/msgspool_*.deb; do
  mv "$package" "$out"
  printf '%s\n' "$out/${package##*/}"
done
