#!/usr/bin/env python3
"""Takes mail that came back (delivery status notifications, RFC 3464) and drops it into a spool's receipts/.

As a mail filter for the address that mails are sent from, in /etc/aliases of Postfix, Exim or Sendmail:

    alerts: "|/usr/local/share/msgspool/bridges/receipts-mail.py --spool /var/spool/msgspool --channel mail"

The mail is passed on as it is; msgspool finds out which of its mails it is about, and keeps in receipts/unknown/ what is
about none. What cannot be written now ends with 75, so that the mail server tries again.
"""

import argparse
import os
import sys
import time

# sysexits.h
EX_TEMPFAIL = 75
LARGEST = 16 << 20


def flush(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop(spool, channel, content):
    folder = os.path.join(spool, "receipts")
    name = f"{channel}.{time.time_ns()}.{os.getpid()}.{os.urandom(4).hex()}"
    aside = os.path.join(folder, "tmp", name)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(aside, os.path.join(folder, "new", name))
    except BaseException:
        try:
            os.unlink(aside)
        except FileNotFoundError:
            pass
        raise
    flush(os.path.join(folder, "new"))


def main():
    parser = argparse.ArgumentParser(description="drops returned mail into a spool's receipts/")
    parser.add_argument("--spool", default=os.environ.get("MSGSPOOL_DIR", "/var/spool/msgspool"))
    parser.add_argument("--channel", required=True, help="the channel that sends those mails")
    options = parser.parse_args()
    if not options.channel or "/" in options.channel or options.channel.startswith("."):
        parser.error("--channel is no channel's name")
    content = sys.stdin.buffer.read(LARGEST + 1)[:LARGEST]
    try:
        drop(options.spool, options.channel, content)
    except OSError as error:
        print(f"receipts-mail: {error}", file=sys.stderr)
        return EX_TEMPFAIL
    return 0


if __name__ == "__main__":
    sys.exit(main())
