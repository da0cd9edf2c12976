#!/usr/bin/env python3
"""Tells of a day with storm, heavy rain, frost or heat in the forecast of a place."""
import csv
import datetime
import re
import urllib.parse

from telling import DATA, USAGE, Options, Teller, Trouble, fetch, run, shown

CRON = """
A day and a kind of weather are one message, good until that day ends there.
With cron, twice a day:

  10 6,18 * * *  PROGRAM --latitude 30.27 --longitude 120.15 --place 杭州 --to UID_a
"""

NUMBER = r"-?[0-9]+(\.[0-9]+)?"
# Of each kind: the forecast's column, which side of the limit is bad, and how it is told.
KINDS = {
    "gusts": ("wind_gusts_10m_max", 1, "gusts of {} km/h"),
    "rain": ("precipitation_sum", 1, "{} mm of rain or snow"),
    "frost": ("temperature_2m_min", -1, "down to {} °C"),
    "heat": ("temperature_2m_max", 1, "up to {} °C"),
}


def arguments():
    options = Options("Storm, heavy rain, frost or heat in the forecast of today and tomorrow.", CRON)
    options.add_argument("--latitude", metavar="N", required=True, help="the place, in degrees")
    options.add_argument("--longitude", metavar="N", required=True)
    options.add_argument("--place", metavar="NAME", help="what it is called in the message (else its coordinates)")
    options.add_argument("--gusts", metavar="KMH", default="75", help='told from 75 km/h on; "off" leaves it out')
    options.add_argument("--rain", metavar="MM", default="50", help="told from 50 mm, with snow as water, on")
    options.add_argument("--frost", metavar="C", default="0", help="told from 0 °C downwards")
    options.add_argument("--heat", metavar="C", default="37", help="told from 37 °C on")
    options.add_argument(
        "--url", default="https://api.open-meteo.com/v1/forecast",
        help="where the forecast is (else https://api.open-meteo.com/v1/forecast)")
    given = options.parse_args()
    for name in ("latitude", "longitude", *KINDS):
        value = getattr(given, name)
        if not re.fullmatch(NUMBER, value) and not (name in KINDS and value == "off"):
            raise Trouble(USAGE, f"--{name} {value}: expected a number")
    return given


def tables(text):
    """Tables with a line of headings each and an empty line between them, as rows by heading (less its unit)."""
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        rows = list(csv.reader(part.split("\n")))
        headings = [heading.split(" ")[0] for heading in rows[0]]
        yield headings, [dict(zip(headings, row)) for row in rows[1:]]


def events(text, limits):
    """Yields a day, a kind, a value and the second at which that day ends there; ValueError or KeyError for what is no
    forecast."""
    found = {"utc_offset_seconds": [], "time": []}
    for headings, rows in tables(text):
        for name in found:
            if name in headings:
                found[name] = rows
    offset = int(found["utc_offset_seconds"][0]["utc_offset_seconds"]) if found["utc_offset_seconds"] else None
    if offset is None or not found["time"]:
        raise ValueError("no place, or no days")
    for row in found["time"]:
        day = datetime.datetime.strptime(row["time"], "%Y-%m-%d").replace(tzinfo=datetime.timezone.utc)
        for kind, (column, sign, _) in KINDS.items():
            value = row[column]
            # Nothing is known of that day.
            if value in ("", "NaN") or limits[kind] == "off":
                continue
            if not re.fullmatch(NUMBER, value):
                raise ValueError(f"no number: {value}")
            if sign * float(value) >= sign * float(limits[kind]):
                yield row["time"], kind, value, int(day.timestamp()) + 86400 - offset


def main():
    given = arguments()
    query = {
        "latitude": given.latitude, "longitude": given.longitude, "timezone": "auto", "forecast_days": 2, "format": "csv",
        "daily": ",".join(column for column, _, _ in KINDS.values()),
    }
    with Teller(given) as teller:
        data = fetch(given.url + "?" + urllib.parse.urlencode(query))
        try:
            found = list(events(data.decode(), vars(given)))
        except (ValueError, LookupError, csv.Error) as error:
            raise Trouble(DATA, f"{shown(given.url)}: this is no forecast as CSV: {error}")
        for date, kind, value, ends in found:
            what = KINDS[kind][2].format(value)
            event = f"{given.latitude},{given.longitude}/{date}/{kind}"
            place = given.place or f"{given.latitude}, {given.longitude}"
            teller.tell(
                event, "told", id=f"weather/{event}", expires_at=ends, title=f"{place}: {what}", body=f"{date}: {what}")
        return teller.trouble


run(main)
