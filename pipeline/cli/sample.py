"""``reelscore sample``: a small corpus of music videos to try everything on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pipeline.cli import arguments
from pipeline.cli.console import say
from pipeline.errors import UsageError

HELP = "write a small corpus of synthetic music videos to try everything on"
EPILOG = "Example:\n  reelscore sample clips/\n  reelscore run vmnet --input clips/manifest.csv --output dataset/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="where to write them (a new folder, or one made by this command)")
    parser.add_argument("--clips", type=arguments.positive(int), default=36, metavar="N", help="how many (default 36)")
    parser.add_argument(
        "--seconds", type=arguments.positive(float), default=8.0, metavar="S", help="mean length (default 8)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, other clips (default 0)")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    from pipeline.sample import make_corpus

    try:
        written = make_corpus(Path(options.folder), options.clips, options.seed, options.seconds, say=say)
    except ValueError as error:
        raise UsageError(str(error)) from None
    manifest = Path(options.folder) / "manifest.csv"
    if options.json:
        print(json.dumps({"manifest": str(manifest), "clips": [str(path) for path in written]}, indent=1))
    else:
        print(f"{len(written)} clips in {options.folder}\ntry: reelscore run vmnet --input {manifest} --output dataset")
    return 0
