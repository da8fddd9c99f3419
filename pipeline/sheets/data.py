"""What a contact sheet shows, as plain records, and how its times and numbers are written everywhere."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ShotRow:
    """One shot. Intervals are half-open, frames are counted from 0 in the order of showing.

    Attributes
    ----------
    number: from 0, as the tables of ``emotion`` and ``keyframes`` have it.
    gradual_start_s, gradual_end_s: the dissolve by which it begins; both the same for a cut.
    jump: histogram difference at its start, 0 to 1.
    score, key_score: of its first picture and of the one that differs most, 0 to 1; None where nothing was seen or
        ``emotion`` was not extracted.
    """

    number: int
    start_s: float
    end_s: float
    first_frame: int
    end_frame: int
    gradual_start_s: float
    gradual_end_s: float
    jump: float
    score: float | None = None
    key_score: float | None = None

    @property
    def gradual(self) -> bool:
        """Whether it begins by a dissolve."""
        return self.gradual_end_s > self.gradual_start_s

    @property
    def begins(self) -> str:
        """``start``, ``cut`` or ``dissolve m:ss.mmm-m:ss.mmm``."""
        if self.gradual:
            return f"dissolve {stamp(self.gradual_start_s)}-{stamp(self.gradual_end_s)}"
        return "cut" if self.number else "start"

    def cells(self) -> list[Any]:
        """Its number, start, end, length, first frame, how many frames, and how it begins, as tables show them."""
        times = [stamp(self.start_s), stamp(self.end_s), stamp(self.end_s - self.start_s)]
        return [self.number, *times, self.first_frame, self.end_frame - self.first_frame, self.begins]


@dataclass(frozen=True)
class KeyframeRow:
    """One keyframe.

    Attributes
    ----------
    score: of its shot, which the gate looked at.
    difference: histogram difference to the picture before, 0 to 1.
    passed: whether the score passed the gate; where none does, the best shot stands in.
    thumbnail: JPEG.
    """

    shot: int
    frame: int
    time_s: float
    score: float | None
    difference: float
    passed: bool
    thumbnail: bytes


@dataclass(frozen=True)
class SheetData:
    """All that a sheet shows.

    Attributes
    ----------
    shots, keyframes: None where the clip has no such rows.
    scorer: who scored, and with which weights; None where nothing was scored.
    missing: lines that say what is not there, why, and how to get it.
    """

    clip_id: str
    uri: str
    duration_s: float
    shots: tuple[ShotRow, ...] | None
    keyframes: tuple[KeyframeRow, ...] | None
    scorer: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def span_s(self) -> float:
        """Length of the timeline: up to the end of the last shot or keyframe, the clip's length where there is none."""
        ends = [s.end_s for s in self.shots or ()] + [k.time_s for k in self.keyframes or ()]
        return max(ends, default=self.duration_s) or self.duration_s

    @property
    def headline(self) -> str:
        """``6 shots, 2 keyframes in 0:12.480``."""
        counts = [_count(self.shots, "shot"), _count(self.keyframes, "keyframe")]
        return f"{', '.join(c for c in counts if c) or 'nothing found'} in {stamp(self.span_s)}"

    def plain(self) -> dict[str, Any]:
        """For JSON: the rows without pictures; null where there are none."""
        return {
            "shots": None if self.shots is None else [asdict(s) | {"begins": s.begins} for s in self.shots],
            "keyframes": None
            if self.keyframes is None
            else [{key: v for key, v in asdict(k).items() if key != "thumbnail"} for k in self.keyframes],
            "scorer": self.scorer,
            "missing": list(self.missing),
        }


def stamp(seconds: float) -> str:
    """``m:ss.mmm``, to the nearest millisecond."""
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes}:{ms // 1000:02d}.{ms % 1000:03d}"


def number(value: float | None) -> str:
    """Three decimals; ``-`` for None and what is no number."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.3f}"


def gate(keyframe: KeyframeRow) -> str:
    """Whether a keyframe passed the gate, in words."""
    return "passed" if keyframe.passed else "below"


def _count(rows: tuple[object, ...] | None, name: str) -> str:
    if rows is None:
        return ""
    return f"{len(rows) or 'no'} {name}{'' if len(rows) == 1 else 's'}"
