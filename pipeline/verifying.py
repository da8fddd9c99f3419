"""Checks a dataset against its own promises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import JobError
from pipeline.index_files import IDS_FILE, INDEX_FILE, content_of, describe, index_folder
from pipeline.indexing.build import IndexSpec
from pipeline.store import Dataset, read, shard_of
from pipeline.store.layout import part_shard, parts

#: Durations a hair above a whole second do not make a row of their own (float rounding of the container's clock).
_FUZZ_S = 1e-6


def problems(dataset: Dataset) -> Iterator[str]:
    """One line for each broken promise.

    Every part is readable, in its shard, sorted, without ids given twice; every feature has the fingerprint that
    dataset.json names, finite values and ceil(duration) rows; every clip has every extracted feature or a reject;
    projections and indexes are there and up to date.
    """
    yield from _part_problems(dataset, "clips", dataset.clips_folder, {})
    yield from _part_problems(dataset, "rejects", dataset.rejects_folder, {})
    try:
        clips = {row["id"]: row for row in dataset.clips(["id", "sha256", "duration_s"]).to_pylist()}
        rejects = dataset.rejects()
    except JobError:
        return  # told above; without these tables nothing else can be judged
    for name in sorted(dataset.meta["features"]):
        yield from _part_problems(dataset, name, dataset.feature_folder(name), clips)
        yield from _missing(dataset, name, clips, rejects)
    for name in sorted(dataset.meta["projections"]):
        path = dataset.projection_path(name)
        if path is not None and not path.is_file():
            yield f"projections/{path.name}: missing; fit {name} again with --refit"
    for name in sorted(dataset.meta["indexes"]):
        yield from _index_problems(dataset, name)


def _part_problems(dataset: Dataset, name: str, folder: Path, clips: dict[str, dict[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    for path in parts(folder):
        where = str(path.relative_to(dataset.path))
        try:
            ids = read.table(path, ["id"])["id"].to_pylist()
            if not ids:
                yield f"{where}: an empty part"
            if ids != sorted(ids):
                yield f"{where}: ids are not sorted"
            if any(shard_of(clip_id, dataset.shards) != part_shard(path) for clip_id in ids):
                yield f"{where}: holds clips of another shard"
            if name == "rejects":
                read.table(path)
                continue
            twice = len(seen.intersection(ids)) + len(ids) - len(set(ids))
            if twice:
                yield f"{where}: {twice} ids are there twice"
            seen.update(ids)
            if name == "clips":
                read.table(path)
            else:
                yield from _feature_problems(dataset, name, path, where, clips)
        except JobError as error:
            yield str(error).replace(str(path), where)


def _feature_problems(
    dataset: Dataset, name: str, path: Path, where: str, clips: dict[str, dict[str, Any]]
) -> Iterator[str]:
    card = dataset.card(name)
    found = read.card(path)["fingerprint"]
    if found != card["fingerprint"]:
        yield f"{where}: fingerprint {found}, dataset.json says {card['fingerprint']}"
        return
    rows = read.read_part(path)
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
        if cap is not None and card.get("one_second_grid"):
            expected = max(1, math.ceil(min(clip["duration_s"], cap) - _FUZZ_S))
            if len(values) != expected:
                yield f"{where}: {clip_id[:12]} has {len(values)} rows, {expected} expected"


def _missing(
    dataset: Dataset, name: str, clips: dict[str, dict[str, Any]], rejects: list[dict[str, Any]]
) -> Iterator[str]:
    """Clips that have what the feature is made from, but neither the feature nor a reject of it."""
    source = dataset.card(name)["input"]
    try:
        done, whole = dataset.done(name), dataset.done(source) if source else clips
    except JobError:
        return  # told where the part was read
    refused = {row["id"] for row in rejects if row["feature"] == name}
    lacking = [clip_id for clip_id in whole if clip_id not in done and clip_id not in refused]
    if lacking:
        yield f"features/{name}: {len(lacking)} clips lack it, such as {min(lacking)[:12]}; run again"


def _index_problems(dataset: Dataset, name: str) -> Iterator[str]:
    where = f"indexes/{name}"
    try:
        description = describe(dataset, name)
        if description is None:
            yield f"{where}: its description is missing; build it again"
            return
        for file in (INDEX_FILE, IDS_FILE):
            if not (index_folder(dataset, name) / file).is_file():
                yield f"{where}/{file}: missing; build the index again"
        spec = IndexSpec(**description["spec"])
        if content_of(dataset, description["feature"], spec)[0] != description["content"]:
            yield f"{where}: not what the dataset holds now; build it again"
    except JobError as error:
        yield f"{where}: {error}"
