"""``reelscore search``: the nearest clips of a clip or of a new file."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from pipeline.cli import arguments
from pipeline.cli.console import say, table
from pipeline.errors import UsageError
from pipeline.inputs import files
from pipeline.store import Dataset

HELP = "find the clips nearest to a clip of the dataset or to a new video file"
EPILOG = (
    "Examples:\n  reelscore search dataset/ 3fa9c1d2 --index video\n  reelscore search dataset/ new.mp4 -k 5 --json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument(
        "query",
        metavar="QUERY",
        nargs="?",
        help="a clip id (or its beginning), or a video file (default: the first clip)",
    )
    parser.add_argument("--index", metavar="NAME", help="which index (needed where there are several)")
    parser.add_argument("-k", type=arguments.positive(int), default=10, help="results (default 10)")
    parser.add_argument("--backend", choices=("auto", "openvino", "torch"), default="auto", help="for a new file")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="for a new file")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    from pipeline import searching
    from pipeline.settings import Settings

    dataset = Dataset.open(options.dataset)
    description = searching.find_index(dataset, options.index)
    query = options.query or searching.first_clip(dataset, description["feature"])
    clip_id = searching.find_clip(dataset, query)
    if clip_id is not None:
        vector = searching.vector_of_clip(dataset, description["feature"], clip_id)
        asked = f"clip {clip_id[:12]}"
    elif Path(query).is_file() or files.is_remote(query):
        uri = query if files.is_remote(query) else str(Path(query).absolute())
        settings = Settings(backend=options.backend, device=options.device)
        with arguments.one_line_errors():
            vector = searching.vector_of_file(dataset, description["feature"], uri, settings, say)
        asked = f"file {query}"
    else:
        raise UsageError(f"{query}: neither a clip of {dataset.path} nor a file")
    hits = searching.nearest(dataset, description, vector, options.k, leave_out=clip_id)
    if options.json:
        about = {key: description[key] for key in ("name", "feature", "fingerprint", "metric", "weights")}
        print(json.dumps({"query": query, "index": about, "hits": [asdict(hit) for hit in hits]}, indent=1))
        return 0
    print(f"{asked}, index {description['name']} ({description['feature']}, {description['metric']})\n")
    rows = [[h.rank, f"{h.score:.4f}", h.id[:12], h.label or "", f"{h.duration_s:.1f}", Path(h.uri).name] for h in hits]
    print(table(["rank", "score", "clip", "label", "seconds", "file"], rows, right=(0, 1, 4)))
    if (description["weights"] or "").startswith("random"):
        say(f"\nwarning: features of {description['weights']} weights: neighbours by colour and texture at best")
    return 0
