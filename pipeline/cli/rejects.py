"""``reelscore rejects``: what was turned away, and why."""

from __future__ import annotations

import argparse
import json

from pipeline.cli import arguments
from pipeline.cli.console import table
from pipeline.store import Dataset
from transforms.errors import REASONS

HELP = "list the clips that were turned away, with reasons"
EPILOG = "Reasons:\n" + "\n".join(f"  {reason:22} {meaning}" for reason, meaning in REASONS.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument("--reason", choices=sorted(REASONS), metavar="REASON", help="only these")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    rows = Dataset.open(options.dataset).rejects()
    if options.reason:
        rows = [row for row in rows if row["reason"] == options.reason]
    if options.json:
        print(json.dumps(rows, indent=1))
    elif rows:
        cells = [[r["reason"], r["feature"] or "clip", r["uri"] or r["id"], r["message"]] for r in rows]
        print(table(["reason", "what", "file", "message"], cells))
    else:
        print("no rejects")
    return 0
