"""A derived feature, part by part: reads a part of the input feature and writes the part of the derived one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pipeline.entries import parameters_of
from pipeline.errors import JobError
from pipeline.rows import reject, stored
from pipeline.store import Dataset, FeatureRows, read
from pipeline.store.layout import part_shard, parts
from pipeline.store.schema import REJECTS
from pipeline.store.write import write_feature, write_rows
from transforms import features
from transforms.errors import RejectError
from transforms.features import Derivation
from transforms.projections import Projection


def derive_rows(
    rows: FeatureRows, entry: dict[str, Any], projection: Projection | None, have: Collection[str] = ()
) -> Iterator[tuple[int, Any]]:
    """(number, row or RejectError) of each clip in ``rows`` that is not in ``have``.

    A row is as :func:`write_feature` takes it.
    """
    feature = features.get(entry["name"])
    assert isinstance(feature, Derivation)
    parameters = parameters_of(entry)
    sequence = bool(rows.masks)
    for number, values in enumerate(rows.floats()):
        if rows.ids[number] in have:
            continue
        mask = rows.masks[number] if sequence else None
        try:
            try:
                computed = feature.compute(values, mask, projection, parameters)
            except ValueError as error:
                raise RejectError("not_computable", f"{entry['name']}: {error}", "extract") from None
            row = {"id": rows.ids[number], "sha256": rows.sha256[number], "values": stored(computed, entry)}
        except RejectError as error:
            yield number, error
            continue
        if entry["layout"] == "sequence":
            row |= {"times_s": rows.times_s[number], "mask": rows.masks[number]}
        yield number, row


def derive_part(dataset: Dataset, path: Path, entry: dict[str, Any], projection: Projection | None) -> int:
    """Derive what is missing of the clips in one part; returns how many clips were computed.

    Raises
    ------
    JobError: the dataset cannot be written.
    """
    name, shard = entry["name"], part_shard(path)
    assert shard is not None
    have: set[str] = set()
    for part in parts(dataset.feature_folder(name), shard):
        have.update(read.table(part, ["id"])["id"].to_pylist())
    source = read.read_part(path)
    rows, rejects = [], []
    for number, found in derive_rows(source, entry, projection, have):
        if isinstance(found, RejectError):
            rejects.append(reject(source.ids[number], source.sha256[number], name, found, entry["fingerprint"]))
        else:
            rows.append(found)
    try:
        if rows:
            write_feature(dataset.feature_folder(name), entry, rows, shard, dataset.shards)
        if rejects:
            write_rows(dataset.rejects_folder, REJECTS, rejects, shard, dataset.shards, entry["fingerprint"])
    except OSError as error:
        raise JobError(f"{dataset.path}: cannot be written ({error.strerror or error})") from error
    return len(rows)


def missing_parts(dataset: Dataset, entry: dict[str, Any]) -> tuple[list[Path], int]:
    """Parts of the input feature that hold a clip without the derived one, and how many such clips there are."""
    done = dataset.done(entry["name"])
    lacking: dict[Path, list[str]] = {}
    for path in parts(dataset.feature_folder(entry["input"])):
        missing = [clip_id for clip_id in read.table(path, ["id"])["id"].to_pylist() if clip_id not in done]
        if missing:
            lacking[path] = missing
    if lacking:
        refused = {
            row["id"]
            for row in dataset.rejects()
            if row["feature"] == entry["name"] and row["attempt"] == entry["fingerprint"]
        }
        lacking = {path: rest for path, ids in lacking.items() if (rest := [i for i in ids if i not in refused])}
    return list(lacking), sum(map(len, lacking.values()))
