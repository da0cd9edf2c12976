#!/bin/sh
# The life of the Debian package (life.sh tells it) with the real dpkg, in a root of its own.
#
#   Tests/Package/root.sh OLD.deb NEW.deb [ROOT]
#
# ROOT is a Debian to begin with, such as debootstrap makes; it is not changed, and apt brings in what the package depends
# on. Without it the root is this machine's, seen through an overlay: nothing is fetched, and it takes seconds.
# Needs root, and a kernel that mounts overlays in a namespace; where it can't, exit status 77 and the reason.
set -eu

skip() { printf 'root.sh: skipped: %s\n' "$*" >&2; exit 77; }

if [ "${1:-}" != --inside ]; then
  [ $# -ge 2 ] || { echo "usage: root.sh OLD.deb NEW.deb [ROOT]" >&2; exit 64; }
  [ "$(id -u)" -eq 0 ] || skip "needs root, to mount an overlay and to install"
  command -v dpkg > /dev/null || skip "no dpkg here"
  unshare --mount true 2> /dev/null || skip "no mount namespaces here"
  # Processes of the root end with the namespace, whatever happens to this script.
  exec unshare --mount --pid --fork --kill-child --propagation private "$0" --inside "$@"
fi
shift
old=$(realpath "$1") new=$(realpath "$2") lower=${3:+$(realpath "$3")}
here=$(dirname "$(realpath "$0")")
life=$here/life.sh
producer=$here/../../Sources/Extras/Producers/drop.sh

# The overlay's own files lie in memory: a file system that is an overlay itself can't hold them.
work=$(mktemp -d)
mount -t tmpfs -o mode=755 deb "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay -o "lowerdir=${lower:-/},upperdir=$work/upper,workdir=$work/work" deb "$work/root" 2> /dev/null ||
  skip "no overlay of ${lower:-/} can be mounted here"
root=$work/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir "$root/tmp/deb"
cp "$old" "$root/tmp/deb/old.deb"
cp "$new" "$root/tmp/deb/new.deb"
cp "$producer" "$life" "$root/tmp/deb/"
if [ -n "$lower" ]; then
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  set -- fresh
else
  set -- overlay
fi

chroot "$root" sh /tmp/deb/life.sh "$1" < /dev/null
