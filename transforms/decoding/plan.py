"""Which picture belongs into which row: pure arithmetic on timestamps.

Times are integers in the stream's time base, and bounds are computed with exact fractions, so that a picture that
lies on a second is never lost to rounding.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from transforms.views import FrameView

#: Header durations are rounded to microseconds; a clip of 5.000000001 s has five rows, not six (ours).
ROW_TOLERANCE = Fraction(1, 1_000_000)

#: What to do with a packet in the pruned walk.
DROP, NONREF, DECODE = 0, 1, 2


def exact(value: float) -> Fraction:
    """The simple fraction that a decimal number stands for: 29.97 is 2997/100, not the nearest binary number."""
    return Fraction(value).limit_denominator(1_000_000)


def row_count(duration_s: Fraction, view: FrameView) -> int:
    """Rows of a view: ``ceil(min(duration, max_s) * rate)``, at least one."""
    length_s = duration_s if math.isinf(view.max_s) else min(duration_s, exact(view.max_s))
    return max(1, math.ceil(length_s * exact(view.rate_hz) - ROW_TOLERANCE))


@dataclass(frozen=True)
class Rows:
    """Bounds of a view's rows in ticks of the picture stream.

    Attributes
    ----------
    latest: row k shows the last picture with pts <= latest[k].
    ends: where no picture is that early, the first picture, if its pts < ends[k] (ticks as exact fractions).
    """

    latest: list[int]
    ends: list[Fraction]

    def __len__(self) -> int:
        return len(self.latest)


def make_rows(start_s: Fraction, time_base: Fraction, count: int, rate_hz: float) -> Rows:
    """Bounds of ``count`` rows of a clip that starts at ``start_s`` on its own clock."""
    rate = exact(rate_hz)
    edges = [(start_s + k / rate) / time_base for k in range(count + 1)]
    return Rows([math.floor(edge) for edge in edges[:-1]], edges[1:])


def choose(rows: Rows, shown_pts: Sequence[int]) -> list[int | None]:
    """The pts of each row's picture, None where the row stays black.

    Parameters
    ----------
    shown_pts: sorted pts of the pictures that are shown.
    """
    if not shown_pts:
        return [None] * len(rows)
    chosen: list[int | None] = []
    for latest, end in zip(rows.latest, rows.ends, strict=True):
        after = bisect_right(shown_pts, latest)
        if after:
            chosen.append(shown_pts[after - 1])
        else:
            chosen.append(shown_pts[0] if shown_pts[0] < end else None)
    return chosen


def prune(pts: Sequence[int], restarts: Sequence[bool], wanted: Iterable[int]) -> list[int]:
    """What to do with each packet in decoding order: drop it, decode it if others refer to it, or decode it.

    Parameters
    ----------
    pts: presentation time of each packet, in decoding order, all different.
    restarts: True where the packet is an IDR picture: nothing after it refers to anything before it.
    wanted: the pts of the pictures that must come out.

    Returns
    -------
    :data:`DROP`, :data:`NONREF` or :data:`DECODE` for each packet.
    """
    wanted = set(wanted)
    actions = [DECODE if time in wanted else NONREF for time in pts]
    needed = False  # walking backwards: does a wanted picture follow before the next restart?
    for index in range(len(pts) - 1, -1, -1):
        needed = needed or actions[index] == DECODE
        if not needed:
            actions[index] = DROP
        if restarts[index]:
            needed = False
    return actions
