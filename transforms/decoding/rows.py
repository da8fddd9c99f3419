"""Filling the rows of one view while pictures come out of the decoder, converting only those that are shown."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from transforms.decoding import plan
from transforms.decoding.picture import PictureMaker
from transforms.views import Frames, FrameView

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

#: Makes a zeroed array; the decoder process makes it in shared memory.
Allocate = Callable[[tuple[int, ...], type], np.ndarray]


class RowFiller:
    """Takes pictures in the order of their pts and puts each into the rows that show it.

    Parameters
    ----------
    view: what is asked for.
    duration_s, start_s: of the clip, exact; ``time_base``: of the picture stream.
    allocate: makes the arrays.
    """

    def __init__(
        self, view: FrameView, start_s: Fraction, duration_s: Fraction, time_base: Fraction, allocate: Allocate
    ) -> None:
        count = plan.row_count(duration_s, view)
        self.rows = plan.make_rows(start_s, time_base, count, view.rate_hz)
        self.pixels = allocate((count, view.size_px, view.size_px, 3), np.uint8)
        self._maker = PictureMaker(view.size_px, view.resizer)
        self._start_s, self._time_base = start_s, time_base
        self.restart()

    def restart(self) -> None:
        """Forget every row, for another attempt."""
        self.chosen: list[int | None] = []
        self._pending: VideoFrame | None = None
        self._pending_pts: int | None = None

    @property
    def last_tick(self) -> int:
        """The last tick at which a picture may be shown."""
        return self.rows.latest[-1]

    @property
    def done(self) -> bool:
        """Whether every row has its picture."""
        return len(self.chosen) == len(self.rows)

    def push(self, pts: int, frame: VideoFrame) -> None:
        """The next picture; its pts is not before the last one's."""
        self._settle(pts)
        self._pending, self._pending_pts = frame, pts

    def finish(self) -> None:
        """No picture follows: the last one stays up to the end."""
        self._settle(None)
        self._pending = None

    def _settle(self, next_pts: int | None) -> None:
        """Fill the rows that the coming picture is too late for."""
        first = row = len(self.chosen)
        while row < len(self.rows) and (next_pts is None or self.rows.latest[row] < next_pts):
            if self._pending_pts is None and next_pts is not None and next_pts < self.rows.ends[row]:
                break  # the first picture falls into this cell: the next call puts it there
            self.chosen.append(self._pending_pts)
            row += 1
        if row > first:
            self.pixels[first:row] = self._maker.make(self._pending) if self._pending is not None else 0

    def frames(self) -> Frames:
        """The finished view."""
        times_s = [float(pts * self._time_base - self._start_s) if pts is not None else 0.0 for pts in self.chosen]
        mask = np.array([pts is not None for pts in self.chosen], dtype=bool)
        return Frames(self.pixels, np.array(times_s, dtype=np.float64), mask)
