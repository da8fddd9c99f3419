"""Datasets made by hand for the tests: rows go straight through the store, nothing is decoded, no network runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.weights import resolve
from pipeline.entries import make_entry
from pipeline.store import Dataset, shard_of
from pipeline.store.schema import CLIPS, REJECTS
from pipeline.store.write import write_feature, write_rows
from transforms import features

FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}


def digest(text: str) -> str:
    """A stand-in for a content hash: 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def inception_entry(dims: int = 4, **parameters: Any) -> dict[str, Any]:
    """The entry of ``inception`` under random weights, with fewer dimensions than the real one."""
    feature = features.get("inception")
    entry = make_entry(
        feature, {**feature.card.defaults(), **parameters}, weights=resolve("inception", "random", say=lambda line: 0)
    )
    return {**entry, "dims": dims}


def vector_entry(name: str = "wpca_video", dims: int = 4, **changes: Any) -> dict[str, Any]:
    """The entry of a clip-level feature as if it had been derived from nothing."""
    feature = features.get(name)
    return {**make_entry(feature, feature.card.defaults()), "dims": dims, **changes}


def clip_row(clip_id: str, **changes: Any) -> dict[str, Any]:
    """A row of the clips table: three seconds of H.264."""
    return {
        "id": clip_id,
        "uri": f"/videos/{clip_id}.mp4",
        "sha256": digest(clip_id),
        "size_bytes": 1000,
        "mtime_ns": 5,
        "split": "train",
        "label": None,
        "text": None,
        "duration_s": 3.0,
        "duration_source": "container",
        "start_s": 0.0,
        "container": "mov,mp4",
        "decoder": "pyav-pruned",
        "decoder_note": "",
        "flags": [],
        "streams": {"video": None, "audio": None, "video_streams": 1, "audio_streams": 0},
        **changes,
    }


def reject_row(clip_id: str, **changes: Any) -> dict[str, Any]:
    """A row of the rejects table: a clip without pictures."""
    return {
        "id": clip_id,
        "uri": f"/videos/{clip_id}.mp4",
        "sha256": digest(clip_id),
        "size_bytes": 1000,
        "mtime_ns": 5,
        "feature": None,
        "stage": "probe",
        "reason": "no_video",
        "message": "no picture stream",
        "attempt": "a" * 16,
        **changes,
    }


def sequence(clip_id: str, rows: int = 3, dims: int = 4) -> np.ndarray:
    """float16 [rows, dims]: numbers that follow from the id."""
    seed = int(digest(clip_id)[:8], 16)
    return np.random.default_rng(seed).normal(size=(rows, dims)).astype(np.float16)


def feature_row(clip_id: str, values: np.ndarray, **changes: Any) -> dict[str, Any]:
    """A row for :func:`write_feature`; a sequence of full seconds where ``values`` has two axes."""
    row: dict[str, Any] = {"id": clip_id, "sha256": digest(clip_id), "values": values}
    if values.ndim == 2:
        row |= {"times_s": np.arange(len(values), dtype=np.float64), "mask": np.ones(len(values), bool)}
    return {**row, **changes}


def by_shard(rows: Sequence[Mapping[str, Any]], shards: int) -> dict[int, list[dict[str, Any]]]:
    """Rows grouped by the shard of their clip."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(shard_of(row["id"], shards), []).append(dict(row))
    return found


def add_clips(dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write rows of the clips table, one part a shard."""
    return [
        write_rows(dataset.clips_folder, CLIPS, part, shard, dataset.shards, "clips")
        for shard, part in by_shard(rows, dataset.shards).items()
    ]


def add_rejects(dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write rows of the rejects table, one part a shard."""
    return [
        write_rows(dataset.rejects_folder, REJECTS, part, shard, dataset.shards, part[0]["attempt"])
        for shard, part in by_shard(rows, dataset.shards).items()
    ]


def add_feature(dataset: Dataset, entry: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Make ``entry`` the current one of its feature and write rows of it, one part a shard."""
    dataset.meta["features"][entry["name"]] = entry
    dataset.save()
    return [
        write_feature(dataset.feature_folder(entry["name"]), entry, part, shard, dataset.shards)
        for shard, part in by_shard(rows, dataset.shards).items()
    ]


def small_dataset(folder: Path, ids: Sequence[str], shards: int = 4) -> Dataset:
    """A dataset whose clips have ``inception`` (three rows each) and ``wpca_video``."""
    dataset = Dataset.create(folder, shards, FRACTIONS)
    add_clips(dataset, [clip_row(i) for i in ids])
    add_feature(dataset, inception_entry(), [feature_row(i, sequence(i)) for i in ids])
    add_feature(dataset, vector_entry(), [feature_row(i, sequence(i, 1)[0].astype(np.float32)) for i in ids])
    return dataset


def values_of(dataset: Dataset, feature: str) -> dict[str, bytes]:
    """The stored bytes of every clip's values; fails where an id is there twice."""
    found: dict[str, bytes] = {}
    for rows in dataset.rows(feature):
        for clip_id, values in zip(rows.ids, rows.values, strict=True):
            assert clip_id not in found, f"{clip_id} is there twice"
            found[clip_id] = values.tobytes()
    return found


def files_below(folder: Path) -> list[str]:
    """Relative names of all files, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
