"""Search: a clip of the dataset, or a new file that is extracted on the fly with the dataset's own recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.weights import Weights, resolve
from pipeline.derivation import derive_rows
from pipeline.errors import JobError, UsageError
from pipeline.extraction import Extraction, ExtractionConfig
from pipeline.index_files import IDS_FILE, INDEX_FILE, describe, index_folder
from pipeline.indexing.search import read_index, search
from pipeline.inputs import files
from pipeline.planning import ClipTask
from pipeline.settings import Settings
from pipeline.store import Dataset, FeatureRows, read, shard_of
from pipeline.store.layout import parts
from transforms import features
from transforms.errors import RejectError
from transforms.features import Extractor, NetworkExtractor
from transforms.projections import load_projection


@dataclass(frozen=True)
class Hit:
    """One result. ``score`` as the index's metric has it: cosine and inner product larger is nearer, l2 smaller."""

    rank: int
    id: str
    score: float
    uri: str
    label: str | None
    split: str
    duration_s: float


def find_index(dataset: Dataset, name: str | None) -> dict[str, Any]:
    """The description of an index that can be asked: the one named, or the only one.

    Raises
    ------
    UsageError: no such index, or several and none named.
    JobError: the index was built from values that the dataset no longer holds.
    """
    known = sorted(dataset.meta["indexes"])
    if not known:
        raise UsageError(f"{dataset.path}: no index yet; `reelscore index {dataset.path} --feature ...` builds one")
    if name is None:
        if len(known) > 1:
            raise UsageError(f"{dataset.path}: several indexes; say --index with one of: {', '.join(known)}")
        name = known[0]
    description = describe(dataset, name) if name in known else None
    if description is None:
        raise UsageError(f"{dataset.path}: no index {name!r}; there are: {', '.join(known)}")
    card = dataset.card(description["feature"])
    if card["fingerprint"] != description["fingerprint"]:
        raise JobError(
            f"index {name} was built from {description['feature']} {description['fingerprint']}, the dataset now holds "
            f"{card['fingerprint']}; build it again: reelscore index {dataset.path} --feature {description['feature']} "
            f"--name {name}"
        )
    return description


def find_clip(dataset: Dataset, query: str) -> str | None:
    """The id that ``query`` names: itself, or the only one that it begins; None for none.

    Raises
    ------
    UsageError: the beginning of several ids.
    """
    ids = dataset.clips(["id"])["id"]
    if pc.is_in(pc.cast(query, ids.type), value_set=ids.combine_chunks()).as_py():
        return query
    if len(query) < 4:
        return None
    begins = ids.filter(pc.starts_with(ids, query)).to_pylist()
    if len(begins) > 1:
        raise UsageError(f"{query}: {len(begins)} ids begin like this; give more of it")
    return begins[0] if begins else None


def first_clip(dataset: Dataset, feature: str) -> str:
    """Some clip that can ask: the first id that has the feature.

    Raises
    ------
    UsageError: no clip has it.
    """
    ids = dataset.done(feature)
    if not ids:
        raise UsageError(f"{dataset.path}: no clip has {feature}")
    return min(ids)


def vector_of_clip(dataset: Dataset, feature: str, clip_id: str) -> np.ndarray:
    """float32 [D]: the stored vector of a clip.

    Raises
    ------
    UsageError: the clip does not have the feature.
    """
    for path in parts(dataset.feature_folder(feature), shard_of(clip_id, dataset.shards)):
        if clip_id in read.table(path, ["id"])["id"].to_pylist():
            rows = read.read_part(path)
            return dict(zip(rows.ids, rows.floats(), strict=True))[clip_id]
    raise UsageError(f"{clip_id}: this clip has no {feature} (see: reelscore rejects {dataset.path})")


def vector_of_file(
    dataset: Dataset, feature: str, uri: str, settings: Settings, say: Callable[[str], None]
) -> np.ndarray:
    """float32 [D]: the vector of a file that is not in the dataset, made as the dataset's were.

    Raises
    ------
    JobError: the file cannot be extracted, or the weights or projections of the dataset are not to be had here.
    """
    chain = [dataset.card(feature)]
    while chain[0]["input"] is not None:
        chain.insert(0, dataset.card(chain[0]["input"]))
    rows = _extract(dataset, chain[0], uri, settings, say)
    for entry in chain[1:]:
        path = dataset.projection_path(entry["name"])
        projection = load_projection(path) if path else None
        for _, found in derive_rows(rows, entry, projection):
            if isinstance(found, RejectError):
                raise JobError(f"{uri}: {found}")
            rows = _as_rows(entry, found)
    return next(rows.floats())


