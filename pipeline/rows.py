"""One clip's rows in the tables: what was extracted, or why it was turned away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from pipeline.inputs import files
from pipeline.planning import ClipTask
from transforms.errors import RejectError
from transforms.views import DecodedClip


@dataclass
class Extracted:
    """One clip after extraction.

    Attributes
    ----------
    values: feature -> row for :func:`pipeline.store.write.write_feature`.
    errors: (feature or None for the whole clip, error).
    feature_cpu_s: CPU seconds that the features of sound and shots took.
    """

    task: ClipTask
    sha256: str
    decoded: DecodedClip | None = None
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[tuple[str | None, RejectError]] = field(default_factory=list)
    feature_cpu_s: float = 0.0


def stored(values: np.ndarray, entry: Mapping[str, Any]) -> np.ndarray:
    """``values`` in the stored type.

    Raises
    ------
    RejectError: not finite, or further off than the card's tolerance after the round trip.
    """
    if entry["dtype"] == "uint8":
        return values
    largest = float(np.max(np.abs(values), initial=0.0))
    if not np.isfinite(largest):
        raise RejectError("not_finite", f"{entry['name']}: values that are no numbers", "extract")
    with np.errstate(over="ignore"):
        kept = values.astype(entry["dtype"])
    off = float(np.max(np.abs(kept.astype(np.float64) - values), initial=0.0))
    if not off <= entry["tolerance"] * largest:
        found = f"{entry['name']}: {entry['dtype']} is off by {off:g} where the largest value is {largest:g}"
        raise RejectError("storage_tolerance", f"{found}; the card allows {entry['tolerance']:g} of it", "store")
    return kept


def clip_row(clip: Extracted) -> dict[str, Any]:
    """The clip's row in the clips table."""
    assert clip.decoded is not None
    info, task = clip.decoded.info, clip.task
    return {
        "id": task.clip_id,
        "uri": files.storable(task.uri),
        "sha256": clip.sha256,
        "size_bytes": task.size_bytes,
        "mtime_ns": task.mtime_ns,
        "split": task.split,
        "label": task.label,
        "text": task.text,
        "duration_s": info.duration_s,
        "duration_source": info.duration_source,
        "start_s": info.start_s,
        "container": info.container,
        "decoder": info.decoder,
        "decoder_note": info.decoder_note,
        "flags": info.flags,
        "streams": {
            "video": asdict(info.video) if info.video else None,
            "audio": asdict(info.audio) if info.audio else None,
            "video_streams": info.video_streams,
            "audio_streams": info.audio_streams,
        },
    }


def reject_row(clip: Extracted, feature: str | None, error: RejectError, attempt: str) -> dict[str, Any]:
    """A row of the rejects table, of a clip that was worked on."""
    task = clip.task
    place = {"uri": files.storable(task.uri), "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
    return reject(task.clip_id, clip.sha256, feature, error, attempt) | place


def reject(clip_id: str, sha256: str, feature: str | None, error: RejectError, attempt: str) -> dict[str, Any]:
    """A row of the rejects table, of a clip whose file nobody has looked at."""
    return {
        "id": clip_id,
        "uri": "",
        "sha256": sha256,
        "size_bytes": -1,
        "mtime_ns": 0,
        "feature": feature,
        "stage": error.stage,
        "reason": error.reason,
        "message": error.message,
        "attempt": attempt,
    }
