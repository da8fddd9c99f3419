"""An index inside a dataset: where it lies, what it was built from, and its building from the stored vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import JobError, UsageError
from pipeline.indexing import build, ids, recall, search
from pipeline.indexing.build import IndexSpec
from pipeline.store import Dataset
from pipeline.store.write import write_atomically, write_table

INDEX_FILE, IDS_FILE, DESCRIPTION_FILE = "index.faiss", "ids.parquet", "index.json"
#: Neighbours looked at when the recall of an index is measured, and clips that are asked for theirs.
RECALL_K = 10
RECALL_QUERIES = 1000


def index_folder(dataset: Dataset, name: str) -> Path:
    """Where an index lies."""
    return dataset.path / "indexes" / name


def is_current(dataset: Dataset, name: str, content: str) -> bool:
    """Whether an index is whole and was built from ``content`` (see :func:`content_of`)."""
    folder = index_folder(dataset, name)
    try:
        known = describe(dataset, name)
    except JobError:
        return False
    whole = (folder / INDEX_FILE).is_file() and (folder / IDS_FILE).is_file()
    return whole and known is not None and known["content"] == content


def content_of(dataset: Dataset, feature: str, spec: IndexSpec) -> tuple[str, int]:
    """A digest over everything that the index depends on, and the number of clips in it."""
    digest = hashlib.sha256(json.dumps([dataset.card(feature)["fingerprint"], asdict(spec)], sort_keys=True).encode())
    done = dataset.done(feature)
    for clip_id in sorted(done):
        digest.update(f"{clip_id} {done[clip_id]}\n".encode())
    return digest.hexdigest()[:16], len(done)


def describe(dataset: Dataset, name: str) -> dict[str, Any] | None:
    """index.json of an index; None where there is none."""
    path = index_folder(dataset, name) / DESCRIPTION_FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise JobError(f"{path}: cannot be read ({error}); build the index again with `reelscore index`") from None
    return found


def check_feature(dataset: Dataset, feature: str) -> dict[str, Any]:
    """The card of a feature that can be indexed.

    Raises
    ------
    UsageError: the dataset lacks it, or it is not clip-level.
    """
    card = dataset.card(feature)
    if card["layout"] != "clip":
        raise UsageError(f"{feature} is a sequence (several rows a clip); an index takes one vector a clip")
    return card


def build_on_disk(dataset: Dataset, name: str, feature: str, spec: IndexSpec, content: str) -> dict[str, Any]:
    """Build an index over all clips that have ``feature`` and write index.faiss, ids.parquet and index.json.

    Parameters
    ----------
    content: of :func:`content_of`; says later whether the index is still what the dataset holds.

    Raises
    ------
    JobError: nothing to index, or it cannot be built or written.
    """
    card = dataset.card(feature)
    folder = index_folder(dataset, name)
    clip_ids = sorted(dataset.done(feature))

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for rows in dataset.rows(feature):
            yield ids.keys_of(rows.ids), np.stack(list(rows.floats()))

    try:
        index, info = build.build(batches(), len(clip_ids), card["dims"], spec)
        measured: dict[str, Any] = {"k": RECALL_K, "queries": 0, "value": None}
        if len(clip_ids) > 1:
            keys, queries = recall.sample_queries(batches(), RECALL_QUERIES)
            value = recall.measure_recall(index, queries, batches(), metric=spec.metric, k=RECALL_K, query_keys=keys)
            measured |= {"queries": len(keys), "value": round(value, 6)}
    except ValueError as error:
        raise JobError(f"index {name}: {error}") from error
    description = {
        "name": name,
        "feature": feature,
        "fingerprint": card["fingerprint"],
        "weights": card["weights_label"],
        "metric": spec.metric,
        "spec": asdict(spec),
        "build": info,
        "recall_at_10": measured,
        "content": content,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # index.json comes last and is the commit: without it a half-written index is none
        (folder / DESCRIPTION_FILE).unlink(missing_ok=True)
        search.write_index(index, folder / INDEX_FILE)
        table = pa.table({"key": pa.array(ids.keys_of(clip_ids)), "id": pa.array(clip_ids, pa.string())})
        write_table(folder / IDS_FILE, table)
        write_atomically(folder / DESCRIPTION_FILE, (json.dumps(description, indent=1) + "\n").encode())
    except OSError as error:
        raise JobError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return description
