#!/usr/bin/env bash
# bench.sh MSGSPOOL: how fast a sweep is, as a share of what the file system itself allows (floor.c) in the same run, on
# the same disk. Ratios can be compared between machines and days; messages a second can't.
# BENCH_N is the number of messages (20000), BENCH_MEMORY the backlogs whose peak memory is compared ("10000 200000"),
# TMPDIR where the spools are made: a real disk, please, not a tmpfs.
set -euo pipefail

program=$(realpath "${1:?usage: bench.sh MSGSPOOL}")
source=$(cd "$(dirname "$0")" && pwd)
count=${BENCH_N:-20000}
read -ra backlogs <<< "${BENCH_MEMORY-10000 200000}"

here=$(mktemp -d "${TMPDIR:-/tmp}/msgspool-bench.XXXXXX")
sandbox=''
clean_up() {
  status=$?
  trap - EXIT
  [ -z "$sandbox" ] || kill "$sandbox" 2> /dev/null || true
  rm -rf "$here"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for tool in floor fill measure wire; do
  libraries=()
  if [ "$tool" = wire ]; then libraries=(-lcurl); fi
  "${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -o "$here/$tool" "$source/$tool.c" "${libraries[@]}"
done

start_sandbox() {
  rm -f "$here/address"
  "$program" sandbox > "$here/address" &
  sandbox=$!
  for ((try = 0; try < 100; try++)); do
    if [ -s "$here/address" ]; then break; fi
    sleep 0.05
  done
  address=$(head -n 1 "$here/address")
  configure config off
  # Nobody is asked while the clock runs: what is measured is that they are awaited.
  configure awaiting pull
}

configure() { # NAME RECEIPTS: a configuration; the receipts of a provider that can be asked are off or awaited
  (umask 077 && cat > "$here/$1.json") << END
{
  channels: {
    wxpusher: { provider: "wxpusher", endpoint: "$address", app_token: "AT_bench", rate: 0, daily_per_recipient: 0,
                receipts: "$2", receipt_every: "24h" },
    limited: { provider: "wxpusher", endpoint: "$address", app_token: "AT_bench", rate: 0 },
    twilio: { provider: "twilio", endpoint: "$address", account_sid: "AC00000000000000000000000000000000",
              auth_token: "bench", from: "+15005550006", concurrency: 64, rate: 0,
              receipts: "$2", receipt_every: "24h" },
  },
}
END
}

stop_sandbox() {
  kill "$sandbox"
  wait "$sandbox" 2> /dev/null || true
  sandbox=''
}

fresh() { # KIND COUNT: a spool of its own, everything on disk before the clock starts
  rm -rf "$here/spool"
  "$program" init --quiet "$here/spool"
  "$here/fill" "$here/spool" "$1" "$2"
  sync -f "$here/spool"
}

sweep() { # COUNT [CONFIGURATION]: sets seconds, user, system, peak, calls
  "$here/measure" "$program" sweep --json --spool "$here/spool" --config "$here/${2:-config}.json" \
    > "$here/out" 2> "$here/err" || true
  read -r seconds user system peak < <(sed -n 's/^measure: //p' "$here/err")
  calls=$(sed -n 's/.*"calls":\([0-9]*\).*/\1/p' "$here/out")
  done=$(sed -n 's/.*"done":\([0-9]*\).*/\1/p' "$here/out")
  if [ "${done:-0}" -ne "$1" ]; then
    echo "bench: ${done:-0} of $1 messages done: $(cat "$here/out" "$here/err")" >&2
    exit 1
  fi
}

sandbox_seconds() { # CPU that the sandbox has used, which competes for the same cores
  awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$sandbox/stat"
}

row() { printf '%-24s %9s %6s %7s %6s %7s %8s %6s\n' "$@"; }
calculate() { awk "BEGIN { printf \"$1\", $2 }"; }
# Other programs on the machine only ever make a run slower: of three runs the quickest counts. They take turns, so that
# all have the same company.
best() { sort -n | head -n 1; }

title() {
  case $1 in
    floor) echo 'file system floor (C)' ;;
    wxpusher) echo 'wxpusher, equal content' ;;
    twilio) echo 'twilio, 64 in flight' ;;
    wire) echo 'libcurl alone (C), 64' ;;
  esac
}

