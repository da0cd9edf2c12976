#!/bin/sh
# Coverage-guided fuzzing with libFuzzer and the address sanitizer, of what strangers write: message files, configurations,
# providers' answers. Begins with Tests/Corpus; what it finds stays in .build-fuzz/KIND, a crash in .build-fuzz/crash-*.
#
#   Tests/fuzz.sh [SECONDS for each kind, 60]
#
# Exit status: 0 when nothing was found.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
swift=${SWIFTC:-swiftc}
out=.build-fuzz
mkdir -p "$out"

# One after the other, as the package has them; in one go SwiftPM would fuzz its own main.
objects=
for module in Digests Signing Domains Core Providers Configuring Spooling; do
  sources=$(find Sources/"$module" -name "*.swift")
  # shellcheck disable=SC2086
  "$swift" -O -enable-testing -swift-version 6 -package-name msgspool -parse-as-library -sanitize=fuzzer,address \
    -wmo -module-name "$module" -emit-module -emit-module-path "$out/$module.swiftmodule" -emit-object \
    -o "$out/$module.o" -I "$out" -I Sources/C/CCrypto -I Sources/C/CIDN2 -I Sources/C/CSystem $sources
  objects="$objects $out/$module.o"
done
# shellcheck disable=SC2086
"$swift" -O -swift-version 6 -package-name msgspool -parse-as-library -sanitize=fuzzer,address -I "$out" \
  -I Sources/C/CCrypto -I Sources/C/CIDN2 -I Sources/C/CSystem -use-ld=lld -module-name Fuzz Tests/Fuzz/Fuzz.swift $objects -o "$out/fuzz"

# A spool with a channel and a message for each provider that has a far side, as the program itself makes them.
program=${MSGSPOOL_BINARY:-.build/debug/msgspool}
[ -x "$program" ] || "${SWIFT:-swift}" build --product msgspool --explicit-target-dependency-import-check error
rm -rf "$out/channels"
mkdir "$out/channels"
for name in $("$program" providers --json | grep -o '{"name":"[a-z-]*","summary"' | cut -d '"' -f 4); do
  spool=$out/channels/$name
  if steps=$("$program" init "$spool" --provider "$name" --sandbox 2> /dev/null); then
    echo "$steps" | sed -n "s|^  msgspool send |$program send --quiet |p" | sh
  else
    rm -rf "$spool"
  fi
done

export SWIFT_BACKTRACE=enable=no CHANNELS="$out/channels" ASAN_OPTIONS=detect_leaks=0
for FUZZ in messages configurations answers; do
  export FUZZ
  mkdir -p "$out/$FUZZ"
  # A slow input is a finding, too; Swift's runtime keeps what it once allocated, so memory may grow.
  "$out/fuzz" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=4096 -artifact_prefix="$out/crash-" \
    -print_final_stats=1 "$out/$FUZZ" Tests/Corpus/"$FUZZ" > "$out/$FUZZ.log" 2>&1 ||
    { tail -n 40 "$out/$FUZZ.log"; exit 1; }
  printf '%-16s %s\n' "$FUZZ" \
    "$(sed -n 's/^stat::number_of_executed_units: /inputs /p; s/.*DONE *\(cov: [0-9]*\).*/\1/p' "$out/$FUZZ.log" | tr '\n' ' ')"
done
