# shellcheck shell=sh
# What the examples in sh have in common, read by each of them with ".": options, a page that is fetched, the memory of
# what was told, and the telling. Messages go the way of `msgspool send`; telling.py drops them itself.

# Bytes are bytes, whatever the locale is; what is sent is not changed by it.
export LC_ALL=C
newline='
'
tab=$(printf '\t')
program=${0##*/}
day=86400
msgspool=${MSGSPOOL:-msgspool}
spool='' channel='' to='' priority='' state=''
trouble=0 remembered=''

complain() { printf '%s: %s\n' "$program" "$1" >&2; }
fail() { complain "$2"; exit "$1"; }
# What is wrong with one of several things: the others are looked at all the same.
note() { trouble=$1; complain "$2"; }
usage() { fail 64 "$1; $program --help tells more"; }

common_help() {
  cat << 'END'
  --channel C        the channel; else the configuration's default_channel
  --to R             a recipient; may be repeated; else the channel's own target
  --priority P       low, normal or high
  --spool DIR        the spool; else as msgspool finds it
  --state FILE       what was told already
                     (else ~/.local/state/msgspool/, by this program's name)

Silent and 0 when all is well. 64 usage, 65 an answer that is none, 66 no spool,
69 a program is missing, 73 the state cannot be written, 75 try again later.
MSGSPOOL names the program msgspool where it is not in the PATH.
END
}

# options NAMES ARGUMENT...: "--NAME VALUE" and "--NAME=VALUE" become variables, with lines where they may be repeated.
options() {
  names=" $1 channel to priority spool state "
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) help; exit 0 ;;
      --?*) name=${1%%=*} name=${name#--} ;;
      *) usage "unexpected argument \"$1\"" ;;
    esac
    case $name in *[!a-z]*) usage "unknown option --$name" ;; esac
    case $names in *" $name "*) ;; *) usage "unknown option --$name" ;; esac
    case $1 in
      *=*) value=${1#*=} ;;
      *) [ $# -ge 2 ] || usage "$1 needs a value"; value=$2; shift ;;
    esac
    shift
    # The name is one of ours, so that nothing of others is evaluated here.
    case $name in
      to | host | share | project) eval "$name=\${$name:+\$$name\$newline}\$value" ;;
      *) : "$value" && eval "$name=\$value" ;;
    esac
  done
}

# matches TEXT PATTERN: whether it is one line, and all of it is as the extended regular expression says.
matches() {
  case $1 in *"$newline"*) return 1 ;; esac
  printf '%s\n' "$1" | grep -Eqx -e "$2"
}

# begin PROGRAM...: nothing is looked at that could not be told, or remembered, afterwards.
begin() {
  for needed in "$msgspool" "$@"; do
    command -v "$needed" > /dev/null || fail 69 "there is no program \"$needed\""
  done
  [ -n "$state" ] || state=${XDG_STATE_HOME:-${HOME:-}/.local/state}/msgspool/${program%.*}
  mkdir -p -- "$(dirname -- "$state")" || fail 73 "cannot make the folder of $state; --state names another file"
  if [ -e "$state" ]; then
    wrong=$(awk -F"$tab" 'NF != 3 || $3 !~ /^[0-9]+$/ { print NR; exit }' "$state") || fail 65 "cannot read $state"
    [ -z "$wrong" ] \
      || fail 65 "$state, line $wrong: expected KEY, VALUE and DAY with tabs between; mend the line or delete it"
  fi
  fresh=$state.$$
  { rm -f -- "$fresh" && : > "$fresh"; } || fail 73 "cannot write beside $state; --state names another file"
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  now=$(date +%s)
}

# last KEY: the value that was told of it last, or nothing.
last() {
  [ ! -e "$state" ] || KEY=$1 awk -F"$tab" '$1 "" == ENVIRON["KEY"] "" { print $2 }' "$state"
}

remember() { remembered=$remembered$1$tab$2$tab$((now / day))$newline; }

# tell KEY VALUE ID EXPIRES TITLE BODY [URL]: one message, unless this value of it was the last one told: then it comes up
# again, and stays remembered. It is remembered once it is on the disk; where that is lost, the id makes the repeated
# message the same one.
tell() {
  if [ "$(last "$1")" = "$2" ]; then
    remember "$1" "$2"
    return
  fi
  told_key=$1 told_value=$2 told_body=$6
  set -- send "--id=$3" "--expires-at=$4" "--title=$5" ${7:+"--url=$7"} \
    ${channel:+"--channel=$channel"} ${priority:+"--priority=$priority"} ${spool:+"--spool=$spool"}
  rest=$to
  while [ -n "$rest" ]; do
    one=${rest%%"$newline"*}
    [ -z "$one" ] || set -- "$@" "--to=$one"
    case $rest in *"$newline"*) rest=${rest#*"$newline"} ;; *) rest='' ;; esac
  done
  # Its name is of use to nobody here, and cron would mail it.
  printf '%s\n' "$told_body" | "$msgspool" "$@" > /dev/null
  remember "$told_key" "$told_value"
}

# At the end, whatever it is: the new lines, and the old ones for another 30 days, written aside and renamed.
finish() {
  status=$?
  trap - EXIT
  if [ -n "$remembered" ]; then
    [ ! -e "$state" ] || remembered=$(cat -- "$state")$newline$remembered
    if ! printf '%s' "$remembered" | awk -F"$tab" -v oldest=$((now / day - 30)) '
      NF == 3 && $3 >= oldest { line[$1] = $0 }
      END { for (key in line) print line[key] }' > "$fresh" || ! sync -- "$fresh" || ! mv -- "$fresh" "$state"; then
      complain "cannot write $state, so that this may be told again"
      status=73
    fi
  fi
  rm -f -- "$fresh"
  [ "$status" -ne 0 ] || status=$trouble
  exit "$status"
}

# fetch URL: what is there, on standard output. Errors show no more of the URL than its path: the rest may be a secret.
fetch() {
  shown=$(printf '%s\n' "${1%%\?*}" | sed 's|//[^/]*@|//|')
  case $1 in http://* | https://*) ;; *) fail 64 "$shown: expected a URL of http or https" ;; esac
  answer=$(curl -sS -L --max-redirs 5 --proto-redir =http,https --max-time 30 --max-filesize 4194304 \
    -w '\n%{http_code}' --url "$1") || fail 75 "cannot reach $shown"
  code=${answer##*"$newline"}
  case $code in
    200) ;;
    408 | 429 | 5??) fail 75 "$shown answers with HTTP $code: later, perhaps" ;;
    *) fail 65 "$shown answers with HTTP $code: is the URL right?" ;;
  esac
  printf '%s\n' "${answer%"$newline"*}"
}
