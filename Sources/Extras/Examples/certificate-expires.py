#!/usr/bin/env python3
"""Tells of certificates of TLS servers that expire soon."""
import calendar
import re
import socket
import ssl
import time

from telling import DATA, DAY, TRY_AGAIN, USAGE, Options, Teller, Trouble, run

CRON = """
A certificate and a number of days are one message, and one more tells that it
has expired. The certificate is looked at, not trusted. With cron, once a day:

  20 7 * * *  PROGRAM --host www.example.com --host mail.example.com:993 --to UID_a
"""


def arguments():
    options = Options("Certificates of TLS servers that expire soon, or have expired.", CRON)
    options.add_argument(
        "--host", metavar="NAME[:PORT]", action="append", required=True,
        help="the server, at port 443 unless another is named; may be repeated; [2001:db8::1]:443 for addresses with "
        "colons")
    options.add_argument(
        "--days", metavar="LIST", default="14,7,3,1", help="told when less than so many days are left (else 14,7,3,1)")
    given = options.parse_args()
    if not re.fullmatch("[1-9][0-9]{0,4}(,[1-9][0-9]{0,4})*", given.days):
        raise Trouble(USAGE, f"--days {given.days}: expected numbers of days with commas between")
    for host in given.host:
        if not re.fullmatch(r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", host):
            raise Trouble(USAGE, f"--host {host}: expected NAME or NAME:PORT")
    return given


def certificate(host, port):
    """The server's certificate (DER), whoever vouches for it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host.strip("[]"), port), timeout=30) as connection:
        with context.wrap_socket(connection, server_hostname=host.strip("[]")) as server:
            return server.getpeercert(binary_form=True)


def element(data, start):
    """An element of DER: its tag, and where its content begins and ends."""
    tag, length, start = data[start], data[start + 1], start + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start:start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("it is cut short")
    return tag, start, start + length


def expiry(data):
    """Seconds since 1970 at which a certificate ends (RFC 5280, section 4.1); ValueError or IndexError for others."""
    _, start, _ = element(data, 0)
    _, start, _ = element(data, start)
    # The version may be left out; then come serial number, algorithm and issuer.
    tag, _, end = element(data, start)
    for _ in range(4 if tag == 0xA0 else 3):
        _, _, end = element(data, start)
        start = end
    _, start, _ = element(data, start)
    _, _, start = element(data, start)
    tag, start, end = element(data, start)
    text = data[start:end].decode("ascii")
    if tag == 0x17:
        # Two digits of a year are of 1950 to 2049.
        text = ("19" if text >= "50" else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))


def main():
    given = arguments()
    limits = sorted(int(days) for days in given.days.split(","))
    with Teller(given) as teller:
        for host in sorted(set(given.host)):
            if host.endswith("]") or ":" not in host:
                host += ":443"
            name, _, port = host.rpartition(":")
            try:
                ends = expiry(certificate(name, int(port)))
            except ssl.SSLError as error:
                teller.note(DATA, f"{host} answers, but shows no certificate: does it speak TLS? ({error.reason})")
                continue
            except OSError as error:
                teller.note(TRY_AGAIN, f"cannot reach {host}: {error.strerror or error}")
                continue
            except (ValueError, IndexError, OverflowError) as error:
                teller.note(DATA, f"the certificate of {host} cannot be read: {error}")
                continue
            left = ends - time.time()
            stage = 0 if left <= 0 else next((days for days in limits if left < days * DAY), None)
            if stage is None:
                continue
            event = f"{host}/{ends}"
            told = teller.memory.last(event)
            if told is not None and int(told) <= stage:
                teller.memory.remember(event, told)
                continue
            date = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(ends))
            teller.tell(
                event, stage, id=f"certificate/{event}/{stage}", expires_at=ends if stage else time.time() + 7 * DAY,
                title=f"Certificate {'expires' if stage else 'expired'}: {host}",
                body=f"In {int(left // DAY)} day{'s' if left // DAY != 1 else ''}, on {date}." if stage else f"It expired on {date}.")
        return teller.trouble


run(main)
