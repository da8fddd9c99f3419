"""Clip-level features as matrices, for whatever learns from matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.store import Dataset


@dataclass(frozen=True)
class ClipArrays:
    """Clips that have every feature asked for, sorted by id.

    Attributes
    ----------
    ids, splits, labels: one for each clip; the label is None where the manifest gave none.
    values: feature -> float32 [n, D], rows in the order of ``ids``.
    """

    ids: list[str]
    splits: list[str]
    labels: list[str | None]
    values: dict[str, np.ndarray]


def clip_arrays(dataset: Dataset | str, features: Sequence[str], split: str | None = None) -> ClipArrays:
    """Load clip-level features, joined by clip.

    Parameters
    ----------
    dataset: an open dataset, or its folder.
    features: names of clip-level features.
    split: ``train``, ``val`` or ``test``; None for all clips.

    Raises
    ------
    pipeline.errors.UsageError: no dataset there, or it lacks a feature.
    ValueError: a feature is a sequence instead of one vector a clip.
    """
    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset)
    vectors: dict[str, dict[str, np.ndarray]] = {}
    for name in features:
        card = opened.card(name)
        if card["layout"] != "clip":
            raise ValueError(f"{name} is a sequence; only features with one vector a clip make a matrix")
        shards = opened.rows(name)
        vectors[name] = {i: v for rows in shards for i, v in zip(rows.ids, rows.floats(), strict=True)}
    clips = [
        row
        for row in opened.clips(["id", "split", "label"]).to_pylist()
        if split in (None, row["split"]) and all(row["id"] in found for found in vectors.values())
    ]
    ids = [row["id"] for row in clips]
    empty = {name: np.zeros((0, opened.card(name)["dims"]), np.float32) for name in features}
    values = {name: np.stack([vectors[name][i] for i in ids]) if ids else empty[name] for name in features}
    return ClipArrays(ids, [row["split"] for row in clips], [row["label"] for row in clips], values)
