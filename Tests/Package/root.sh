#!/bin/sh
# Runs what is claimed of the Debian package with the real dpkg, in a root of its own.
#
#   Tests/Package/root.sh OLD.deb NEW.deb [ROOT]     its life from installation to purge: life.sh
#   Tests/Package/root.sh --boot OLD.deb NEW.deb ROOT    its services, under a systemd that boots there: boot.sh
#
# ROOT is a Debian to begin with, such as debootstrap makes, in a path without colons; it is not changed, and apt brings
# in what is needed. Without it the root is this machine's, seen through an overlay: nothing is fetched, and it takes
# seconds. Needs root, and a kernel that mounts overlays in a namespace; where it can't, exit status 77 and the reason,
# which `root.sh --check` finds out alone.
set -eu

skip() { printf 'root.sh: skipped: %s\n' "$*" >&2; exit 77; }
overlay() { # overlay ROOT FOLDER
  # Its own files lie in memory: a file system that is an overlay itself can't hold them.
  mount -t tmpfs -o mode=755 deb "$2" && mkdir "$2/upper" "$2/work" "$2/root" &&
    mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" deb "$2/root"
}

what=life
case ${1:-} in
  --boot) what=boot; shift ;;
  --check) what=check; set -- / / ;;
  --inside)
    overlay "$3" "$4" || exit 77
    [ "$2" != check ] || exit 0
    root=$4/root
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mount -t tmpfs -o mode=755 run "$root/run"
    here=$(dirname "$(realpath "$0")")
    mkdir "$root/expendable"
    cp "$5" "$root/expendable/old.deb"
    cp "$6" "$root/expendable/new.deb"
    cp "$here/life.sh" "$here/boot.sh" "$here/claims.sh" "$here/../../Sources/Extras/Producers/drop.sh" "$root/expendable"
    kind=overlay
    if [ "$3" != / ]; then
      kind=fresh
      cp /etc/resolv.conf "$root/etc/resolv.conf"
    fi
    [ "$2" = boot ] || exec chroot "$root" sh /expendable/life.sh $kind < /dev/null
    chroot "$root" sh /expendable/boot.sh prepare < /dev/null
    umount -R "$root/dev" "$root/proc" "$root/tmp" "$root/run"
    systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network --boot \
      < /dev/null > "$4/console" 2>&1 || { tail -n 40 "$4/console"; exit 1; }
    cat "$root/expendable/report"
    tail -n 1 "$root/expendable/report" | grep -q '^all '
    exit
    ;;
esac

[ $# -ge 2 ] || { echo "usage: root.sh [--boot] OLD.deb NEW.deb [ROOT]" >&2; exit 64; }
[ "$(id -u)" -eq 0 ] || skip "needs root, to mount an overlay and to install"
command -v dpkg > /dev/null || skip "no dpkg here"
unshare --mount true 2> /dev/null || skip "no mount namespaces here"
if [ $what = boot ]; then
  command -v systemd-nspawn > /dev/null || skip "no systemd-nspawn here (apt-get install systemd-container)"
  [ $# -eq 3 ] || { echo "root.sh: --boot needs a ROOT" >&2; exit 64; }
fi
folder=$(mktemp -d)
trap 'rmdir "$folder"' EXIT
status=0
# All processes of the root end with the namespace, whatever happens here.
unshare --mount --pid --fork --kill-child --propagation private --mount-proc \
  "$0" --inside $what "$(realpath "${3:-/}")" "$folder" "$(realpath "$1")" "$(realpath "$2")" || status=$?
[ $status -ne 77 ] || skip "no overlay of ${3:-/} can be mounted here"
exit $status