def _extract(
    dataset: Dataset, entry: dict[str, Any], uri: str, settings: Settings, say: Callable[[str], None]
) -> FeatureRows:
    feature = features.get(entry["name"])
    assert isinstance(feature, Extractor)
    if isinstance(feature, NetworkExtractor):
        entry = {**entry, "weights": _same_weights(entry, feature.backbone, say).to_dict()}
    size, mtime = files.stat(uri)
    task = ClipTask("query", uri, None, size, mtime, "", None, None, (entry["name"],), False)
    config = ExtractionConfig(
        output=str(dataset.path),
        shards=dataset.shards,
        entries={entry["name"]: entry},
        attempt="",
        limits=settings.limits,
        workers=settings.workers,
        backend=settings.backend,
        device=settings.device,
        batch=settings.batch,
    )
    extraction = Extraction(config)
    try:
        extraction.open()
        extraction.start([task])
        (clip,) = extraction.extract(extraction.decoded(1), {})
    finally:
        extraction.close()
    for _, error in clip.errors:
        raise JobError(f"{uri}: {error}")
    return _as_rows(entry, clip.values[entry["name"]])


def _same_weights(entry: dict[str, Any], backbone: str, say: Callable[[str], None]) -> Weights:
    """The weights that made the dataset.

    Raises
    ------
    JobError: what is here is not the same; a score between the two would mean nothing.
    """
    made = Weights.from_dict(entry["weights"])
    choice = str(Path(str(made.path)).parent) if made.source == "directory" else made.source
    here = resolve(backbone, choice, say=say)
    if here.digest != made.digest:
        raise JobError(
            f"the dataset was made with {made.label} ({made.digest[:12]}), here are {here.label} ({here.digest[:12]}): "
            "their features cannot be compared; use the same weights"
        )
    return here


def _as_rows(entry: dict[str, Any], row: dict[str, Any]) -> FeatureRows:
    sequence = entry["layout"] == "sequence"
    return FeatureRows(
        entry,
        [row["id"]],
        [row["sha256"]],
        [row["values"]],
        [np.asarray(row["mask"])] if sequence else [],
        [np.asarray(row["times_s"])] if sequence else [],
    )


def nearest(
    dataset: Dataset, description: dict[str, Any], vector: np.ndarray, k: int, leave_out: str | None = None
) -> list[Hit]:
    """The ``k`` nearest clips, best first.

    Parameters
    ----------
    leave_out: id of the clip that asks, which is no answer to itself.

    Raises
    ------
    JobError: the index is missing or damaged.
    """
    folder = index_folder(dataset, description["name"])
    try:
        index = read_index(folder / INDEX_FILE)
        # twice as many as wanted: an index may be older than the dataset, and what has gone since is no answer
        keys, scores = search(index, vector[None], min(2 * k + 1, index.ntotal), description["metric"])
        names = read.table(folder / IDS_FILE)
    except (OSError, ValueError, JobError) as error:
        raise JobError(f"index {description['name']}: {error}; delete {folder} and build it again") from None
    found = dict(zip(names["key"].to_pylist(), names["id"].to_pylist(), strict=True))
    hits = [(found[key], float(score)) for key, score in zip(keys[0].tolist(), scores[0], strict=True) if key >= 0]
    hits = [hit for hit in hits if hit[0] != leave_out]
    table = dataset.clips(["id", "uri", "label", "split", "duration_s"])
    rows = table.filter(pc.is_in(table["id"], value_set=pa.array([i for i, _ in hits], pa.string()))).to_pylist()
    clips = {row["id"]: row for row in rows}
    hits = [hit for hit in hits if hit[0] in clips][:k]
    return [
        Hit(rank, i, round(score, 6), clips[i]["uri"], clips[i]["label"], clips[i]["split"], clips[i]["duration_s"])
        for rank, (i, score) in enumerate(hits, start=1)
    ]
