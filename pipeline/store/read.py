"""Reading feature rows back into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from pipeline.store.schema import card_of, column_values


@dataclass
class FeatureRows:
    """Some clips of one feature, in the order of ``ids``.

    Attributes
    ----------
    values: one array a clip as stored: [n, D] for a sequence, [D] for a clip-level feature.
    masks, times_s: one array [n] a clip for a sequence; empty lists otherwise.
    """

    card: dict[str, Any]
    ids: list[str]
    sha256: list[str]
    values: list[np.ndarray]
    masks: list[np.ndarray]
    times_s: list[np.ndarray]

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


def read_part(path: Path) -> FeatureRows:
    """One part file, in stored order (sorted by id)."""
    table = pq.read_table(path)
    card = card_of(table.schema)
    sequence = card["layout"] == "sequence"
    rows = FeatureRows(card, table["id"].to_pylist(), table["sha256"].to_pylist(), [], [], [])
    for batch in table.to_batches():
        rows.values += column_values(batch["values"], card)
        if sequence:
            ends = np.cumsum(batch["mask"].value_lengths().to_numpy(zero_copy_only=False))[:-1]
            rows.masks += np.split(batch["mask"].flatten().to_numpy(zero_copy_only=False), ends)
            rows.times_s += np.split(batch["times_s"].flatten().to_numpy(zero_copy_only=False), ends)
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
    return rows
