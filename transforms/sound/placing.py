"""Where on the clip's timeline a decoded frame of sound lies, in samples at the track's own rate."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

#: Timestamps that stray less than this are rounding of the container, more is a gap or an overlap (ours; Matroska
#: rounds to 1 ms, an AAC frame of 1024 samples lasts 21 ms).
JITTER_S = 0.020


class Placer:
    """Follows the timestamps of frames: silence in gaps, overlaps cut, nothing before second 0.

    Parameters
    ----------
    start_s: of the timeline, on the container's clock; ``rate_hz``, ``time_base``: of the frames.
    entered: where decoding was entered in the middle of the track, in samples from the timeline's start.

    Attributes
    ----------
    first: where the track begins, in samples from the timeline's start, or was entered; None before there is any.
    """

    def __init__(self, start_s: Fraction, rate_hz: int, time_base: Fraction | None, entered: int | None = None) -> None:
        self.first = entered
        self._placed = False
        # pts -> samples in whole numbers, (pts * factor - offset) / divisor: fractions would take longer than the rest.
        tick_s = time_base or Fraction(0)
        self._timed = time_base is not None
        self._divisor = tick_s.denominator * start_s.denominator
        self._factor = tick_s.numerator * start_s.denominator * rate_hz
        self._offset = start_s.numerator * tick_s.denominator * rate_hz
        self._jitter = JITTER_S * rate_hz * self._divisor

    def place(self, frame: AudioFrame, position: int) -> tuple[int, int]:
        """How many samples of silence precede a frame, and how many of its own are cut from its start.

        Parameters
        ----------
        position: samples on the timeline so far.
        """
        silence = cut = 0
        if frame.pts is not None and self._timed:
            time = frame.pts * self._factor - self._offset
            if not self._placed or abs(time - position * self._divisor) > self._jitter:
                ahead = round(Fraction(time, self._divisor)) - position
                silence, cut = max(0, ahead), min(max(0, -ahead), frame.samples)
        if frame.samples > cut:
            self._placed = True
            if self.first is None:
                self.first = position + silence
        return silence, cut
