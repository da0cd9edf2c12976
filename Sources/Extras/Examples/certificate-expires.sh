#!/bin/sh
# Tells of certificates of TLS servers that expire soon.
set -eu
# shellcheck source=telling.sh
. "$(dirname -- "$0")/telling.sh"

help() {
  cat << END
$program: certificates of TLS servers that expire soon, or have expired

usage: $program --host NAME[:PORT]... [options]

  --host NAME[:PORT]
                     the server, at port 443 unless another is named; may be
                     repeated; [2001:db8::1]:443 for addresses with colons
  --days LIST        told when less than so many days are left (else 14,7,3,1)
END
  common_help
  cat << END

A certificate and a number of days are one message, and one more tells that it
has expired. The certificate is looked at, not trusted. With cron, once a day:

  20 7 * * *  sh $0 --host www.example.com --host mail.example.com:993 --to UID_a
END
}

host='' days=14,7,3,1
options 'host days' "$@"
[ -n "$host" ] || usage '--host is missing'
matches "$days" '[1-9][0-9]{0,4}(,[1-9][0-9]{0,4})*' \
  || usage "--days $days: expected numbers of days with commas between"
hosts=$(printf '%s\n' "$host" | sort -u)
for one in $hosts; do
  matches "$one" '([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?' \
    || usage "--host $one: expected NAME or NAME:PORT"
done
begin openssl timeout

in_days() { [ "$1" -eq 1 ] && echo "In 1 day" || echo "In $1 days"; }
# Seconds since 1970 of "notAfter=Nov 29 10:00:00 2026 GMT".
seconds() {
  awk '/^notAfter=[A-Z][a-z][a-z] +[0-9]+ [0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9]+ GMT$/ {
    sub(/^notAfter=/, "")
    m = (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3
    y = $4 - (m < 3)
    m = (m + 9) % 12
    split($3, t, ":")
    number = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m + 2) / 5) + $2 - 719469
    printf "%.0f\n", number * 86400 + t[1] * 3600 + t[2] * 60 + t[3]
    found = 1
  }
  END { exit !found }'
}

for one in $hosts; do
  case $one in *]) one=$one:443 ;; *]:* | *[!]]:*) ;; *) one=$one:443 ;; esac
  name=${one%:*}
  # An address is no name that a server could be asked for.
  case $name in *[!0-9.]*) set -- -servername "$name" ;; *) set -- -noservername ;; esac
  case $name in "["*) set -- -noservername ;; esac
  said=$(timeout 30 openssl s_client -connect "$one" "$@" < /dev/null 2> /dev/null || true)
  case $said in
    *"-----BEGIN CERTIFICATE-----"*) ;;
    *CONNECTED*) note 65 "$one answers, but shows no certificate: does it speak TLS?"; continue ;;
    *) note 75 "cannot reach $one"; continue ;;
  esac
  ends=$(printf '%s\n' "$said" | openssl x509 -noout -enddate 2> /dev/null | seconds) \
    || { note 65 "the certificate of $one cannot be read"; continue; }

  left=$((ends - now)) stage=''
  for limit in $(printf '%s\n' "$days" | tr ',' '\n' | sort -n); do
    if [ -z "$stage" ] && [ "$left" -lt $((limit * day)) ]; then stage=$limit; fi
  done
  [ "$left" -gt 0 ] || stage=0
  [ -n "$stage" ] || continue
  event=$one/$ends
  told=$(last "$event")
  if [ -n "$told" ] && [ "$told" -le "$stage" ]; then
    remember "$event" "$told"
    continue
  fi
  date=$(printf '%s\n' "$said" | openssl x509 -noout -enddate | sed 's/^notAfter=//')
  if [ "$stage" -eq 0 ]; then
    tell "$event" 0 "certificate/$event/0" $((now + 7 * day)) "Certificate expired: $one" "It expired on $date."
  else
    tell "$event" "$stage" "certificate/$event/$stage" "$ends" "Certificate expires: $one" \
      "$(in_days $((left / day))), on $date."
  fi
done
