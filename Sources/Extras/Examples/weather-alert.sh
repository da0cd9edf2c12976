#!/bin/sh
# Tells of a day with storm, heavy rain, frost or heat in the forecast of a place.
set -eu
# shellcheck source=telling.sh
. "$(dirname -- "$0")/telling.sh"

help() {
  cat << END
$program: storm, heavy rain, frost or heat in the forecast of today and tomorrow

usage: $program --latitude N --longitude N [options]

  --latitude N, --longitude N
                     the place, in degrees
  --place NAME       what it is called in the message (else its coordinates)
  --gusts KMH        told from gusts of 75 km/h on
  --rain MM          told from 50 mm of rain, or of snow as water, on
  --frost C          told from 0 °C downwards
  --heat C           told from 37 °C on
                     "off" for one of these leaves it out
  --url URL          where the forecast is
                     (else https://api.open-meteo.com/v1/forecast)
END
  common_help
  cat << END

A day and a kind of weather are one message, good until that day ends there.
With cron, twice a day:

  10 6,18 * * *  sh $0 --latitude 30.27 --longitude 120.15 --place 杭州 --to UID_a
END
}

url=https://api.open-meteo.com/v1/forecast
latitude='' longitude='' place='' gusts=75 rain=50 frost=0 heat=37
options 'url latitude longitude place gusts rain frost heat' "$@"
for name in latitude longitude gusts rain frost heat; do
  eval "value=\$$name"
  [ -n "$value" ] || usage "--$name is missing"
  case $name-$value in gusts-off | rain-off | frost-off | heat-off) continue ;; esac
  matches "$value" '-?[0-9]+(\.[0-9]+)?' || usage "--$name $value: expected a number"
done
begin curl

columns=wind_gusts_10m_max,precipitation_sum,temperature_2m_min,temperature_2m_max
query="latitude=$latitude&longitude=$longitude&timezone=auto&forecast_days=2&format=csv&daily=$columns"
answer=$(fetch "$url?$query")

# Tables with a line of headings each and an empty line between them: one about the place, one about its days. Out come
# DAY, KIND, VALUE and the second at which the day ends there.
events=$(printf '%s\n' "$answer" | awk -F, -v gusts="$gusts" -v rain="$rain" -v frost="$frost" -v heat="$heat" '
  function malformed(why) { print "line " NR ": " why > "/dev/stderr"; failed = 1; exit 65 }
  # Days since 1970 of a day in the Gregorian calendar.
  function number_of(date,   part, y, m) {
    split(date, part, "-")
    m = (part[2] + 9) % 12
    y = part[1] - (part[2] < 3)
    return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m + 2) / 5) + part[3] - 719469
  }
  function look(kind, heading, limit, sign,   value) {
    if (!(heading in column)) malformed("no column " heading)
    value = $column[heading]
    # Nothing is known of that day.
    if (value == "" || value == "NaN" || limit == "off") return
    if (value !~ /^-?[0-9]+(\.[0-9]+)?$/) malformed("no number: " value)
    if (sign * value >= sign * limit) printf "%s %s %s %.0f\n", $1, kind, value, (number_of($1) + 1) * 86400 - offset
  }
  BEGIN { place = 1 }
  { sub(/\r$/, "") }
  $0 == "" { headings = 1; next }
  NR == 1 || headings {
    split("", column)
    for (i = 1; i <= NF; i++) { name = $i; sub(/ .*/, "", name); column[name] = i }
    headings = 0
    next
  }
  "utc_offset_seconds" in column { offset = $column["utc_offset_seconds"]; known = (offset ~ /^-?[0-9]+$/); next }
  "time" in column {
    if ($1 !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ || !known) malformed("no day of a forecast")
    days++
    look("gusts", "wind_gusts_10m_max", gusts, 1)
    look("rain", "precipitation_sum", rain, 1)
    look("frost", "temperature_2m_min", frost, -1)
    look("heat", "temperature_2m_max", heat, 1)
  }
  END { if (!failed && !days) malformed("no forecast") }
') || fail 65 "${url%%\?*}: this is no forecast as CSV"

while read -r date kind value expires; do
  [ -n "$date" ] || continue
  case $kind in
    gusts) what="gusts of $value km/h" ;;
    rain) what="$value mm of rain or snow" ;;
    frost) what="down to $value °C" ;;
    *) what="up to $value °C" ;;
  esac
  event=$latitude,$longitude/$date/$kind
  tell "$event" told "weather/$event" "$expires" "${place:-$latitude, $longitude}: $what" "$date: $what"
done << END
$events
END
