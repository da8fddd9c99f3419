"""The sheet in a terminal: a table of shots, one of keyframes, and the timeline in one line of plain characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pipeline.cli.console import table
from pipeline.sheets.data import KeyframeRow, SheetData, ShotRow, gate, number, stamp

#: Rows that a table shows unless all are asked for: about a screen (ours).
MOST_ROWS = 40


def lines(data: SheetData, width: int, every: bool = False) -> list[str]:
    """The whole of it.

    Parameters
    ----------
    width: columns of the terminal, for the timeline.
    every: all rows, not the first :data:`MOST_ROWS`.
    """
    most = None if every else MOST_ROWS
    found: list[str] = []
    if data.shots is not None or data.keyframes is not None:
        found.append(data.headline + (f", scored by {data.scorer}" if data.scorer else ""))
    if data.shots:
        keys = {k.shot for k in data.keyframes or ()}
        found += ["", shot_table(data.shots[:most], keys), *_more(len(data.shots), most, "shots")]
    if data.keyframes:
        found += ["", keyframe_table(data.keyframes[:most]), *_more(len(data.keyframes), most, "keyframes")]
    if data.shots or data.keyframes:
        found += ["", f"0:00.000 to {stamp(data.span_s)}  (| cut, / dissolve, * keyframe)", timeline(data, width)]
    if data.missing:
        found += ["", *data.missing] if found else list(data.missing)
    return found


def shot_table(shots: Sequence[ShotRow], keys: set[int]) -> str:
    """The table of shots, with the scores of their first and most different pictures; a star for those in ``keys``."""
    rows = [[*s.cells(), number(s.score), number(s.key_score), "*" if s.number in keys else ""] for s in shots]
    header = ["shot", "start", "end", "length", "frame", "frames", "begins", "score", "of key", ""]
    return table(header, rows, right=(0, 1, 2, 3, 4, 5, 7, 8))


def keyframe_table(keyframes: Sequence[KeyframeRow]) -> str:
    """The table of keyframes."""
    rows = [[stamp(k.time_s), k.frame, k.shot, number(k.score), number(k.difference), gate(k)] for k in keyframes]
    return table(["keyframe", "frame", "shot", "score", "difference", "gate"], rows, right=(0, 1, 2, 3, 4))


def timeline(data: SheetData, width: int) -> str:
    """``width`` characters for the whole length: ``|`` where a shot is cut to, ``/`` a dissolve, ``*`` a keyframe.

    Where several fall on one character, a keyframe shows rather than a cut, and a cut rather than a dissolve.
    """
    width = max(width, 10)
    cells = ["-"] * width

    def cell(time_s: float) -> int:
        return min(max(int(time_s / data.span_s * width), 0), width - 1) if data.span_s > 0 else 0

    for shot in data.shots or ():
        if shot.gradual:
            first = cell(shot.gradual_start_s)
            # half-open: a dissolve that ends with a cell does not reach into the next
            end = min(max(math.ceil(shot.gradual_end_s / data.span_s * width), first + 1), width)
            cells[first:end] = "/" * (end - first)
    for shot in data.shots or ():
        if not shot.gradual:
            cells[cell(shot.start_s)] = "|"
    for keyframe in data.keyframes or ():
        cells[cell(keyframe.time_s)] = "*"
    return "".join(cells)


def _more(count: int, most: int | None, name: str) -> list[str]:
    return [f"... and {count - most} more {name} (--all shows them)"] if most is not None and count > most else []
