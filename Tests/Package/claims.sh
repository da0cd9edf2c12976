#!/bin/sh
# What the package's tests share: a claim, and what it is made with. To be sourced.

[ -d /expendable ] || { echo "not in a root of its own; see root.sh" >&2; exit 64; }
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset MSGSPOOL_CONFIG MSGSPOOL_DIR || true
failures=0

claim() { # claim TEXT COMMAND...
  what=$1
  shift
  if "$@" > /expendable/output 2>&1; then printf 'ok      %s\n' "$what"; else
    printf 'NOT OK  %s\n' "$what"
    sed 's/^/        /' /expendable/output
    failures=$((failures + 1))
  fi
}
is() { [ "$1" = "$2" ] || { printf 'found    %s\nexpected %s\n' "$1" "$2"; false; }; }
as() { who=$1; shift; setpriv --reuid "$who" --regid "$who" --init-groups "$@"; }
ended() {
  [ $failures -eq 0 ] || { echo "$failures failed"; exit 1; }
  echo "all is as claimed"
}
