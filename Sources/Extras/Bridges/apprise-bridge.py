#!/usr/bin/env python3
"""Sends msgspool's messages through Apprise (https://pypi.org/project/apprise/), one Apprise URL per recipient.

Configuration:

    ops: {
      provider: "exec",
      command: ["/usr/bin/python3", "/usr/local/share/msgspool/bridges/apprise-bridge.py"],
      timeout: 120,
      recipients: { alice: "json://127.0.0.1:8080/alice", room: "mmost://chat.example.com/TOKEN" },
    }

Apprise tells success from failure and no more: a failure is reported as deferred, and tried again. The service's
reason, where Apprise logged one, is passed on.
"""

import json
import logging
import sys

# sysexits.h: suspends the channel until somebody has mended it.
EX_CONFIG = 78

try:
    import apprise
except ImportError as error:
    sys.exit(print(f"apprise-bridge: {error}; pip install apprise", file=sys.stderr) or EX_CONFIG)

FORMATS = {
    "text": apprise.NotifyFormat.TEXT,
    "markdown": apprise.NotifyFormat.MARKDOWN,
    "html": apprise.NotifyFormat.HTML,
}


class Reasons(logging.Handler):
    """Keeps what Apprise logs about one notification."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def deliver(message, reasons):
    notifier = apprise.Apprise()
    if not notifier.add(message["to"]):
        return {"state": "rejected", "reason": "is no URL that Apprise knows"}
    body = message.get("body") or ""
    if message.get("url"):
        body += "\n\n" + message["url"]
    accepted = notifier.notify(
        body=body,
        title=message.get("title") or "",
        notify_type=(message.get("options") or {}).get("type", "info"),
        body_format=FORMATS.get(message.get("format"), apprise.NotifyFormat.TEXT),
    )
    if accepted:
        return {"state": "accepted"}
    return {"state": "deferred", "reason": "; ".join(reasons.texts)[:300] or "Apprise reports a failure"}


def main():
    log = logging.getLogger("apprise")
    for line in sys.stdin:
        message = json.loads(line)
        reasons = Reasons()
        log.addHandler(reasons)
        try:
            answer = deliver(message, reasons)
        except (TypeError, ValueError) as error:
            answer = {"state": "rejected", "reason": str(error)}
        finally:
            log.removeHandler(reasons)
        # At once: what was sent is known even if this program is ended in the middle.
        print(json.dumps({"to": message["to"], **answer}), flush=True)


if __name__ == "__main__":
    main()
