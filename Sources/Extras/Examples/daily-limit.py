#!/usr/bin/env python3
"""Tells of Chinese shares that stand at the limit of what their price may change in a day (涨停, 跌停)."""
import re
import time

from telling import DATA, DAY, USAGE, Options, Teller, Trouble, complain, fetch, run, shown

CRON = """
10 %, 20 % for STAR (688, 689) and ChiNext (30), 30 % in Beijing, of yesterday's
close, rounded half up to 0.01 yuan and at least that far from it. Shares in
their first five days (N..., C...) have no limit. Where a quote names limits of
its own, those count. A share, a day and a direction are one message, good until
that day ends. With cron, each minute of the trading day (times are Chinese):

  CRON_TZ=Asia/Shanghai
  * 9-15 * * 1-5  PROGRAM --share sh600000 --share sz300750 --to UID_a
"""

# China's clocks are 8 hours ahead all year.
AHEAD = 8 * 3600


def arguments():
    options = Options("Chinese shares at the limit of what their price may change in a day.", CRON.replace("%", "%%"))
    options.add_argument(
        "--share", metavar="CODE", action="append", required=True, help="sh600000, sz300750, bj920001; may be repeated")
    options.add_argument(
        "--st", metavar="PERCENT", default="5", help="the limit of ST shares of the main boards (else 5)")
    options.add_argument(
        "--url", default="https://qt.gtimg.cn/q=",
        help="where quotes are; the codes are put behind it (else https://qt.gtimg.cn/q=)")
    given = options.parse_args()
    if not re.fullmatch("[0-9]+", given.st):
        raise Trouble(USAGE, f"--st {given.st}: expected a number of percent")
    for code in given.share:
        if not re.fullmatch("(sh6|sz[03]|bj[489])[0-9]{5}", code):
            raise Trouble(USAGE, f"--share {code}: expected the code of an A share, such as sh600000")
    return given


def cents(text):
    """A price as a number of 0.01 yuan; ValueError where it is none."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]{1,2}0*)?", text):
        raise ValueError(f"no price: {text}")
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def yuan(number):
    return f"{number // 100}.{number % 100:02}"


def percent(code, name, st):
    if code.startswith(("sh688", "sh689", "sz30")):
        return 20
    if code.startswith("bj"):
        return 30
    return st if "ST" in name else 10


def limit(close, rate, sign):
    """Whole numbers throughout, so that a half is a half: the exchanges round it up, and move at least 0.01 yuan."""
    price = (close * (100 + sign * rate) + 50) // 100
    if sign * price <= sign * close:
        price = close + sign
    return max(price, 1)


def quoted_limits(fields):
    """The limits that a quote names itself, or None."""
    try:
        up, down = cents(fields[47]), cents(fields[48])
    except (IndexError, ValueError):
        return None
    return (up, down) if up > 0 and down > 0 else None


def state(code, fields, today, st):
    """"up", "down" or None, with the price and yesterday's close; ValueError for what is no quote."""
    if len(fields) < 31 or not re.fullmatch("[0-9]{14}", fields[30]):
        raise ValueError("no quote")
    name, price, close, when = fields[1], cents(fields[3]), cents(fields[4]), fields[30]
    # Yesterday, nothing was traded yet, or no limit: there is nothing to say.
    if not when.startswith(today) or not price or not close or re.match("[NC][^ -~]", name):
        return None, price, close
    rate = percent(code, name, st)
    up, down = limit(close, rate, 1), limit(close, rate, -1)
    own = quoted_limits(fields)
    if own and own != (up, down):
        complain(
            f"{code}: its limits are {yuan(own[0])} and {yuan(own[1])} by its quote, {yuan(up)} and {yuan(down)} "
            "by the rule; see --st")
        up, down = own
    return "up" if price >= up else "down" if price <= down else None, price, close


def main():
    given = arguments()
    with Teller(given) as teller:
        now = time.time() + AHEAD
        today = time.strftime("%Y%m%d", time.gmtime(now))
        codes = sorted(set(given.share))
        data = fetch(given.url + ",".join(codes))
        try:
            # Names are in GBK, whose second bytes may be the "~" that parts the fields: it is decoded first.
            text = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise Trouble(DATA, f"{shown(given.url)}: these are no quotes in GBK: {error}")
        quotes = {code: line.split("~") for code, line in re.findall('v_([a-z]+[0-9]+)="([^"]*)"', text)}
        for code in codes:
            if code not in quotes:
                teller.note(DATA, f"no quote of {code}: is the code right?")
                continue
            fields = quotes[code]
            try:
                what, price, close = state(code, fields, today, int(given.st))
            except ValueError:
                teller.note(DATA, f"the quote of {code} cannot be read")
                continue
            if not what:
                continue
            event = f"{code}/{today}/{what}"
            where = "upper limit (涨停)" if what == "up" else "lower limit (跌停)"
            hour = f"{fields[30][8:10]}:{fields[30][10:12]}:{fields[30][12:]}"
            teller.tell(
                event, "told", id=f"daily-limit/{event}", expires_at=(now // DAY + 1) * DAY - AHEAD,
                title=f"{fields[1]} {code} at its {where}: {yuan(price)}",
                body=f"{yuan(price)}, after {yuan(close)} at yesterday's close. {hour}")
        return teller.trouble


run(main)
