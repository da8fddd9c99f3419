"""Which samples of the timeline a view wants: all of them from the start, or an excerpt around the track's middle."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from transforms.views import SoundView


@dataclass(frozen=True)
class Window:
    """A part of the timeline in samples of one rate, half-open.

    Attributes
    ----------
    first, end: numbers of samples; ``end_s``: the second at which it ends (``end`` is that, rounded to a sample).
    """

    first: int
    end: int
    end_s: float
    rate_hz: int

    def __len__(self) -> int:
        return self.end - self.first

    def clip_s(self, start_s: float, end_s: float) -> tuple[float, float]:
        """The part of [start_s, end_s) inside of the window; two equal times where nothing is."""
        lowest_s = self.first / self.rate_hz
        end_s = max(lowest_s, min(end_s, self.end_s))
        return min(max(start_s, lowest_s), end_s), end_s


def window(view: SoundView, duration_s: Fraction, track_s: tuple[Fraction, Fraction]) -> Window:
    """The samples of a view.

    An excerpt of w of the track's n samples begins at the (n - w) // 2-th, as VM-NET's extractor slices (code).

    Parameters
    ----------
    duration_s: of the timeline.
    track_s: where on the timeline the sound track begins and ends, as its packets declare it.
    """
    rate_hz = view.rate_hz
    cut_s = duration_s if view.max_s is None or view.max_s >= duration_s else Fraction(view.max_s)
    if view.excerpt_s is None:
        return Window(0, round(cut_s * rate_hz), float(cut_s), rate_hz)
    start_s = min(max(track_s[0], Fraction(0)), cut_s)
    end_s = min(max(track_s[1], start_s), cut_s)
    first, end = round(start_s * rate_hz), round(end_s * rate_hz)
    if start_s < end_s:
        end = max(end, first + 1)  # a track that is shorter than a sample of this rate has one all the same
    wanted = int(view.excerpt_s * rate_hz)
    if end - first > wanted:
        first += (end - first - wanted) // 2
        end = first + wanted
    return Window(first, end, end / rate_hz, rate_hz)