echo "$(nproc) cores, $(df --output=fstype "$here" | tail -n 1), $(uname -sr), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
start_sandbox
for _ in 1 2 3; do
  fresh wxpusher "$count"
  "$here/floor" "$here/spool" | awk '{ print $2, "- - - - -" }' >> "$here/runs.floor"
  before=$(sandbox_seconds)
  read -r _ seconds cpu < <("$here/wire" "$address" "$count")
  echo "$seconds $cpu 0 - $count $(calculate %.2f "$(sandbox_seconds) - $before")" >> "$here/runs.wire"
  for kind in wxpusher twilio; do
    fresh "$kind" "$count"
    before=$(sandbox_seconds)
    sweep "$count"
    echo "$seconds $user $system $peak $calls $(calculate %.2f "$(sandbox_seconds) - $before")" >> "$here/runs.$kind"
  done
done
stop_sandbox

row "$count messages" 'a second' ratio calls 'CPU s' system 'sandbox' MiB
limit=$(best < "$here/runs.floor" | cut -d ' ' -f 1)
for kind in floor wire wxpusher twilio; do
  read -r seconds user system peak calls sandbox_cpu < <(best < "$here/runs.$kind")
  case $kind in
    floor) cpu='-' memory='-' ;;
    wire) cpu=$(calculate %.2f "$user") system='-' memory='-' ;;
    *) cpu=$(calculate %.2f "$user + $system") memory=$(calculate %.1f "$peak / 1024") ;;
  esac
  row "$(title $kind)" "$(calculate %.0f "$count / $seconds")" "$(calculate %.2f "$limit / $seconds")" "$calls" \
    "$cpu" "$system" "$sandbox_cpu" "$memory"
done

echo
for backlog in "${backlogs[@]}"; do
  start_sandbox
  fresh wxpusher "$backlog"
  sweep "$backlog"
  printf 'peak memory, %7d files   %7s MiB   (%s messages/s)\n' "$backlog" "$(calculate %.1f "$peak / 1024")" \
    "$(calculate %.0f "$backlog / $seconds")"
  stop_sandbox
done

# Several sweepers over one spool. With fewer descriptors each has less in hand, and there is something to share.
together() { # SWEEPERS: seconds until all have ended
  fresh twilio $((count / 2))
  local begin end number pids=()
  begin=$(date +%s.%N)
  for ((number = 0; number < $1; number++)); do
    (ulimit -n 1624 && exec "$program" sweep --quiet --spool "$here/spool" --config "$here/config.json") &
    pids+=($!)
  done
  wait "${pids[@]}"
  end=$(date +%s.%N)
  if [ "$(find "$here/spool/done" -type f | wc -l)" -ne $((count / 2)) ]; then
    echo "bench: $1 sweepers left something behind" >&2
    exit 1
  fi
  calculate %.6f "$end - $begin"
  echo
}

start_sandbox
for _ in 1 2; do
  for sweepers in 1 2 4 8 16; do together "$sweepers" >> "$here/together.$sweepers"; done
done
stop_sandbox
alone=$(best < "$here/together.1")
printf 'sweepers together, as fast as one alone:'
for sweepers in 2 4 8 16; do
  printf '  %s: %s' "$sweepers" "$(calculate %.2f "$alone / $(best < "$here/together.$sweepers")")"
done
printf '\n'

# What receipts cost on the way out, in processor time a recipient: in calls of 2000 recipients, and in calls of one.
start_sandbox
for _ in 1 2 3; do
  for kind in wxpusher twilio; do
    for receipts in config awaiting; do
      fresh "$kind" "$count"
      sweep "$count" "$receipts"
      calculate '%.6f\n' "$user + $system" >> "$here/receipts.$kind.$receipts"
    done
  done
done
stop_sandbox
for kind in wxpusher twilio; do
  off=$(best < "$here/receipts.$kind.config") on=$(best < "$here/receipts.$kind.awaiting")
  printf 'receipts, %-10s off %s s, awaited %s s of CPU: %6s us a recipient\n' "$kind" "$(calculate %.2f "$off")" \
    "$(calculate %.2f "$on")" "$(calculate %.1f "($on - $off) * 1000000 / $count")"
done

start_sandbox
fresh wxpusher 0
empty=$(for ((run = 0; run < 21; run++)); do
  "$here/measure" "$program" sweep --quiet --spool "$here/spool" --config "$here/config.json" 2>&1 |
    awk '/^measure:/ { print $2 * 1000 }'
done | sort -n)
printf 'empty sweep, start to exit    %7s ms    (median of 21; the quickest %s)\n' \
  "$(calculate %.1f "$(sed -n 11p <<< "$empty")")" "$(calculate %.1f "$(head -n 1 <<< "$empty")")"
