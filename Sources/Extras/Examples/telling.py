"""What the examples in Python have in common: options, a page that is fetched, the memory of what was told, and the
telling. Messages are dropped into the spool's folders right here; telling.sh goes the way of `msgspool send`."""
import argparse
import base64
import http.client
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DAY = 86400
PROGRAM = os.path.basename(sys.argv[0])

# sysexits.h
USAGE, DATA, NO_INPUT, CANNOT_CREATE, TRY_AGAIN, NO_PERMISSION = 64, 65, 66, 73, 75, 77


class Trouble(Exception):
    """Ends the program with this status, and says why."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def complain(text):
    print(f"{PROGRAM}: {text}", file=sys.stderr)


class Options(argparse.ArgumentParser):
    """The options that all examples take, after those of one."""

    END = """
Silent and 0 when all is well. 64 usage, 65 an answer that is none, 66 no spool,
73 the state or the spool cannot be written, 75 try again later.
"""

    def __init__(self, description, cron):
        super().__init__(
            prog=PROGRAM, description=description, epilog=self.END + cron.replace("PROGRAM", f"python3 {sys.argv[0]}"),
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)

    def error(self, message):
        raise Trouble(USAGE, f"{message}; {PROGRAM} --help tells more")

    def parse_args(self, args=None, namespace=None):
        self.add_argument("--channel", metavar="C", help="the channel; else the configuration's default_channel")
        self.add_argument(
            "--to", metavar="R", action="append", default=[],
            help="a recipient; may be repeated; else the channel's own target")
        self.add_argument("--priority", choices=["low", "normal", "high"])
        self.add_argument("--spool", metavar="DIR", help="the spool; else as msgspool finds it")
        self.add_argument(
            "--state", metavar="FILE",
            help="what was told already (else ~/.local/state/msgspool/, by this program's name)")
        return super().parse_args(args, namespace)


def is_spool(folder):
    return all(os.path.isdir(os.path.join(folder, name)) for name in ("tmp", "new"))


def drop(spool, message):
    """The message is whole in new/ and on the disk when this returns."""
    data = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    name = f"{int(time.time())}.{os.getpid()}.{secrets.token_hex(4)}.json"
    with open(f"{spool}/tmp/{name}", "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{spool}/tmp/{name}", f"{spool}/new/{name}")
    folder = os.open(f"{spool}/new", os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


class Memory:
    """A line for each thing that was told: KEY, VALUE and DAY with tabs between. What did not come up for 30 days is
    forgotten. Lost, or behind after a crash, it costs nothing: the id makes a repeated message the same one."""

    def __init__(self, path):
        name = os.path.splitext(PROGRAM)[0]
        home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
        self.path = path or os.path.join(home, "msgspool", name)
        self.aside = f"{self.path}.{os.getpid()}"
        self.lines = {}
        try:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            # Nothing is looked at that could not be remembered afterwards.
            with open(self.aside, "w", encoding="utf-8"):
                pass
        except OSError as error:
            raise Trouble(
                CANNOT_CREATE, f"cannot write beside {self.path}: {error.strerror}; --state names another file")
        try:
            self.read()
        except BaseException:
            os.unlink(self.aside)
            raise

    def read(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise Trouble(DATA, f"cannot read {self.path}: {error}")
        for number, line in enumerate(lines, 1):
            parts = line.split("\t")
            if len(parts) == 3 and re.fullmatch("[0-9]{1,9}", parts[2]):
                self.lines[parts[0]] = (parts[1], int(parts[2]))
            elif line:
                raise Trouble(
                    DATA, f"{self.path}, line {number}: expected KEY, VALUE and DAY with tabs between; "
                    "mend the line or delete it")

    def write(self):
        oldest = int(time.time()) // DAY - 30
        try:
            with open(self.aside, "w", encoding="utf-8") as file:
                for key, (value, day) in self.lines.items():
                    if day >= oldest:
                        file.write(f"{key}\t{value}\t{day}\n")
                file.flush()
                os.fsync(file.fileno())
            os.rename(self.aside, self.path)
        except OSError as error:
            raise Trouble(CANNOT_CREATE, f"cannot write {self.path}, so that this may be told again: {error.strerror}")

    def last(self, key):
        """The value that was told of it last, or None."""
        return self.lines.get(plain(key), (None,))[0]

    def remember(self, key, value):
        self.lines[plain(key)] = (plain(str(value)), int(time.time()) // DAY)


def plain(text):
    """In one line, and without what parts the fields of one."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


class Teller:
    """Tells each event once. `trouble` is the status of what went wrong with one of several things."""

    def __init__(self, options):
        self.options = options
        self.memory = Memory(options.state)
        self.trouble = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # What was told is remembered, whatever happened afterwards.
        self.memory.write()

    def note(self, status, text):
        """The other things are looked at all the same."""
        self.trouble = status
        complain(text)

    def tell(self, key, value, *, id, expires_at, title, body, url=None):
        """One message, unless this value of it was the last one told: then it comes up again, and stays remembered."""
        if self.memory.last(key) == plain(str(value)):
            self.memory.remember(key, value)
            return
        options = self.options
        places = [os.environ.get("MSGSPOOL_DIR"), "spool" if is_spool("spool") else None, "/var/spool/msgspool"]
        spool = options.spool or next(place for place in places if place)
        if not is_spool(spool):
            raise Trouble(NO_INPUT, f"no spool at {spool}; run: msgspool init {spool}")
        message = {
            "channel": options.channel, "to": options.to, "title": plain(title), "body": body, "url": url,
            "id": plain(id), "expires_at": int(expires_at), "priority": options.priority,
        }
        try:
            drop(spool, {field: value for field, value in message.items() if value})
        except (OSError, UnicodeEncodeError) as error:
            raise Trouble(CANNOT_CREATE, f"cannot drop a message into {spool}: {error}")
        self.memory.remember(key, value)


def shown(url):
    """No more of a URL than where it leads: the rest may be a secret."""
    return re.sub("//[^/]*@", "//", url.partition("?")[0])


def fetch(url, most=4 << 20):
    """The bytes at a URL."""
    if not re.match("https?://", url):
        raise Trouble(USAGE, f"{shown(url)}: expected a URL of http or https")
    try:
        request = urllib.request.Request(re.sub("//[^/]*@", "//", url, count=1))
        name = urllib.parse.urlsplit(url).netloc.rpartition("@")[0]
        if name:
            token = base64.b64encode(urllib.parse.unquote_to_bytes(name)).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            data = answer.read(most + 1)
            code = answer.status
    except urllib.error.HTTPError as error:
        code = error.code
    except ValueError as error:
        raise Trouble(USAGE, f"{shown(url)}: {error}")
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(TRY_AGAIN, f"cannot reach {shown(url)}: {getattr(error, 'reason', error)}")
    if code in (408, 429) or code >= 500:
        raise Trouble(TRY_AGAIN, f"{shown(url)} answers with HTTP {code}: later, perhaps")
    if code != 200:
        raise Trouble(DATA, f"{shown(url)} answers with HTTP {code}: is the URL right?")
    if len(data) > most:
        raise Trouble(DATA, f"{shown(url)} has more than {most} bytes")
    return data


def run(main):
    """Runs a program's `main`, which returns its exit status."""
    try:
        status = main()
    except Trouble as trouble:
        complain(trouble)
        status = trouble.status
    sys.exit(status)
