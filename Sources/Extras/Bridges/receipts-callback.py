#!/usr/bin/env python3
"""Takes services' callbacks and drops them into a spool's receipts/, as a CGI program or under any WSGI server.

The address that a service is given is .../receipts-callback.py/CHANNEL, or .../CHANNEL/SECRET where the channel has a
receipt_secret. The service gets its answer only when the receipt is on the disk; where it cannot be, a 503, which all of
them try again.

CGI (environment: MSGSPOOL_DIR=/var/spool/msgspool):

    ScriptAlias /receipts /usr/local/share/msgspool/bridges/receipts-callback.py

WSGI:

    MSGSPOOL_DIR=/var/spool/msgspool gunicorn --pythonpath DIR 'receipts-callback:application'

Behind a proxy that changes scheme or host, MSGSPOOL_CALLBACK_BASE is what the service sees: https://example.com. Twilio
signs the whole URL. The web server's user needs write permission in receipts/tmp and receipts/new, and no other.
"""

import json
import os
import re
import time
from wsgiref.util import request_uri

LARGEST = 1 << 20
# Any name that a configuration may give a channel and a file can begin with.
CHANNEL = re.compile(r"[^/.\x00-\x1f\x7f\ufffd][^/\x00-\x1f\x7f\ufffd]{0,59}")
# What receipts are checked by, and nothing else of a stranger's.
HEADERS = re.compile(r"X-TWILIO-.*|X-SDK-DATE|AUTHORIZATION|CONTENT-TYPE")
# What each vendor wants to hear: a number as code (Aliyun), result 0 (Tencent); the others look at the status alone.
ANSWER = {"code": 0, "msg": "OK", "result": 0, "errmsg": "OK"}


def flush(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop(spool, channel, content):
    """Written aside, flushed, renamed, and the folder flushed: when this returns, a power cut loses nothing."""
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


def called(environ):
    """The URL as it came, where the server tells: put together from its parts it may be escaped otherwise, and what is
    signed, or holds the secret, is every byte of it."""
    base = os.environ.get("MSGSPOOL_CALLBACK_BASE") or environ.get("MSGSPOOL_CALLBACK_BASE")
    url = request_uri(environ)
    host, _, rest = url.partition("://")[2].partition("/")
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if "://" in raw.partition("?")[0]:
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    target = raw if raw.startswith("/") else "/" + rest
    return (base.rstrip("/") if base else url.partition("://")[0] + "://" + host) + target


def headers(environ):
    named = {key[5:].replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        named["CONTENT-TYPE"] = environ["CONTENT_TYPE"]
    return {key.title(): value for key, value in named.items() if HEADERS.fullmatch(key)}


def take(environ):
    """Status and answer."""
    if environ["REQUEST_METHOD"] not in ("POST", "GET"):
        return "405 Method Not Allowed", {"error": "POST it"}
    # WSGI hands bytes on as Latin-1.
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    parts = [part for part in path.split("/") if part]
    if not parts or not CHANNEL.fullmatch(parts[0]):
        return "404 Not Found", {"error": "the path names no channel"}
    known = environ.get("CONTENT_LENGTH") or ("0" if environ["REQUEST_METHOD"] == "GET" else "")
    if known:
        try:
            length = int(known)
        except ValueError:
            return "400 Bad Request", {"error": "Content-Length is no number"}
        if not 0 <= length <= LARGEST:
            return "413 Content Too Large", {"error": "no callback is that large"}
        body = environ["wsgi.input"].read(length) if length else b""
        if len(body) != length:
            return "400 Bad Request", {"error": "the body was cut short"}
    elif environ.get("wsgi.input_terminated"):
        # A body in chunks, whose end the server marks.
        body = environ["wsgi.input"].read(LARGEST + 1)
        if len(body) > LARGEST:
            return "413 Content Too Large", {"error": "no callback is that large"}
    else:
        return "411 Length Required", {"error": "the body's length is not known: send Content-Length"}
    spool = os.environ.get("MSGSPOOL_DIR") or environ.get("MSGSPOOL_DIR") or "/var/spool/msgspool"
    wrapper = {
        "receipt_of": parts[0],
        "url": called(environ),
        "headers": headers(environ),
        "query": environ.get("QUERY_STRING", ""),
        "body": body.decode("utf-8", "replace"),
    }
    try:
        drop(spool, parts[0], json.dumps(wrapper, ensure_ascii=False).encode())
    except OSError as error:
        print(f"receipts-callback: {error}", file=environ["wsgi.errors"])
        return "503 Service Unavailable", {"error": "try again later"}
    return "200 OK", ANSWER


def application(environ, start_response):
    status, answer = take(environ)
    content = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


if __name__ == "__main__":
    from wsgiref.handlers import CGIHandler

    CGIHandler().run(application)
