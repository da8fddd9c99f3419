"""``reelscore weights``: what each network needs, and having it here."""

from __future__ import annotations

import argparse
import json

from pipeline.cli import arguments
from pipeline.cli.console import say, table
from pipeline.errors import UsageError

HELP = "list the published weights of the networks and scorers, or fetch them"
EPILOG = "Examples:\n  reelscore weights list\n  reelscore weights fetch inception\n  reelscore weights fetch ferplus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "fetch"))
    parser.add_argument("name", nargs="?", help="which to fetch (default: all)")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    from models import weights

    listing = weights.listing()
    if options.action == "fetch":
        names = [options.name] if options.name else [row["filename"] for row in listing]
        with arguments.one_line_errors():
            for name in names:
                try:
                    for path in weights.fetch(name, say=say):
                        say(f"{name}: {path}")
                except ValueError as error:
                    raise UsageError(str(error)) from None
        return 0
    if options.json:
        print(json.dumps(listing, indent=1))
        return 0
    rows = [
        [", ".join(r["used_by"]), r["filename"], r["licence"], r["sha256"][:12], r["path"] or "not here", r["url"]]
        for r in listing
    ]
    print(table(["used by", "file", "licence", "sha256", "where", "published at"], rows))
    return 0
