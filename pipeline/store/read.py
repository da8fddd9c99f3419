"""Reading feature rows back into arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import JobError
from pipeline.store.schema import card_of, column_values, list_arrays


@dataclass
class FeatureRows:
    """Some clips of one feature, in the order of ``ids``.

    Attributes
    ----------
    values: one array a clip as stored: [n, D] for a sequence, [D] for a clip-level feature.
    masks, times_s: one array [n] a clip for a sequence; empty lists otherwise.
    columns: what else the card's sequence holds, by name: one array [n] a clip, a list of bytes where it is binary.
    """

    card: dict[str, Any]
    ids: list[str]
    sha256: list[str]
    values: list[np.ndarray]
    masks: list[np.ndarray]
    times_s: list[np.ndarray]
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def floats(self) -> Iterator[np.ndarray]:
        """The values as float32; 8-bit values are mapped back as their card says."""
        decode = self.card.get("dequantise")
        for array in self.values:
            if decode:
                yield array.astype(np.float32) * np.float32(decode["scale"]) + np.float32(decode["offset"])
            else:
                yield array.astype(np.float32)


def table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A part file, or some of its columns.

    Raises
    ------
    JobError: the file is damaged.
    """
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _unusable(path, error) from error


def card(path: Path) -> dict[str, Any]:
    """The card in a feature's part file.

    Raises
    ------
    JobError: the file is damaged, or no feature's.
    """
    try:
        return card_of(pq.read_schema(path))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> JobError:
    if isinstance(error, OSError) and error.errno is not None:
        # the file may be all right: it is not there, not allowed, or on a disk that fails
        return JobError(f"{path}: cannot be read ({os.strerror(error.errno)})")
    why = " ".join(str(error).split())[:200]
    return JobError(f"{path}: damaged ({why}); delete the file and run again: what it held is computed again")


def read_part(path: Path) -> FeatureRows:
    """One part file, in stored order (sorted by id).

    Raises
    ------
    JobError: the file is damaged.
    """
    return rows_of(card(path), table(path).to_batches())


def rows_of(card: dict[str, Any], batches: Iterable[pa.RecordBatch]) -> FeatureRows:
    """Rows as they lie in a part, in stored order, as arrays."""
    sequence = card["layout"] == "sequence"
    rows = FeatureRows(card, [], [], [], [], [])
    for batch in batches:
        rows.ids += batch["id"].to_pylist()
        rows.sha256 += batch["sha256"].to_pylist()
        rows.values += column_values(batch["values"], card)
        if sequence:
            rows.masks += list_arrays(batch["mask"])
            rows.times_s += list_arrays(batch["times_s"])
        for name, kind in card.get("columns", {}).items():
            column = batch[name]
            rows.columns.setdefault(name, []).extend(column.to_pylist() if kind == "binary" else list_arrays(column))
    return rows


def shard_rows(paths: list[Path]) -> FeatureRows | None:
    """All parts of a shard as one, sorted by id, whatever runs wrote them; None for no parts."""
    if not paths:
        return None
    found = [read_part(path) for path in paths]
    order = sorted((clip_id, p, i) for p, part in enumerate(found) for i, clip_id in enumerate(part.ids))
    rows = FeatureRows(found[0].card, [], [], [], [], [])
    for clip_id, p, i in order:
        part = found[p]
        rows.ids.append(clip_id)
        rows.sha256.append(part.sha256[i])
        rows.values.append(part.values[i])
        if part.masks:
            rows.masks.append(part.masks[i])
            rows.times_s.append(part.times_s[i])
        for name, column in part.columns.items():
            rows.columns.setdefault(name, []).append(column[i])
    return rows
