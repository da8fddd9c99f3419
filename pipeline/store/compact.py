"""Merging of parts. A journal makes it safe to kill: what it had begun is finished when the dataset is next locked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa

from pipeline.store import read
from pipeline.store.dataset import SUPERSEDED, Dataset
from pipeline.store.journal import JOURNAL, STAGING, finish
from pipeline.store.layout import part_name, parts
from pipeline.store.write import value_leaf, write_atomically, write_table


def compact(dataset: Dataset, clips_per_part: int, *, purge: bool = False) -> tuple[int, int]:
    """Merge the parts of every shard into parts of at most ``clips_per_part`` rows, sorted by id.

    Parameters
    ----------
    purge: also delete values that were set aside when a parameter changed.

    Returns
    -------
    number of parts before and after.
    """
    staging = dataset.path / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    before = after = 0
    moves: list[tuple[str, str]] = []
    old: list[str] = []
    folders = [dataset.clips_folder, dataset.rejects_folder, *map(dataset.feature_folder, dataset.meta["features"])]
    for folder in folders:
        for shard in range(dataset.shards):
            found = parts(folder, shard)
            before += len(found)
            if len(found) <= 1:
                after += len(found)
                continue
            for path in _merged(
                found, staging / folder.relative_to(dataset.path), shard, dataset.shards, clips_per_part
            ):
                target = folder / path.name
                moves.append((str(path.relative_to(dataset.path)), str(target.relative_to(dataset.path))))
                after += 1
            old += [str(path.relative_to(dataset.path)) for path in found]
    if old:
        write_atomically(dataset.path / JOURNAL, json.dumps({"moves": moves, "old": old}).encode())
        finish(dataset.path)
    if purge:
        shutil.rmtree(dataset.path / "features" / SUPERSEDED, ignore_errors=True)
    return before, after


def _merged(found: list[Path], to: Path, shard: int, shards: int, rows: int) -> list[Path]:
    """Write the rows of several parts of one shard as few parts; returns them."""
    table = pa.concat_tables([read.table(path) for path in found]).sort_by([("id", "ascending")])
    written = []
    for start in range(0, table.num_rows, rows):
        piece = table.slice(start, rows).combine_chunks()
        path = to / part_name(shard, shards, ["compact", *(p.name for p in found), str(start)])
        write_table(path, piece, values=value_leaf(found[0]))
        written.append(path)
    return written
