#!/usr/bin/env python3
"""drop.py SPOOL CHANNEL TO BODY: drops one message for msgspool and prints its name."""
import json
import os
import secrets
import sys
import time


def drop(spool, **message):
    data = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    name = f"{int(time.time())}.{os.getpid()}.{secrets.token_hex(4)}.json"
    with open(f"{spool}/tmp/{name}", "xb") as file:  # x: fails instead of overwriting (O_EXCL)
        file.write(data)
        file.flush()  # Python's buffer first: fsync knows only what the kernel has
        os.fsync(file.fileno())
    os.rename(f"{spool}/tmp/{name}", f"{spool}/new/{name}")
    folder = os.open(f"{spool}/new", os.O_RDONLY)
    os.fsync(folder)  # the folder too, so that a power cut can't take the new name back
    os.close(folder)
    return name


def main(spool, channel, to, body):
    if not (os.path.isdir(f"{spool}/tmp") and os.path.isdir(f"{spool}/new")):
        print(f"drop.py: no spool at {spool}; run: msgspool init {spool}", file=sys.stderr)
        sys.exit(66)
    recipients = [one for one in to.split(",") if one]
    print(drop(spool, channel=channel, **({"to": recipients} if recipients else {}), body=body))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print("usage: drop.py SPOOL CHANNEL TO[,TO]... BODY", file=sys.stderr)
        sys.exit(64)
    main(*sys.argv[1:])
