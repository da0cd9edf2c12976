#!/bin/sh
# Tells of unread mail in an IMAP box, as often as something new has come.
set -eu
# shellcheck source=telling.sh
. "$(dirname -- "$0")/telling.sh"

help() {
  cat << END
$program: unread mail in an IMAP box

usage: MAIL_PASSWORD=... $program --url imaps://HOST --user NAME [options]

  --url URL          imaps://HOST[:PORT]; with imap:// TLS begins after the
                     greeting, except on this machine (localhost, 127.0.0.1)
  --user NAME        who logs in; the password is in \$MAIL_PASSWORD
  --mailbox NAME     else INBOX
END
  common_help
  cat << END

Nothing in the box is changed. When new unread mail has come there is one message
with the number of all that is unread, good for a day; mail-reminder.py names
senders and subjects too. With cron (MAIL_PASSWORD is exported by a file that
only you can read):

  */5 * * * *  . ~/.mail-password && sh $0 --url imaps://imap.example.com --user me --to UID_a
END
}

url='' user='' mailbox=INBOX
options 'url user mailbox' "$@"
[ -n "$url" ] || usage '--url is missing'
[ -n "$user" ] || usage '--user is missing'
[ -n "${MAIL_PASSWORD:-}" ] || usage "there is no password in MAIL_PASSWORD, which has to be exported"
matches "$url" 'imaps?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?/?' \
  || usage "--url: expected imaps://HOST[:PORT]"
matches "$mailbox" '[]A-Za-z0-9_./ ()[-]+' || usage "--mailbox $mailbox: expected letters, digits and _ . / - ( ) [ ]"
begin curl
url=${url%/}

# ask COMMAND...: what the server says to each, on one connection. The password is no argument, which everybody on this
# machine could read.
ask() {
  for command; do
    printf 'url = "%s/"\nuser = "%s"\nrequest = "%s"\nmax-time = 30\nsilent\nshow-error\n' "$url" \
      "$(quoted "$user:$MAIL_PASSWORD")" "$(quoted "$command")"
    case $url in
      imaps://* | imap://localhost | imap://localhost:* | imap://127.0.0.1 | imap://127.0.0.1:*) ;;
      *) echo ssl-reqd ;;
    esac
    echo next
  done | sed '$d' | curl --fail-early -K -
}
quoted() { printf '%s\n' "$1" | sed 's/[\\"]/\\&/g'; }

# EXAMINE opens the box for reading only.
said=$(ask "EXAMINE \"$mailbox\"" 'UID SEARCH UNSEEN') || {
  case $? in
    67) fail 77 "${url#*//} does not let $user in: is the password right?" ;;
    21 | 8 | 56) fail 65 "${url#*//} does not answer as an IMAP server, or has no mailbox $mailbox" ;;
    *) fail 75 "cannot reach ${url#*//}" ;;
  esac
}
validity=$(printf '%s\n' "$said" | sed -n 's/.*\[UIDVALIDITY \([0-9][0-9]*\)\].*/\1/p')
found=$(printf '%s\n' "$said" | tr -d '\r' | grep -E '^\* SEARCH( [0-9]+)* ?$') || validity=''
matches "$validity" '[0-9]+' || fail 65 "${url#*//} does not answer as an IMAP server"
count=0 highest=0
for uid in ${found#\* SEARCH}; do
  count=$((count + 1))
  [ "$uid" -le "$highest" ] || highest=$uid
done

event=$user@${url#*//}/$mailbox/$validity
told=$(last "$event")
if [ "$highest" -gt "${told:-0}" ]; then
  [ "$count" -eq 1 ] && what='1 unread mail' || what="$count unread mails"
  tell "$event" "$highest" "mail/$event/$highest" $((now + day)) "$what" "$what in $mailbox of $user."
elif [ -n "$told" ]; then
  remember "$event" "$told"
fi
