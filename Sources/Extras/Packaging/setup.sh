#!/bin/sh
# Brings in what msgspool needs to be built and tested on Debian: installs the packages that are missing, and only
# those. With nothing missing it changes nothing and is done in an instant. `setup.sh build` leaves out what only the
# tests use, `setup.sh deb` brings in what makes the package, and `setup.sh deb-test` what tries it.
# shellcheck disable=SC2016 # the ${...} in quotes are dpkg-query's own
set -eu

say() { printf 'setup: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# What the program is linked against, and the certificates of the authorities that vouch for providers.
build="libcurl4-openssl-dev libidn2-dev libmicrohttpd-dev libqrencode-dev libsqlite3-dev libssl-dev ca-certificates"
# What the tests use: strace watches system calls, openssl makes certificates, sqlite3 reads the ledger as others would,
# aiosmtpd is a mail server and apprise what a bridge talks to, mandoc reads the manual, jsonschema the message schema,
# zsh and fish what completes in them, curl what examples call, debhelper makes the package, and zbar reads the codes of
# logins as a phone does. Three are so large for what they tell that they are used where they are, and their tests skipped
# with the reason where they aren't: promtool (of prometheus, 19 MB to fetch, which also starts a server), lintian (40 MB)
# and chromium.
tests="strace openssl curl sqlite3 tzdata python3-aiosmtpd apprise mandoc python3-jsonschema zsh fish debhelper zbar-tools"

case ${1:-} in
  build) tests='' ;;
  deb) tests=debhelper ;;
  deb-test) tests="debhelper lintian debootstrap systemd-container" ;;
esac

check_swift() {
  swift=${SWIFT:-swift}
  if ! command -v "$swift" > /dev/null 2>&1; then
    found="there is no \"$swift\" in the PATH"
  else
    version=$("$swift" --version 2> /dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    major=${version%%.*} minor=${version#*.} minor=${minor%%.*}
    if [ "${major:-0}" -gt 6 ] || { [ "${major:-0}" -eq 6 ] && [ "${minor:-0}" -ge 2 ]; }; then return 0; fi
    found="\"$swift\" is version ${version:-unknown}"
  fi
  cat >&2 << END
setup: Swift 6.2 or later is needed, and $found.
setup: Debian has no package of it. Get it from https://www.swift.org/install/linux, for example with swiftly:
         curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz
         tar zxf swiftly-$(uname -m).tar.gz && ./swiftly init
       or unpack a toolchain anywhere and say: make SWIFT=/path/to/usr/bin/swift
END
  exit 1
}

missing_packages() {
  # One dpkg-query for all: it prints a line for each that it knows, and complains about the others.
  # shellcheck disable=SC2086 # a list of words
  installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' $build $tests 2> /dev/null || true)"
  for package in $build $tests; do
    case $installed in
      *" $package=installed "*) ;;
      *) printf '%s ' "$package" ;;
    esac
  done
  # Swift links with the C++ library, whose package has another name in every release of Debian.
  dpkg-query -W -f '${db:Status-Status}\n' 'libstdc++-*-dev' 2> /dev/null | grep -qx installed || printf 'g++ '
}

check_headers() {
  # Not Debian: nothing is installed, but what is missing is named.
  absent=''
  for header in curl/curl.h idn2.h microhttpd.h qrencode.h sqlite3.h openssl/hmac.h; do
    printf '#include <%s>\n' "$header" | ${CC:-cc} -E -x c - > /dev/null 2>&1 || absent="$absent $header"
  done
  [ -z "$absent" ] || fail "no Debian here, so install these yourself (development packages):$absent"
}

install_packages() {
  root=''
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null 2>&1 || fail "missing: $*; there is no sudo here, so run as root: apt-get install $*"
    root=sudo
    say "installing needs root, so sudo may ask for your password"
  fi
  say "installing $*"
  # Never a question, and nothing that was not asked for.
  run="$root env DEBIAN_FRONTEND=noninteractive apt-get -qq"
  # A list of packages from another day may name files that are gone, so it is renewed, but only when installing fails.
  # shellcheck disable=SC2086 # words
  $run install -y --no-install-recommends "$@" > /dev/null 2>&1 || {
    say "the list of packages is old or empty: apt-get update"
    $run update
    $run install -y --no-install-recommends "$@" > /dev/null
  }
  say "done: $*"
}

if command -v dpkg-query > /dev/null 2>&1 && command -v apt-get > /dev/null 2>&1; then
  missing=$(missing_packages)
  # shellcheck disable=SC2086 # a list of words
  [ -z "$missing" ] || install_packages $missing
else
  check_headers
fi
check_swift
