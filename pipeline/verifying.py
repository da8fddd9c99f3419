"""Checks a dataset against its own promises."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow.parquet as pq

from pipeline.index_files import content_of, describe
from pipeline.indexing.build import IndexSpec
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import part_shard, parts
from pipeline.store.read import read_part
from pipeline.store.schema import card_of

#: Durations a hair above a whole second do not make a row of their own (float rounding of the container's clock).
_FUZZ_S = 1e-6


def problems(dataset: Dataset) -> Iterator[str]:
    """One line for each broken promise: every part readable, in its shard, sorted, without ids given twice; every
    feature of the fingerprint that dataset.json names, finite, with ceil(duration) rows; indexes up to date."""
    clips = {row["id"]: row for row in dataset.clips(["id", "sha256", "duration_s"]).to_pylist()}
    tables = {"clips": dataset.clips_folder} | {n: dataset.feature_folder(n) for n in sorted(dataset.meta["features"])}
    for name, folder in tables.items():
        seen: set[str] = set()
        for path in parts(folder):
            where = f"{path.relative_to(dataset.path)}"
            try:
                ids = pq.read_table(path, columns=["id"])["id"].to_pylist()
            except Exception as error:
                yield f"{where}: cannot be read ({str(error).splitlines()[0]})"
                continue
            if not ids:
                yield f"{where}: an empty part"
            if ids != sorted(ids):
                yield f"{where}: ids are not sorted"
            if any(shard_of(clip_id, dataset.shards) != part_shard(path) for clip_id in ids):
                yield f"{where}: holds clips of another shard"
            twice = seen.intersection(ids)
            if twice or len(set(ids)) != len(ids):
                yield f"{where}: {len(twice) or 'some'} ids are there twice"
            seen.update(ids)
            if name != "clips":
                yield from _feature_problems(dataset, name, path, where, clips)
    for name in sorted(dataset.meta["indexes"]):
        description = describe(dataset, name)
        if description is None:
            yield f"indexes/{name}: its description is missing; build it again"
        elif content_of(dataset, description["feature"], IndexSpec(**description["spec"]))[0] != description["content"]:
            yield f"indexes/{name}: not what the dataset holds now; build it again"


def _feature_problems(dataset: Dataset, name: str, path: object, where: str, clips: dict[str, dict]) -> Iterator[str]:
    card = dataset.card(name)
    found = card_of(pq.read_schema(path))
    if found["fingerprint"] != card["fingerprint"]:
        yield f"{where}: fingerprint {found['fingerprint']}, dataset.json says {card['fingerprint']}"
        return
    rows = read_part(path)  # type: ignore[arg-type]
    cap = (card["parameters"].get("max_s") or {}).get("value")
    for number, clip_id in enumerate(rows.ids):
        values = rows.values[number]
        clip = clips.get(clip_id)
        if clip is None:
            yield f"{where}: {clip_id[:12]} is not in the clips table"
            continue
        if clip["sha256"] != rows.sha256[number]:
            yield f"{where}: {clip_id[:12]} was computed from other content"
        if values.dtype != np.uint8 and not np.isfinite(values).all():
            yield f"{where}: {clip_id[:12]} holds values that are not finite"
        if cap is not None and card["hop_s"]:
            expected = max(1, math.ceil((min(clip["duration_s"], cap) - _FUZZ_S) / card["hop_s"]))
            if len(values) != expected:
                yield f"{where}: {clip_id[:12]} has {len(values)} rows, {expected} expected"
