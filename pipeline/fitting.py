"""Fitting a projection: the sample of a shard, and the one step that adds all samples up in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import TooFewError
from pipeline.inputs.splits import SPLITS
from pipeline.sampling import sample_limit, sampled
from pipeline.store import Dataset
from transforms.projections import GramAccumulator, Projection, fit_projection


def training_splits(dataset: Dataset) -> tuple[str, ...]:
    """The splits that are learned from: ``train``, or all where it has fewer than the two clips that a fit needs."""
    counts = Counter(dataset.clips(["split"])["split"].to_pylist())
    return ("train",) if counts["train"] >= 2 else SPLITS


def training_ids(dataset: Dataset, splits: Sequence[str], shard: int | None = None) -> set[str]:
    """Ids of the clips that are learned from, of one shard or of all."""
    table = dataset.clips(["id", "split"], shard)
    return set(table.filter(pc.is_in(table["split"], value_set=pa.array(splits)))["id"].to_pylist())


def training_sample(dataset: Dataset, feature: str, rows: int) -> tuple[int, dict[str, int]]:
    """The hash limit of a sample of ``rows`` training rows of a feature, and what it comes from, in numbers."""
    training = training_ids(dataset, training_splits(dataset))

    def clips() -> Iterator[tuple[str, np.ndarray]]:
        for part in dataset.masks(feature):
            yield from ((clip_id, mask) for clip_id, mask in part if clip_id in training)

    limit, used, available = sample_limit(clips, rows)
    return limit, {"rows": used, "rows_available": available, "clips": len(training)}


def sample_shard(dataset: Dataset, feature: str, shard: int, splits: Sequence[str], limit: int, to: Path) -> bool:
    """Write the shard's sampled rows, in the order of clip and row, as float32 [n, D] to ``to``; False for none.

    Parameters
    ----------
    splits: of :func:`training_splits`; limit: of :func:`training_sample`.
    """
    training = training_ids(dataset, splits, shard)
    found = []
    for rows in dataset.rows(feature, shard):
        for number, values in enumerate(rows.floats()):
            if rows.ids[number] in training:
                mask = rows.masks[number] if rows.masks else np.ones(1, bool)
                found.append(values.reshape(len(mask), -1)[sampled(rows.ids[number], mask, limit)])
    if not found:
        return False
    np.save(to, np.concatenate(found))
    return True


def fit_samples(name: str, samples: Sequence[Path], parameters: dict[str, Any], whiten: bool) -> Projection:
    """Fit on sample files, one after the other in the order of their names, so that the bytes are always the same.

    Raises
    ------
    TooFewError: too few rows, or rows that do not vary.
    """
    gram: GramAccumulator | None = None
    for path in sorted(samples):
        sample = np.load(path, mmap_mode="r")
        gram = gram or GramAccumulator(sample.shape[1])
        gram.add(sample)
    if gram is None:
        raise TooFewError("no training rows to fit on")
    try:
        return fit_projection(gram, name, int(parameters["dims"]), whiten=whiten, epsilon=float(parameters["epsilon"]))
    except ValueError as error:
        raise TooFewError(str(error)) from error
