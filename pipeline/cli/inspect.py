"""``reelscore inspect``: what a dataset, or one clip of it, holds."""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.cli import arguments, summary
from pipeline.cli.console import table
from pipeline.errors import UsageError
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import parts
from pipeline.store.read import read_part

HELP = "show what a dataset holds, or one clip of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument("--clip", metavar="ID", help="a clip id, or its beginning")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    dataset = Dataset.open(options.dataset)
    if options.clip:
        return _clip(dataset, options.clip, options.json)
    content = summary.contents(dataset)
    print(json.dumps(content, indent=1) if options.json else "\n".join(summary.lines(dataset, content, None)).lstrip())
    return 0


def _clip(dataset: Dataset, name: str, as_json: bool) -> int:
    from pipeline.searching import find_clip

    clip_id = find_clip(dataset, name)
    if clip_id is None:
        raise UsageError(f"{dataset.path}: no clip {name!r}")
    clips = dataset.clips()
    (row,) = clips.filter(pc.equal(clips["id"], clip_id)).to_pylist()
    values = {
        feature: found for feature in sorted(dataset.meta["features"]) if (found := _values(dataset, feature, clip_id))
    }
    if as_json:
        print(json.dumps({"clip": row, "features": values}, indent=1))
        return 0
    print(table(["", ""], [[key, value] for key, value in row.items() if value not in (None, [])]))
    cells = [
        [n, "x".join(map(str, v["shape"])), v["masked"], f"{v['mean']:.4g}", f"{v['max']:.4g}"]
        for n, v in values.items()
    ]
    print("\n" + table(["feature", "shape", "masked", "mean", "max"], cells, right=(1, 2, 3, 4)))
    return 0


def _values(dataset: Dataset, feature: str, clip_id: str) -> dict[str, Any] | None:
    for path in parts(dataset.feature_folder(feature), shard_of(clip_id, dataset.shards)):
        rows = read_part(path)
        for number, array in enumerate(rows.floats()):
            if rows.ids[number] == clip_id:
                masked = int((~rows.masks[number]).sum()) if rows.masks else 0
                return {
                    "shape": list(array.shape),
                    "masked": masked,
                    "mean": float(np.mean(array)),
                    "max": float(np.max(array)),
                }
    return None
