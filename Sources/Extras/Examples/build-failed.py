#!/usr/bin/env python3
"""Tells of failed builds, from the feed that build servers have for programs such as CCTray and CCMenu."""
import re
import time
import xml.etree.ElementTree

from telling import DATA, DAY, Options, Teller, Trouble, fetch, plain, run, shown

CRON = """
A build of a project is one message, good for a day. With cron:

  */5 * * * *  PROGRAM --url https://ci.example.com/cc.xml --to UID_a

Where a build is a command, there is nothing to watch:

  make test > log 2>&1 || tail -n 20 log | msgspool send --title "Build failed"
"""


def arguments():
    options = Options("Builds that failed, by the feed of a build server (cc.xml).", CRON)
    options.add_argument(
        "--url", required=True, help="the feed: TeamCity's /app/rest/cctray/projects.xml, "
        "Buildkite's https://cc.buildkite.com/ORGANIZATION.xml, ...")
    options.add_argument("--project", metavar="NAME", action="append", help="only this one; may be repeated")
    return options.parse_args()


def projects(data):
    """The attributes of each project; ValueError for what is no feed."""
    # Feeds have none, and what one may declare there can grow without bounds.
    if b"<!DOCTYPE" in data:
        raise ValueError("it has a DOCTYPE")
    root = xml.etree.ElementTree.fromstring(data)
    if root.tag != "Projects":
        raise ValueError(f"it is about {root.tag}")
    for project in root.iter("Project"):
        if not project.get("name") or not project.get("lastBuildStatus"):
            raise ValueError("a project without name or lastBuildStatus")
        yield {name: plain(value) for name, value in project.attrib.items()}


def main():
    given = arguments()
    with Teller(given) as teller:
        data = fetch(given.url)
        source = shown(given.url).partition("//")[2]
        try:
            builds = list(projects(data))
        except (ValueError, xml.etree.ElementTree.ParseError) as error:
            raise Trouble(DATA, f"{source} is not a feed of builds: {error}")
        for build in builds:
            name, status = build["name"], build["lastBuildStatus"].lower()
            if given.project and name not in given.project or status in ("success", "unknown"):
                continue
            if status not in ("failure", "exception"):
                teller.note(DATA, f'{name}: unknown status "{status}"')
                continue
            when = build.get("lastBuildTime", "")
            label = build.get("lastBuildLabel") or when
            if not label:
                teller.note(DATA, f"{name} has failed, and the feed tells neither its label nor its time")
                continue
            event, page = f"{source}/{name}", build.get("webUrl", "")
            teller.tell(
                event, label, id=f"build/{event}/{label}", expires_at=time.time() + DAY, title=f"Build failed: {name}",
                body=f"Build {label} of {name} failed{' at ' + when if when not in ('', label) else ''}.",
                url=page if re.match("https?://", page) else None)
        for name in set(given.project or []) - {build["name"] for build in builds}:
            teller.note(DATA, f'{source} has no project "{name}"')
        return teller.trouble


run(main)
