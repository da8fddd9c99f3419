"""What was measured, and the figures that follow from it: seconds per minute of video, ratios by pair."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIDES = ("script", "ours")
STAGES = ("decode", "preprocess", "network", "sound", "write")
#: What a feature of the pictures takes; the stages that the target speaks of.
TO_FEATURES = ("decode", "preprocess", "network")


@dataclass(frozen=True)
class Group:
    """Clips that share a table."""

    name: str
    paths: tuple[Path, ...]


@dataclass
class Run:
    """One process: one side, every clip once.

    Attributes
    ----------
    start_cpu_s, start_wall_s: until the first clip: imports, loading, a first short clip.
    clips: path -> what the worker said of it (``found``, ``cpu_s``, ``wall_s``, or ``failed``).
    """

    start_cpu_s: float
    start_wall_s: float
    about: dict[str, Any]
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)


#: One round: side -> run.
Round = dict[str, Run]


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of several rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


class Figures:
    """The figures of one group; clips that one of the sides could not read are left out for both.

    Attributes
    ----------
    failed: (name of the clip, side, kind of error).
    minutes: length of the clips that are counted.
    frames: rows that each side made of them.
    """

    def __init__(self, group: Group, rounds: Sequence[Round]) -> None:
        self.name = group.name
        self._rounds = rounds
        self.failed: list[tuple[str, str, str]] = []
        self._clips: list[str] = []
        for path in map(str, group.paths):
            found = [
                (Path(path).name, side, each[side].clips[path]["failed"])
                for each in rounds
                for side in SIDES
                if "failed" in each[side].clips[path]
            ]
            self.failed.extend(dict.fromkeys(found))
            if not found:
                self._clips.append(path)
        first = {side: [rounds[0][side].clips[path]["found"] for path in self._clips] for side in SIDES}
        self.minutes = sum(found["seconds"] for found in first["ours"]) / 60
        self.frames = {side: sum(found["frames"] for found in first[side]) for side in SIDES}
        self.decoders = sorted({found["decoder"] for found in first["ours"]})

    @property
    def count(self) -> int:
        """Clips that are counted."""
        return len(self._clips)

    def _each(self, side: str, kind: str, stages: Sequence[str]) -> list[float]:
        """Seconds per minute of video, one value a round."""
        return [
            sum(each[side].clips[clip][kind].get(stage, 0.0) for clip in self._clips for stage in stages) / self.minutes
            for each in self._rounds
        ]

    def seconds(self, side: str, kind: str, stages: Sequence[str]) -> Spread:
        """``kind`` is ``cpu_s`` or ``wall_s``."""
        return Spread.of(self._each(side, kind, stages))

    def ratio(self, stages: Sequence[str], ours_s: float | None = None) -> Spread:
        """CPU seconds of the script over ours, round by round; ``ours_s`` stands in for what ours took."""
        script = self._each("script", "cpu_s", stages)
        ours = self._each("ours", "cpu_s", stages) if ours_s is None else [ours_s] * len(script)
        return Spread.of([above / below for above, below in zip(script, ours, strict=True)])

    def frames_per_minute(self, side: str) -> float:
        """Rows for a minute of video."""
        return self.frames[side] / self.minutes


def started(rounds: Sequence[Round], side: str) -> tuple[Spread, Spread]:
    """Start-up in (CPU, wall) seconds."""
    runs = [each[side] for each in rounds]
    return Spread.of([run.start_cpu_s for run in runs]), Spread.of([run.start_wall_s for run in runs])
