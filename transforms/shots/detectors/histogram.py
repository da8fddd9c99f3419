"""Our detector: a jump of the colour histogram that stands out from its neighbours and is there to stay.

DPVM (Gu, Shen, Lv; Sensors 23(2):805, 2023) cuts where neighbouring pictures differ in their colour histograms and
leaves the rule open. Ours: picture t begins a shot where

* its difference is at least ``threshold`` (and ``floor``);
* and at least ``ratio`` times the mean difference of the ``window`` pictures on either side (as PySceneDetect's
  AdaptiveDetector has it), so that motion, shaking and fades make none; so is the change of the tiny picture, which
  is finer than any bin: thus the least difference can be low enough for cuts between pictures of like colours;
* and below ``SURE`` the tiny pictures before and after are not the same shapes in other colours (a coder's key picture
  often shifts colours a little);
* and the histogram is not back where it was after up to ``flash_frames`` pictures, nor returns here from so short a
  change: flashes make none, neither as they come nor as they go;
* and the last boundary, or the clip's start, is ``min_length_s`` away: of two boundaries closer than that the first
  is kept.

What the clip does not hold (neighbours before its start or after its end) is left out. Where the view asks for
dissolves, :mod:`transforms.shots.gradual` watches the pictures between cuts.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from transforms.shots import kernels
from transforms.shots.detector import Boundary, Detector, Picture
from transforms.shots.gradual import Gradual, likeness
from transforms.shots.histogram import distance
from transforms.views import ShotView

#: A flash is over when the histogram is nearer to where it was than this part of the jump (ours; see the docs).
BACK = 0.5

#: Below this difference the shapes must have changed, too: luma's correlation stays below ``SAME_SHAPE`` (ours).
SURE, SAME_SHAPE = 0.3, 0.97

#: Times are rounded: shots this much shorter than the minimum still have it.
SLACK_S = 1e-6


def make(view: ShotView) -> Detector:
    """A fresh detector."""
    return HistogramDetector(view)


class _Waiting(NamedTuple):
    """A picture, and the summed change of its tiny picture."""

    picture: Picture
    change: int


class HistogramDetector:
    """See the module. A cut at picture t is told when t + ``delay`` comes."""

    wants_bgr = False

    def __init__(self, view: ShotView) -> None:
        self.delay = max(view.window, view.flash_frames)
        self._view = view
        self._gradual = Gradual(view) if view.gradual else None
        # The pictures around the one that is decided on, which is the first of ``_later``.
        self._before: deque[_Waiting] = deque(maxlen=max(view.window, view.flash_frames) + 1)
        self._later: deque[_Waiting] = deque()
        self._previous: Picture | None = None
        self._last_s: float | None = None

    def push(self, picture: Picture) -> list[Boundary]:
        """The next picture."""
        if self._previous is None:
            self._last_s, change = picture.time_s, 0
        else:
            change = kernels.change(picture.tiny, self._previous.tiny)
        self._previous = picture
        self._later.append(_Waiting(picture, change))
        return self._decide() if len(self._later) > self.delay else []

    def finish(self) -> list[Boundary]:
        """No picture follows."""
        found = []
        while self._later:
            found += self._decide()
        return found + (self._told(self._gradual.finish()) if self._gradual else [])

    def _decide(self) -> list[Boundary]:
        """On the first of those that wait."""
        picture, found = self._later[0].picture, []
        if self._is_cut():
            if self._gradual:
                # A dissolve that ends in a cut is told first, but the cut is the surer of the two.
                found = self._told(self._gradual.finish(), before_s=picture.time_s)
            if self._is_long_enough(picture.time_s):
                self._last_s = picture.time_s
                found.append(Boundary(picture.frame, (picture.frame, picture.frame)))
        if self._gradual:
            found += self._told(self._gradual.push(picture))
        self._before.append(self._later.popleft())
        return found

    def _is_cut(self) -> bool:
        view, now = self._view, self._later[0]
        if not self._before or now.picture.difference < max(view.threshold, view.floor):
            return False
        before = list(self._before)[-view.window - 1 :]
        after = [self._later[step] for step in range(min(view.window + 1, len(self._later)))]
        if not self._stands_out(before[1:] if len(before) > view.window else before, after[1:]):
            calm = self._without_flashes(before) + self._without_flashes(after)
            if not self._stands_out(calm, []):
                return False
        if now.picture.difference < SURE and likeness(now.picture.tiny, self._before[-1].picture.tiny) > SAME_SHAPE:
            return False
        return not self._is_flash()

    def _stands_out(self, before: list[_Waiting], after: list[_Waiting]) -> bool:
        """Whether both changes are ``ratio`` times the mean of those around."""
        now, ratio = self._later[0], self._view.ratio
        # The first picture of a clip has no difference.
        around = [one for one in before + after if one.picture.frame > 0]
        if now.picture.difference * len(around) < ratio * sum(one.picture.difference for one in around):
            return False
        return now.change * len(around) >= ratio * sum(one.change for one in around)

    def _without_flashes(self, row: list[_Waiting]) -> list[_Waiting]:
        """A row of pictures but for its first, and but for those by which a flash comes, lasts and goes."""
        kept, index = [], 1
        while index < len(row):
            base, jump = row[index - 1].picture.histogram, row[index].picture.difference
            ends = range(index + 1, min(index + self._view.flash_frames + 1, len(row)))
            back = [end for end in ends if distance(base, row[end].picture.histogram) < BACK * jump]
            if jump >= self._view.threshold and back:
                index = back[0] + 1
            else:
                kept.append(row[index])
                index += 1
        return kept

    def _is_flash(self) -> bool:
        frames, now, before = self._view.flash_frames, self._later[0].picture, self._before[-1].picture
        near = BACK * now.difference
        after = [self._later[step].picture for step in range(1, min(frames + 1, len(self._later)))]
        if any(distance(before.histogram, one.histogram) < near for one in after):
            return True
        earlier = [one.picture for one in list(self._before)[-2 : -2 - frames : -1]]
        return any(distance(now.histogram, one.histogram) < near for one in earlier)

    def _is_long_enough(self, time_s: float) -> bool:
        return self._last_s is None or time_s - self._last_s >= self._view.min_length_s - SLACK_S

    def _told(self, dissolves: list[tuple[Boundary, float]], before_s: float | None = None) -> list[Boundary]:
        """Those dissolves that leave no shot too short, neither before them nor up to a cut at ``before_s``."""
        found = []
        for boundary, time_s in dissolves:
            room = before_s is None or before_s - time_s >= self._view.min_length_s - SLACK_S
            if room and self._is_long_enough(time_s):
                self._last_s = time_s
                found.append(boundary)
        return found
