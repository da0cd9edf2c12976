#!/bin/sh
# Tells of failed builds, from the feed that build servers have for programs such as CCTray and CCMenu.
set -eu
# shellcheck source=telling.sh
. "$(dirname -- "$0")/telling.sh"

help() {
  cat << END
$program: builds that failed, by the feed of a build server (cc.xml)

usage: $program --url URL [--project NAME]... [options]

  --url URL          the feed: TeamCity's /app/rest/cctray/projects.xml,
                     Buildkite's https://cc.buildkite.com/ORGANIZATION.xml, ...
  --project NAME     only this one; may be repeated
END
  common_help
  cat << END

A build of a project is one message, good for a day. With cron:

  */5 * * * *  sh $0 --url https://ci.example.com/cc.xml --to UID_a

Where a build is a command, there is nothing to watch:

  make test > log 2>&1 || tail -n 20 log | msgspool send --title "Build failed"
END
}

url='' project=''
options 'url project' "$@"
[ -n "$url" ] || usage '--url is missing'
begin curl

answer=$(fetch "$url")
source=${url%%\?*}
source=${source#*//}
source=${source#*@}

# <Projects> with a <Project .../> each; out come STATUS, NAME, LABEL (else its time), TIME and URL.
builds=$(printf '%s\n' "$answer" | awk '
  function malformed(why) { print "no list of projects: " why > "/dev/stderr"; failed = 1; exit 65 }
  # A character of Unicode in UTF-8.
  function utf8(n) {
    if (n < 128) return sprintf("%c", n)
    if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
    if (n < 65536) return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
    return sprintf("%c%c%c%c", 240 + int(n / 262144), 128 + int(n / 4096) % 64, 128 + int(n / 64) % 64, 128 + n % 64)
  }
  function number(text,   n, i) {
    if (text !~ /^x/) return text + 0
    for (i = 2; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(text, i, 1))) - 1
    return n
  }
  # What an attribute says, with control characters as blanks: they part what goes out here.
  function plain(text,   out, name, value) {
    while (match(text, /&(#[0-9]+|#x[0-9A-Fa-f]+|[a-z]+);/)) {
      name = substr(text, RSTART + 1, RLENGTH - 2)
      if (name in entity) value = entity[name]
      else if (name ~ /^#/ && length(name) < 9) value = utf8(number(substr(name, 2)))
      else malformed("&" name ";")
      out = out substr(text, 1, RSTART - 1) value
      text = substr(text, RSTART + RLENGTH)
    }
    out = out text
    gsub(/[\001-\037\177]/, " ", out)
    return out
  }
  BEGIN { entity["amp"] = "&"; entity["lt"] = "<"; entity["gt"] = ">"; entity["quot"] = "\""; entity["apos"] = "\047" }
  { text = text $0 "\n" }
  END {
    if (failed) exit 65
    gsub(/<!--[^>]*-->/, "", text)
    if (text !~ /<Projects[ \t\r\n\/>]/ || text !~ /(<\/Projects[ \t\r\n]*>|<Projects[^<>]*\/>)[ \t\r\n]*$/)
      malformed("it does not begin and end with Projects")
    while (match(text, /<Project[ \t\r\n]/)) {
      text = substr(text, RSTART + 8)
      split("", is)
      while (match(text, /^[ \t\r\n]+[A-Za-z_:][A-Za-z0-9_.:-]*[ \t\r\n]*=[ \t\r\n]*("[^"]*"|\047[^\047]*\047)/)) {
        pair = substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
        sub(/^[ \t\r\n]+/, "", pair)
        name = pair
        sub(/[ \t\r\n]*=.*/, "", name)
        sub(/^[^=]*=[ \t\r\n]*/, "", pair)
        is[name] = plain(substr(pair, 2, length(pair) - 2))
      }
      if (text !~ /^[ \t\r\n]*\/?>/) malformed("a project without an end")
      label = is["lastBuildLabel"] != "" ? is["lastBuildLabel"] : is["lastBuildTime"]
      if (is["name"] == "" || is["lastBuildStatus"] == "") malformed("a project without name or lastBuildStatus")
      print tolower(is["lastBuildStatus"]) "\037" is["name"] "\037" label "\037" is["lastBuildTime"] "\037" is["webUrl"]
    }
  }
') || fail 65 "$source is not a feed of builds"

seen=$newline
while IFS=$(printf '\037') read -r status name label time page; do
  [ -n "$name" ] || continue
  seen=$seen$name$newline
  case $newline$project$newline in "$newline$newline" | *"$newline$name$newline"*) ;; *) continue ;; esac
  case $status in
    failure | exception) ;;
    success | unknown) continue ;;
    *) note 65 "$name: unknown status \"$status\""; continue ;;
  esac
  [ -n "$label" ] || { note 65 "$name has failed, and the feed tells neither its label nor its time"; continue; }
  case $page in http://* | https://*) ;; *) page='' ;; esac
  [ "$time" != "$label" ] || time=''
  tell "$source/$name" "$label" "build/$source/$name/$label" $((now + day)) "Build failed: $name" \
    "Build $label of $name failed${time:+ at $time}." "$page"
done << END
$builds
END

while read -r name; do
  case $seen in *"$newline$name$newline"*) ;; *) [ -z "$name" ] || note 65 "$source has no project \"$name\"" ;; esac
done << END
$project
END
