#!/bin/sh
# Shows msgspool at work without an account or a network: demo.sh MSGSPOOL, where MSGSPOOL is the built program.
# Everything happens in a temporary folder that is gone afterwards; the providers are `msgspool sandbox` on loopback.
set -eu

program=$(cd "$(dirname "${1:?usage: demo.sh MSGSPOOL}")" && pwd)/$(basename "$1")
producers=$(cd "$(dirname "$0")/../Producers" && pwd)
began=$(date +%s)

here=$(mktemp -d "${TMPDIR:-/tmp}/msgspool-demo.XXXXXX")
sandbox=''
clean_up() {
  status=$?
  trap - EXIT
  [ -z "$sandbox" ] || kill "$sandbox" 2> /dev/null || true
  cd / && rm -rf "$here"
  [ "$status" -eq 0 ] || echo "demo: stopped with exit status $status" >&2
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What is shown is what one would type: msgspool is in the PATH, and the spool is ./spool.
mkdir "$here/bin" && ln -s "$program" "$here/bin/msgspool"
PATH="$here/bin:$PATH" && export PATH
unset MSGSPOOL_DIR MSGSPOOL_CONFIG
cd "$here"

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step=0
say() {
  step=$((step + 1))
  printf '\n%s%d. %s%s\n\n' "$bold" "$step" "$*" "$plain"
}
indented() { sed 's/^./  &/'; }
# Long lines of JSON, in 80 columns.
folded() { fold -w 76 | indented; }
typed() { printf '  $ %s\n' "$*"; }
# Through a file rather than a pipe: a pipe would hide the exit status.
run() {
  typed "$*"
  "$@" > output
  indented < output
}

say 'A spool: six folders and a configuration'
typed msgspool init spool
msgspool init spool > output
run ls -F spool

say 'A sandbox stands in for the providers; the configuration points at it'
msgspool sandbox --record record.jsonl > sandbox.out &
sandbox=$!
tries=0
until [ -s sandbox.out ]; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ] || ! kill -0 $sandbox; then echo 'demo: the sandbox does not start' >&2; exit 1; fi
  sleep 0.1
done
read -r address < sandbox.out
# Literal secrets, even these, need a file that nobody else may read.
(umask 077 && cat > spool/config.json) << END
{
  channels: {
    alerts: { provider: "wxpusher", endpoint: "$address",
              app_token: "AT_demo", rate: 5 },
    otp:    { provider: "aliyun-sms", endpoint: "$address",
              access_key_id: "LTAIdemo", access_key_secret: "demo",
              sign_name: "Clinic", template: "SMS_1234" },
    world:  { provider: "twilio", endpoint: "$address",
              account_sid: "AC00000000000000000000000000000000",
              auth_token: "demo", from: "+15005550006" },
  },
}
END
indented < spool/config.json

say 'Programs in several languages drop messages: write to tmp/, flush, rename'
dropped=''
drop() { # LANGUAGE INTERPRETER FILE CHANNEL TO BODY
  if command -v "$2" > /dev/null 2>&1; then
    dropped=$("$2" "$producers/$3" spool "$4" "$5" "$6")
    printf '  %-8s  %-30s  %s\n' "$1" "$dropped" "$6"
  else
    printf '  %-8s  skipped, there is no %s here\n' "$1" "$2"
  fi
}
drop Python python3 drop.py alerts UID_anna,UID_bo,UID_chen '台风预警: typhoon, stay inside'
weather=$dropped
drop Node node drop.js alerts UID_bo 'ACME at its limit: 42.00'
drop Perl perl drop.pl alerts UID_chen 'ZETA at its limit: 7.50'
drop sh sh drop.sh alerts UID_dev 'Build 1817 failed: 3 tests'
# Something was settled in any case, since sh is always there.
weather=${weather:-$dropped}

# One content in 40 files: whoever dropped them, they can travel together.
number=0
while [ $number -lt 40 ]; do
  number=$((number + 1))
  printf '{"channel":"alerts","to":"UID_%03d","body":"Lift 2 is out of service"}\n' $number
