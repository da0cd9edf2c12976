"""A real mail server (aiosmtpd) that refuses some recipients, and records what it takes, one JSON line a mail.

mail_server.py RECORD [--starttls|--smtps CERTIFICATE KEY] [--login]
"""

import base64
import email
import email.policy
import json
import signal
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

REFUSALS = {
    "gone": "550 5.1.1 No such user",
    "full": "452 4.2.2 Mailbox full",
    "overfull": "552 5.2.2 Mailbox full for good",
    "grey": "450 4.2.0 Greylisted",
    "elsewhere": "554 5.7.1 Relay access denied",
}


class Handler:
    def __init__(self, record):
        self.record = record

    async def handle_RCPT(self, server, session, envelope, address, options):
        refusal = REFUSALS.get(address.split("@")[0])
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [
            {
                "type": part.get_content_type(),
                "name": part.get_filename(),
                "base64": base64.b64encode(part.get_payload(decode=True)).decode(),
            }
            for part in mail.walk()
            if not part.is_multipart()
        ]
        entry = {
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("sslcontext") is not None,
            "login": bool(session.authenticated), "options": envelope.mail_options,
            "headers": {name.lower(): str(value) for name, value in mail.items()}, "parts": parts,
            "defects": [repr(defect) for part in mail.walk() for defect in part.defects],
            "longest": max(len(line) for line in envelope.content.split(b"\r\n")),
        }
        with open(self.record, "a") as file:
            print(json.dumps(entry), file=file, flush=True)
        subject = str(mail["subject"])
        if "drop" in subject:
            server.transport.abort()
        if "refuse" in subject:
            return "552 5.3.4 Message too big after all"
        return "250 2.0.0 Ok: queued as Q1"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"alert" and data.password == "pässword".encode()
    # Not handled: the refusal is left to the server to say.
    return AuthResult(success=good, handled=good)


def main():
    arguments = sys.argv[1:]
    options = {"data_size_limit": 1_000_000, "enable_SMTPUTF8": True, "hostname": "127.0.0.1", "port": 0}
    if "--login" in arguments:
        options.update(authenticator=authenticate, auth_required=True)
    for kind in ("--starttls", "--smtps"):
        if kind in arguments:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            place = arguments.index(kind)
            context.load_cert_chain(arguments[place + 1], arguments[place + 2])
            if kind == "--starttls":
                options.update(tls_context=context, require_starttls=True)
            else:
                options.update(ssl_context=context, auth_require_tls=False)

    class AnyPort(Controller):
        """Port 0, whichever the kernel gives."""

        def _trigger_server(self):
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = AnyPort(Handler(arguments[0]), **options)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    controller.start()
    print(controller.port, flush=True)
    ended.wait()
    controller.stop()


main()
