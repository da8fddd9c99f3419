"""``reelscore compact``: merges the parts that many runs have left."""

from __future__ import annotations

import argparse

from pipeline.cli import arguments
from pipeline.store import Dataset
from pipeline.store.compact import compact

HELP = "merge the parts of each shard into larger ones, and drop values that were set aside"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument(
        "--clips-per-part",
        type=arguments.positive(int),
        default=256,
        metavar="N",
        help="most clips in a part (default 256)",
    )
    parser.add_argument("--purge", action="store_true", help="also delete values that a changed parameter set aside")


def run(options: argparse.Namespace) -> int:
    dataset = Dataset.open(options.dataset)
    with dataset.lock():
        before, after = compact(dataset, options.clips_per_part, purge=options.purge)
    print(f"{options.dataset}: {before} parts are now {after}")
    return 0
