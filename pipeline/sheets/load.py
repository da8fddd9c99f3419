"""One clip's rows of the store as a contact sheet's records, and in words what of them is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.sheets.data import KeyframeRow, SheetData, ShotRow
from pipeline.store import Dataset, FeatureRows, read, shard_of
from pipeline.store.layout import parts
from pipeline.store.schema import column_values, list_arrays

#: The features that a sheet shows.
SHOWN = ("shots", "emotion", "keyframes")


def clip_rows(dataset: Dataset, feature: str, clip_id: str) -> FeatureRows | None:
    """The rows of one clip; None where it has none.

    Only the row group with the clip is read, a clip at a time: a part with pictures may hold gigabytes.

    Raises
    ------
    JobError: a part is damaged.
    """
    for path in parts(dataset.feature_folder(feature), shard_of(clip_id, dataset.shards)):
        ids = read.table(path, ["id"])["id"].to_pylist()
        if clip_id not in ids:
            continue
        try:
            return _one(
                read.card(path), _batch(pq.ParquetFile(path, page_checksum_verification=True), ids.index(clip_id))
            )
        except (pa.ArrowException, OSError):
            read.table(path)  # says in our words what is wrong with the file
            raise
    return None


def _batch(file: pq.ParquetFile, place: int) -> pa.RecordBatch:
    """Row ``place`` of the file, as a batch of one."""
    group = 0
    while place >= file.metadata.row_group(group).num_rows:
        place -= file.metadata.row_group(group).num_rows
        group += 1
    batches = file.iter_batches(batch_size=1, row_groups=[group])
    return next(batch for i, batch in enumerate(batches) if i == place)


def _one(card: dict[str, Any], batch: pa.RecordBatch) -> FeatureRows:
    rows = FeatureRows(
        card, batch["id"].to_pylist(), batch["sha256"].to_pylist(), column_values(batch["values"], card), [], []
    )
    if card["layout"] == "sequence":
        rows.masks, rows.times_s = list_arrays(batch["mask"]), list_arrays(batch["times_s"])
        rows.columns = {
            name: batch[name].to_pylist() if kind == "binary" else list_arrays(batch[name])
            for name, kind in card.get("columns", {}).items()
        }
    return rows


def sheet_data(dataset: Dataset, clip: Mapping[str, Any], found: Mapping[str, FeatureRows]) -> SheetData:
    """The sheet of a clip.

    Parameters
    ----------
    clip: its row of the clips table.
    found: its rows by feature, as far as there are any; see :func:`clip_rows`.
    """
    shown = {name: found[name] for name in SHOWN if name in found}
    missing = _missing(dataset, clip["id"], [name for name in SHOWN if name not in shown])
    for name in ("emotion", "keyframes"):
        if name in shown and "shots" in shown and (other := _differing(shown["shots"].card, shown[name].card)):
            # numbers of other shots beside these would be wrong without looking wrong
            del shown[name]
            missing.append(f"{name} left out: made for other shots ({other} differs); {_command(dataset, [name])}")
    scorers = {name: _scorer(shown[name].card) for name in ("emotion", "keyframes") if name in shown}
    return SheetData(
        clip_id=clip["id"],
        uri=clip["uri"],
        duration_s=clip["duration_s"],
        shots=_shots(shown["shots"], shown.get("emotion")) if "shots" in shown else None,
        keyframes=_keyframes(shown["keyframes"]) if "keyframes" in shown else None,
        # each is extracted by itself, and may be older than the other
        scorer="; keyframes by ".join(dict.fromkeys(scorers.values())) or None,
        missing=tuple(missing),
    )


def _shots(shots: FeatureRows, emotion: FeatureRows | None) -> tuple[ShotRow, ...]:
    scores: dict[tuple[int, bool], float] = {}
    if emotion is not None:
        of = {name: column[0].tolist() for name, column in emotion.columns.items()}
        every = zip(of["shots"], of["keys"], of["scores"], emotion.masks[0].tolist(), strict=True)
        scores = {(shot, key): score for shot, key, score, seen in every if seen}
    of = {name: column[0].tolist() for name, column in shots.columns.items()}
    return tuple(
        ShotRow(
            number=i,
            start_s=start_s,
            end_s=of["ends_s"][i],
            first_frame=of["first_frames"][i],
            end_frame=of["end_frames"][i],
            gradual_start_s=of["gradual_start_s"][i],
            gradual_end_s=of["gradual_end_s"][i],
            jump=of["jumps"][i],
            score=_finite(scores.get((i, False))),
            key_score=_finite(scores.get((i, True))),
        )
        for i, start_s in enumerate(shots.times_s[0].tolist())
    )


def _keyframes(rows: FeatureRows) -> tuple[KeyframeRow, ...]:
    of = {name: list(column[0]) for name, column in rows.columns.items()}
    return tuple(
        KeyframeRow(
            shot=int(of["shots"][i]),
            frame=int(of["frames"][i]),
            time_s=time_s,
            score=_finite(of["scores"][i]),
            difference=float(of["differences"][i]),
            passed=bool(of["passed"][i]),
            thumbnail=of["thumbnails"][i],
        )
        for i, time_s in enumerate(rows.times_s[0].tolist())
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _scorer(card: Mapping[str, Any]) -> str:
    name, weights = card["parameters"]["scorer"]["value"], card.get("weights_label")
    return f"{name} ({weights})" if weights else str(name)


def _differing(shots: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Names of the parameters that both cards have with other values; empty where the shots are the same."""
    mine, theirs = shots["parameters"], other["parameters"]
    return ", ".join(sorted(n for n in mine.keys() & theirs.keys() if mine[n]["value"] != theirs[n]["value"]))


def _missing(dataset: Dataset, clip_id: str, names: list[str]) -> list[str]:
    """What is not there: turned away, with the reason, or never extracted, with the command."""
    if not names:
        return []
    away: dict[str, str] = {}
    for path in parts(dataset.rejects_folder, shard_of(clip_id, dataset.shards)):
        table = read.table(path, ["id", "feature", "reason", "message"])
        for row in table.filter(pc.equal(table["id"], clip_id)).to_pylist():
            away[row["feature"] or ""] = f"{row['reason']}: {row['message']}"
    told = [f"no {name}: turned away, {away[name]}" for name in names if name in away]
    never = [name for name in names if name not in away]
    return told + ([f"no {', '.join(never)} of this clip; {_command(dataset, never)}"] if never else [])


def _command(dataset: Dataset, names: list[str]) -> str:
    return f"to get it: reelscore extract {','.join(names)} --input ... --output {dataset.path}"
