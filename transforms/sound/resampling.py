"""From the track's rate to a view's with soxr HQ, block by block, and only as much of the track as the view wants.

soxr gives the same bits however its input is cut into blocks. An excerpt is resampled from a sample of the track that
falls on one of the view's rate, so that the filter has the same phases as over the whole track, and some time ahead of
the first wanted sample, so that the filter does not notice that something is missing. What remains is float32's
rounding, below 1e-6 of full scale. (For a few pairs of odd rates, such as 22,050 and 14,440 Hz, soxr rounds its clock:
the whole track drifts by 2e-6 samples a second there, an excerpt by so much less.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from transforms.sound.window import Window
from transforms.views import SoundView

if TYPE_CHECKING:
    from soxr import ResampleStream

Allocate = Callable[[tuple[int, ...], type], np.ndarray]

#: Samples ahead of an excerpt, at the lower one of two rates (ours; the impulse response of soxr HQ is over after 100).
LEAD = 200


class Listener:
    """Takes the track's samples in order and keeps a view's.

    Parameters
    ----------
    window: what the view wants; ``track_hz``: the rate of the track.
    allocate: makes zeroed arrays.

    Attributes
    ----------
    samples: float32 [len(window)], silent where the track has no sample.
    begins: the first sample of the track that is wanted.
    noticed: whether a decoded sample of the track falls into the window; all else is silence that fills gaps.
    """

    def __init__(self, view: SoundView, window: Window, track_hz: int, allocate: Allocate) -> None:
        self.view, self.window = view, window
        self.samples = allocate((len(window),), np.float32)
        self._filled = 0
        self.noticed = False
        self._bounds = window.first * track_hz, window.end * track_hz
        steps = _steps(view, window, track_hz)
        self._stages = [_Stage(step) for step in steps]
        self.begins = steps[0].begins if steps else window.first

    @property
    def full(self) -> bool:
        """Whether every wanted sample is there."""
        return self._filled == len(self.samples)

    def hear(self, begins: int, block: np.ndarray) -> None:
        """The next samples of the track, float32, and the first one's number on the timeline."""
        block = block[max(0, self.begins - begins) :]
        if len(block) and not self.full:
            self._take(block, last=False)

    def notice(self, begins: int, ends: int) -> None:
        """Samples [begins, ends) of the track were decoded."""
        if not self.noticed:
            first, end = self._bounds
            self.noticed = begins * self.window.rate_hz < end and ends * self.window.rate_hz > first

    def finish(self) -> None:
        """The track is over."""
        if self._stages and not self.full:
            self._take(np.zeros(0, dtype=np.float32), last=True)

    def _take(self, block: np.ndarray, last: bool) -> None:
        for stage in self._stages:
            block = stage.resample(block, last)
        block = block[: len(self.samples) - self._filled]
        self.samples[self._filled : self._filled + len(block)] = block
        self._filled += len(block)


def begins(view: SoundView, window: Window, track_hz: int) -> int:
    """The first sample of the track that a view wants."""
    steps = _steps(view, window, track_hz)
    return steps[0].begins if steps else window.first


class _Step(NamedTuple):
    """From one rate to another.

    ``begins``: number of the first sample at ``from_hz`` that goes in, the aligned one before the first wanted one;
    ``surplus``: how many samples at ``to_hz`` come out before that.
    """

    from_hz: int
    to_hz: int
    begins: int
    surplus: int


def _steps(view: SoundView, window: Window, track_hz: int) -> list[_Step]:
    """From the track's rate to the view's; none where they are the same."""
    rates = [track_hz]
    for rate_hz in (view.via_hz, view.rate_hz):
        if rate_hz is not None and rate_hz != rates[-1]:
            rates.append(rate_hz)
    steps: list[_Step] = []
    wanted = window.first
    for from_hz, to_hz in reversed(list(pairwise(rates))):
        common = math.gcd(from_hz, to_hz)
        lead = math.ceil(LEAD * to_hz / min(from_hz, to_hz))
        periods = max(0, wanted - lead) // (to_hz // common)
        first = periods * (from_hz // common)
        steps.insert(0, _Step(from_hz, to_hz, first, wanted - periods * (to_hz // common)))
        wanted = first
    return steps


class _Stage:
    """One resampler."""

    def __init__(self, step: _Step) -> None:
        import soxr

        self._surplus = step.surplus
        self._soxr: ResampleStream = soxr.ResampleStream(step.from_hz, step.to_hz, 1, dtype="float32", quality="HQ")

    def resample(self, block: np.ndarray, last: bool) -> np.ndarray:
        """What comes out, from the first wanted sample on."""
        made = self._soxr.resample_chunk(block, last)
        dropped = min(self._surplus, len(made))
        self._surplus -= dropped
        return made[dropped:]
