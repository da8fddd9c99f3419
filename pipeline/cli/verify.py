"""``reelscore verify``: checks a dataset against its own promises."""

from __future__ import annotations

import argparse
import json

from pipeline.cli import arguments
from pipeline.store import Dataset

HELP = "check a dataset: every part readable, sorted, finite, of the right shard, fingerprint and number of rows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    from pipeline.verifying import problems

    found = list(problems(Dataset.open(options.dataset)))
    if options.json:
        print(json.dumps({"dataset": options.dataset, "problems": found}, indent=1))
    else:
        print("\n".join(found) if found else f"{options.dataset}: everything as promised")
    return 1 if found else 0
