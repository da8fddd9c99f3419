"""One clip's rows of the store as a contact sheet's records, and in words what of them is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.sheets.data import KeyframeRow, SheetData, ShotRow
from pipeline.store import Dataset, FeatureRows, read, shard_of
from pipeline.store.layout import parts

#: The features that a sheet shows.
SHOWN = ("shots", "emotion", "keyframes")


def sheet_data(dataset: Dataset, clip: Mapping[str, Any], found: Mapping[str, FeatureRows]) -> SheetData:
    """The sheet of a clip.

    Parameters
    ----------
    clip: its row of the clips table.
    found: its rows by feature, as far as there are any; see :func:`pipeline.store.one_clip.clip_rows`.
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