done | msgspool send --json > names
printf '  %-8s  %-30s  %s\n' msgspool '40 files, one UID each' 'Lift 2 is out of service'

# One file, 5,000 numbers. Any program can do this; here it is awk.
awk 'BEGIN {
  printf "{\"channel\":\"otp\",\"params\":{\"day\":\"Monday\"},\"to\":["
  for (i = 0; i < 5000; i++) printf "%s\"138%08d\"", i ? "," : "", i
  print "]}"
}' > spool/tmp/reminder.json && mv spool/tmp/reminder.json spool/new/
printf '  %-8s  %-30s  %s\n' awk reminder.json 'to 5,000 numbers, by template'

# What goes wrong in real life: a number that is none, and a comma that is missing.
echo '{"channel":"world","to":["+4915112345601","+49","+4915112345603"],"body":"Gate 12"}' > spool/tmp/gate.json
mv spool/tmp/gate.json spool/new/
printf '  %-8s  %-30s  %s\n' echo gate.json 'one of three numbers is bad'
echo '{"channel":"alerts","to":"UID_anna" "body":"Pump 3 is dry"}' > spool/tmp/pump.json
# Fresh ones that don't parse are left to their writers for 5 seconds; this one is older.
touch -d '1 minute ago' spool/tmp/pump.json && mv spool/tmp/pump.json spool/new/
printf '  %-8s  %-30s  %s\n' echo pump.json 'no JSON: a comma is missing'

say 'What would a sweep do? It groups equal contents into the fullest calls'
run msgspool sweep --dry-run

say 'The sweep (what cron, a timer or msgspool watch does)'
run msgspool sweep

folders() {
  for folder in spool/*/; do
    count=$(find "$folder" -type f | wc -l)
    names=$(find "$folder" -type f -name '[a-z]*' -printf '  %f')
    printf '  %-16s %3d%s\n' "$folder" "$count" "$names"
  done
}
say 'The folders afterwards: every message is in exactly one place'
folders

calls() { # the record's lines as a table; recipients are counted by their quotes
  awk '{
    provider = $0; sub(/.*"provider":"/, "", provider); sub(/".*/, "", provider)
    outcome = $0; sub(/.*"outcome":"/, "", outcome); sub(/".*/, "", outcome)
    status = $0; sub(/.*"status":/, "", status); sub(/[^0-9].*/, "", status)
    list = $0; sub(/.*"recipients":\[/, "", list); sub(/\].*/, "", list)
    count = gsub(/"[^"]*"/, "", list)
    printf "  %-12s %5d recipient%s  HTTP %s  %s\n", provider, count, count == 1 ? " " : "s", status, outcome
  }'
}
say 'The calls as the providers saw them'
calls < record.jsonl
awk '{ count += gsub(/"[^"]*"/, "") } END { printf "\n  %d calls for %d recipients\n", NR, count }' << END
$(sed 's/.*"recipients":\[//; s/\].*//' record.jsonl)
END

say 'One settled file: what was dropped, untouched, and a line of history behind it'
typed "cat spool/done/$weather"
folded < "spool/done/$weather"

say 'How things stand, and what failed'
run msgspool status
run msgspool list failed

say 'Mend the two files by hand and retry; only who has nothing yet gets something'
# The history stays behind the message, so the two numbers that were reached are not called again.
edit() {
  typed "sed -i '$1' $2"
  sed -i "$1" "$2"
}
edit '1s/"+49"/"+4915112345602"/' spool/failed/gate.json
edit '1s/" "body"/", "body"/' spool/failed/pump.json
before=$(wc -l < record.jsonl)
run msgspool retry gate.json pump.json
run msgspool sweep
tail -n +$((before + 1)) record.jsonl | calls

say 'Now everything is done'
folders

printf '\n%sThat was msgspool, in %d seconds. Next: README.md%s\n\n' "$bold" $(($(date +%s) - began)) "$plain"
