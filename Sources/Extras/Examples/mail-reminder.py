#!/usr/bin/env python3
"""Tells of unread mail in an IMAP box, as often as something new has come."""
import email.header
import email.parser
import imaplib
import os
import re
import ssl
import time
import urllib.parse

from telling import DATA, DAY, NO_PERMISSION, TRY_AGAIN, USAGE, Options, Teller, Trouble, plain, run

CRON = """
The password is in $MAIL_PASSWORD. Nothing in the box is changed. When new unread
mail has come there is one message with the newest of all that is unread, good
for a day. With cron (MAIL_PASSWORD is exported by a file that
only you can read):

  */5 * * * *  . ~/.mail-password && PROGRAM --url imaps://imap.example.com --user me --to UID_a
"""

# So many are named in a message; of the others there is the number.
NAMED = 10


def arguments():
    options = Options("Unread mail in an IMAP box.", CRON)
    options.add_argument(
        "--url", required=True, help="imaps://HOST[:PORT]; with imap:// TLS begins after the greeting, except on this "
        "machine (localhost, 127.0.0.1)")
    options.add_argument("--user", metavar="NAME", required=True, help="who logs in; the password is in $MAIL_PASSWORD")
    options.add_argument("--mailbox", metavar="NAME", default="INBOX", help="else INBOX")
    given = options.parse_args()
    if not os.environ.get("MAIL_PASSWORD"):
        raise Trouble(USAGE, "there is no password in MAIL_PASSWORD, which has to be exported")
    if not re.fullmatch(r"imaps?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?/?", given.url):
        raise Trouble(USAGE, "--url: expected imaps://HOST[:PORT]")
    if not re.fullmatch(r"[]A-Za-z0-9_./ ()[-]+", given.mailbox):
        raise Trouble(USAGE, f"--mailbox {given.mailbox}: expected letters, digits and _ . / - ( ) [ ]")
    return given


def connect(url):
    place = urllib.parse.urlsplit(url)
    context = ssl.create_default_context()
    if place.scheme == "imaps":
        return imaplib.IMAP4_SSL(place.hostname, place.port or 993, ssl_context=context, timeout=30)
    box = imaplib.IMAP4(place.hostname, place.port or 143, timeout=30)
    if place.hostname not in ("localhost", "127.0.0.1"):
        box.starttls(context)
    return box


def decoded(header):
    """A header as people read it; what cannot be decoded stays as it is."""
    try:
        return plain(str(email.header.make_header(email.header.decode_header(header or ""))))
    except (LookupError, ValueError):
        return plain(header)


def unread(box, given):
    """The box's UIDVALIDITY, and the UIDs of what is unread."""
    # EXAMINE opens it for reading only.
    box.select(f'"{given.mailbox}"', readonly=True)
    if box.state != "SELECTED":
        raise Trouble(DATA, f"there is no mailbox {given.mailbox}")
    validity = box.response("UIDVALIDITY")[1][0]
    status, answer = box.uid("SEARCH", "UNSEEN")
    found = answer[0] or b""
    if status != "OK" or not re.fullmatch(rb"[0-9]+", validity or b"") or not re.fullmatch(rb"[0-9 ]*", found):
        raise imaplib.IMAP4.error("it does not tell what is unread")
    return validity.decode(), sorted(int(uid) for uid in found.split())


def lines(box, uids):
    """Sender and subject of each, newest first."""
    for uid in reversed(uids):
        # PEEK, so that it stays unread.
        _, answer = box.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])")
        # It may have gone meanwhile.
        head = next((part[1] for part in answer if isinstance(part, tuple)), None)
        if head is not None:
            mail = email.parser.BytesHeaderParser().parsebytes(head)
            yield f"{decoded(mail['from']) or '(nobody)'}: {decoded(mail['subject']) or '(no subject)'}"


def look(box, given, teller):
    try:
        password = os.environ["MAIL_PASSWORD"]
        if "AUTH=PLAIN" in box.capabilities:
            box.authenticate("PLAIN", lambda _: f"\0{given.user}\0{password}".encode())
        else:
            box.login(given.user, password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise Trouble(NO_PERMISSION, f"the server does not let {given.user} in: is the password right?")
    validity, uids = unread(box, given)
    highest = uids[-1] if uids else 0
    event = f"{given.user}@{given.url.partition('//')[2].rstrip('/')}/{given.mailbox}/{validity}"
    told = teller.memory.last(event)
    if highest <= int(told or 0):
        if told:
            teller.memory.remember(event, told)
        return
    what = "1 unread mail" if len(uids) == 1 else f"{len(uids)} unread mails"
    more = len(uids) - NAMED
    body = "\n".join(list(lines(box, uids[-NAMED:])) + ([f"and {more} more"] if more > 0 else []))
    teller.tell(
        event, highest, id=f"mail/{event}/{highest}", expires_at=time.time() + DAY,
        title=f"{what} in {given.mailbox} of {given.user}", body=body or what)


def main():
    given = arguments()
    with Teller(given) as teller:
        where = given.url.partition("//")[2]
        try:
            with connect(given.url) as box:
                look(box, given, teller)
        except imaplib.IMAP4.abort as error:
            if "unexpected" in str(error):
                raise Trouble(DATA, f"{where} does not answer as an IMAP server: {error}")
            raise Trouble(TRY_AGAIN, f"{where} ended the connection: {error}")
        except imaplib.IMAP4.error as error:
            raise Trouble(DATA, f"{where} does not answer as an IMAP server: {error}")
        except UnicodeEncodeError:
            raise Trouble(DATA, f"{where} takes names and passwords of ASCII only")
        except OSError as error:
            raise Trouble(TRY_AGAIN, f"cannot reach {where}: {error}")
        return teller.trouble


run(main)
