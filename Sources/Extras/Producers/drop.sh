#!/bin/sh
# drop.sh SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name.
set -eufC # C: ">" fails instead of overwriting (O_EXCL)

[ $# -eq 4 ] || { echo "usage: drop.sh SPOOL CHANNEL TO[,TO]... BODY" >&2; exit 64; }
[ -d "$1/tmp" ] && [ -d "$1/new" ] || { echo "drop.sh: no spool at $1; run: msgspool init $1" >&2; exit 66; }

# JSON has \u00XX for every control character; a newline ends a line here, so it is put back between lines.
escapes='s/["\\]/\\&/g;$!s/$/\\n/' code=1
while [ $code -lt 32 ]; do
  [ $code -eq 10 ] || escapes="$escapes;s/$(printf "\\$(printf %o $code)")/\\\\u$(printf %04x $code)/g"
  code=$((code + 1))
done
quote() { printf '"%s"' "$(printf '%s\n' "$1" | LC_ALL=C sed "$escapes" | tr -d '\n')"; }

list='' IFS=,
for one in $3; do [ -z "$one" ] || list="$list${list:+,}$(quote "$one")"; done
json="{\"channel\":$(quote "$2")${list:+,\"to\":[$list]},\"body\":$(quote "$4")}"

name=$(date +%s).$$.$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n').json
printf '%s\n' "$json" > "$1/tmp/$name"
sync -- "$1/tmp/$name" # flushes this file (coreutils 8.24, busybox); an older sync flushes everything, which is as safe
mv -- "$1/tmp/$name" "$1/new/$name"
sync -- "$1/new" # the folder too, so that a power cut can't take the new name back
echo "$name"
