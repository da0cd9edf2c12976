#!/bin/sh
# Tells of Chinese shares that stand at the limit of what their price may change in a day (涨停, 跌停).
set -eu
# shellcheck source=telling.sh
. "$(dirname -- "$0")/telling.sh"

help() {
  cat << END
$program: Chinese shares at the limit of what their price may change in a day

usage: $program --share CODE... [options]

  --share CODE       sh600000, sz300750, bj920001; may be repeated
  --st PERCENT       the limit of ST shares of the main boards (else 5)
  --url URL          where quotes are; the codes are put behind it
                     (else https://qt.gtimg.cn/q=)
END
  common_help
  cat << END

10 %, 20 % for STAR (688, 689) and ChiNext (30), 30 % in Beijing, of yesterday's
close, rounded half up to 0.01 yuan and at least that far from it. Shares in
their first five days (N..., C...) have no limit. Where a quote names limits of
its own, those count. A share, a day and a direction are one message, good until
that day ends. With cron, each minute of the trading day (times are Chinese):

  CRON_TZ=Asia/Shanghai
  * 9-15 * * 1-5  sh $0 --share sh600000 --share sz300750 --to UID_a
END
}

share='' st=5 url=https://qt.gtimg.cn/q=
options 'share st url' "$@"
[ -n "$share" ] || usage '--share is missing'
matches "$st" '[0-9]+' || usage "--st $st: expected a number of percent"
codes=$(printf '%s\n' "$share" | sort -u)
for code in $codes; do
  matches "$code" '(sh6|sz[03]|bj[489])[0-9]{5}' \
    || usage "--share $code: expected the code of an A share, such as sh600000"
done
begin curl iconv

answer=$(fetch "$url$(printf '%s\n' "$codes" | paste -sd , -)")
# Names are in GBK, whose second bytes may be the "~" that parts the fields: it is converted first.
quotes=$(printf '%s\n' "$answer" | iconv -f GB18030 -t UTF-8) || fail 65 "${url%%\?*}: these are no quotes in GBK"
# China's clocks are 8 hours ahead all year.
today=$(TZ=CST-8 date +%Y%m%d)

# A line for each share asked for: CODE, WHAT (up, down, none, or why it cannot be told), NAME, PRICE, CLOSE, TIME.
states=$(printf '%s\n' "$quotes" | awk -v codes="$codes" -v st="$st" -v today="$today" '
  # A price as a number of 0.01 yuan, -1 where it is none.
  function cents(text,   part) {
    if (text !~ /^[0-9]+(\.[0-9]+)?$/) return -1
    split(text, part, ".")
    if (substr(part[2], 3) ~ /[1-9]/) return -1
    return part[1] * 100 + substr(part[2] "00", 1, 2)
  }
  function yuan(n) { return sprintf("%d.%02d", n / 100, n % 100) }
  function percent(code, name) {
    if (code ~ /^sh68[89]/ || code ~ /^sz30/) return 20
    if (code ~ /^bj/) return 30
    return name ~ /ST/ ? st : 10
  }
  # Whole numbers throughout, so that a half is a half: the exchanges round it up, and move at least 0.01 yuan.
  function limit(close_, rate, sign,   n) {
    n = int((close_ * (100 + sign * rate) + 50) / 100)
    if (sign * n <= sign * close_) n = close_ + sign
    return n < 1 ? 1 : n
  }
  function look(code, line,   field, count, name, price, close_, up, down, what) {
    count = split(line, field, "~")
    name = field[2]; price = cents(field[4]); close_ = cents(field[5])
    if (count < 31 || price < 0 || close_ < 0 || field[31] !~ /^[0-9]+$/ || length(field[31]) != 14)
      return "malformed"
    # Yesterday, nothing was traded yet, or no limit: there is nothing to say.
    if (substr(field[31], 1, 8) != today || !price || !close_ || name ~ /^[NC][^ -~]/) return "none"
    up = limit(close_, percent(code, name), 1); down = limit(close_, percent(code, name), -1)
    if (cents(field[48]) > 0 && cents(field[49]) > 0 && (cents(field[48]) != up || cents(field[49]) != down)) {
      print code ": its limits are " field[48] " and " field[49] " by its quote, " yuan(up) " and " yuan(down) \
        " by the rule; see --st" > "/dev/stderr"
      up = cents(field[48]); down = cents(field[49])
    }
    what = price >= up ? "up" : price <= down ? "down" : "none"
    return what "\037" name "\037" yuan(price) "\037" yuan(close_) "\037" substr(field[31], 9)
  }
  match($0, /v_[a-z]+[0-9]+="[^"]*"/) {
    line = substr($0, RSTART + 2, RLENGTH - 3)
    quote[substr(line, 1, index(line, "=") - 1)] = substr(line, index(line, "\"") + 1)
  }
  END {
    count = split(codes, code, "\n")
    for (i = 1; i <= count; i++) print code[i] "\037" (code[i] in quote ? look(code[i], quote[code[i]]) : "missing")
  }
')

# The day that ends in China, in seconds since 1970.
expires=$((((now + 28800) / day + 1) * day - 28800))
while IFS=$(printf '\037') read -r code what name price close time; do
  case $what in
    none) continue ;;
    missing) note 65 "no quote of $code: is the code right?"; continue ;;
    malformed) note 65 "the quote of $code cannot be read"; continue ;;
    up) text="$name $code at its upper limit (涨停): $price" ;;
    *) text="$name $code at its lower limit (跌停): $price" ;;
  esac
  event=$code/$today/$what
  tell "$event" told "daily-limit/$event" "$expires" "$text" \
    "$price, after $close at yesterday's close. $(printf '%s\n' "$time" | sed 's/\(..\)\(..\)/\1:\2:/')"
done << END
$states
END
