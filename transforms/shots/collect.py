"""Cuts a clip into shots while its pictures come out of the decoder, and keeps the few that stand for each shot.

Nothing is decoded again: which picture of a shot differs most is known only when the shot is over, so the best one so
far is held as the decoder gave it, and becomes RGB when the shot ends. A detector tells a cut a few pictures late, so
many are held back. It tells a dissolve when that is over: of the last pictures the best of each :data:`BLOCK` is held,
so that the shot before can be given its own best one from before the dissolve.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from transforms.decoding import plan
from transforms.decoding.picture import PictureShrinker
from transforms.shots import detectors
from transforms.shots.detector import Boundary, Picture
from transforms.shots.histogram import BINS, distance, histogram
from transforms.shots.reduce import small, tiny
from transforms.views import FIRST, KEY, Shots, ShotView

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

    from transforms.decoding.rows import Allocate

#: Pictures in a block, and blocks that are held apart: together longer than what detectors look back on (ours).
BLOCK, BLOCKS = 8, 16
#: Pictures that are looked at in one go, at most, and pixels from which on no more are waited for: the decoder empties
#: the cache between any two (measured: the first one of a batch takes three times as long as the others).
BATCH, BATCH_PX = 32, 1 << 21
#: Larger pictures are made small when they are held, or 16 of them would take gigabytes (ours: 4K still is held).
LARGE_PX = 9 << 20
#: Pictures of a shot whose histograms are kept one by one, so that a dissolve can divide them (ours).
RECENT = 1024


class _Held(NamedTuple):
    """A picture as it was decoded, or already as it is handed on."""

    frame: int
    time_s: float
    difference: float
    picture: VideoFrame | np.ndarray


class _Seen(NamedTuple):
    """What is remembered of every picture."""

    frame: int
    time_s: float
    difference: float
    histogram: np.ndarray


@dataclass
class _Chosen:
    """A picture that stands for a shot."""

    frame: int
    time_s: float
    difference: float
    picture: np.ndarray


@dataclass
class _Shot:
    """The shot that is going on.

    Attributes
    ----------
    settled: pictures before this one do not stand for it.
    total, count: sum of the histograms that are no longer in ``seen``, and of how many pictures.
    blocks: the most different picture of each block, the oldest one of everything before.
    """

    start: int
    start_s: float
    jump: float
    gradual_s: tuple[float, float]
    settled: int
    first: _Chosen | None = None
    seen: deque[_Seen] = field(default_factory=deque)
    total: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    count: int = 0
    blocks: deque[_Held] = field(default_factory=deque)


@dataclass
class _Done:
    """A shot that is over."""

    shot: _Shot
    end: int
    histogram: np.ndarray
    chosen: tuple[_Chosen, _Chosen]


class Collector:
    """Takes pictures in the order of their pts.

    Parameters
    ----------
    view: what is asked for.
    start_s, duration_s: of the clip, exact; ``time_base``: of the picture stream.
    allocate: makes the arrays of the result.
    """

    def __init__(
        self, view: ShotView, start_s: Fraction, duration_s: Fraction, time_base: Fraction, allocate: Allocate
    ) -> None:
        self._detector = detectors.make(view)
        if self._detector.wants_bgr:
            import cv2

            cv2.setNumThreads(1)  # a thread for each decode; waking others takes longer than halving a picture
        self._shrinker = PictureShrinker(view.short_px)
        self._allocate = allocate
        self._end_s = duration_s if math.isinf(view.max_s) else min(duration_s, plan.exact(view.max_s))
        # Times as integers over one denominator: fractions take as long as a small picture.
        self._parts = math.lcm(start_s.denominator, time_base.denominator, self._end_s.denominator)
        self._tick, self._start, self._end = (int(one * self._parts) for one in (time_base, start_s, self._end_s))
        self._count = 0
        self._arrived: list[tuple[float, VideoFrame]] = []
        self._arrived_px = 0
        self._latest: np.ndarray | None = None
        self._waiting: deque[tuple[_Held, np.ndarray]] = deque()
        self._boundaries: deque[Boundary] = deque()
        self._shot: _Shot | None = None
        self._last: _Held | None = None
        self._finished: list[_Done] = []
        self.done = False
        #: The last tick at which a picture may be shown.
        self.last_tick = math.floor((start_s + self._end_s) / time_base)

    def push(self, pts: int, frame: VideoFrame) -> None:
        """The next picture; its pts is not before the last one's."""
        time = pts * self._tick - self._start
        if self.done or (self._count and time >= self._end):
            self.done = True
            return
        self._arrived.append((time / self._parts, frame))
        self._arrived_px += frame.width * frame.height
        self._count += 1
        if len(self._arrived) == BATCH or self._arrived_px >= BATCH_PX:
            self._look()

    def _look(self) -> None:
        """Look at the pictures that have arrived: several at once, so that what this needs is still in the cache."""
        first = self._count - len(self._arrived)
        for number, (time_s, frame) in enumerate(self._arrived, first):
            planes = small(frame)
            found = histogram(planes)
            difference = distance(self._latest, found) if self._latest is not None else 0.0
            bgr = _as_scenedetect_sees(frame) if self._detector.wants_bgr else None
            self._latest = found
            self._waiting.append((_Held(number, time_s, difference, frame), found))
            for boundary in self._detector.push(Picture(number, time_s, found, difference, tiny(planes), bgr)):
                self._cut(boundary)
            while len(self._waiting) > self._detector.delay:
                self._take()
        self._arrived.clear()
        self._arrived_px = 0

    def finish(self) -> None:
        """No picture follows."""
        self._look()
        for boundary in self._detector.finish():
            self._cut(boundary)
        while self._waiting:
            self._take()
        if self._shot is not None:
            self._close(self._count)
        self._shot = self._last = None

    # -- boundaries ------------------------------------------------------------------------------------------------

    def _cut(self, boundary: Boundary) -> None:
        """A boundary at a picture that is still to be taken, or at one that was taken already."""
        if self._waiting and boundary.frame >= self._waiting[0][0].frame:
            self._boundaries.append(boundary)
        else:
            self._divide(boundary)

    def _take(self) -> None:
        """The oldest waiting picture goes to the shot that it belongs to."""
        held, found = self._waiting.popleft()
        boundary = None
        while self._boundaries and self._boundaries[0].frame <= held.frame:
            boundary = self._boundaries.popleft()
        if self._shot is None:
            self._shot = _Shot(held.frame, held.time_s, 0.0, (held.time_s, held.time_s), held.frame)
        elif boundary is not None:
            gradual_s = self._span_s(boundary, held)
            self._close(held.frame, boundary.span[0])
            self._shot = _Shot(held.frame, held.time_s, held.difference, gradual_s, boundary.span[1])
        shot = self._shot
        shot.seen.append(_Seen(held.frame, held.time_s, held.difference, found))
        if len(shot.seen) > RECENT:
            shot.total += shot.seen.popleft().histogram
            shot.count += 1
        if shot.first is None and held.frame >= shot.settled:
            shot.first = self._chosen(held)
        elif shot.first is not None:
            self._offer(shot, held)
        self._last = held

    def _offer(self, shot: _Shot, held: _Held) -> None:
        """A picture that may stand for the shot as its most different one; the earliest of equals stays."""
        blocks = shot.blocks
        if blocks and blocks[-1].frame // BLOCK == held.frame // BLOCK:
            if held.difference > blocks[-1].difference:
                blocks[-1] = self._kept(held)
            return
        blocks.append(self._kept(held))
        if len(blocks) > BLOCKS:
            oldest, next_oldest = blocks.popleft(), blocks.popleft()
            blocks.appendleft(next_oldest if next_oldest.difference > oldest.difference else oldest)

    def _kept(self, held: _Held) -> _Held:
        large = not isinstance(held.picture, np.ndarray) and held.picture.width * held.picture.height > LARGE_PX
        return held._replace(picture=self._picture(held)) if large else held

    def _divide(self, boundary: Boundary) -> None:
        """A shot began at a picture that was taken already, as after a dissolve."""
        shot = self._shot
        seen = {each.frame: each for each in shot.seen} if shot is not None else {}
        if shot is None or boundary.frame <= shot.start or boundary.frame not in seen:
            return  # told too late to be of use
        at = seen[boundary.frame]
        later = deque(each for each in shot.seen if each.frame >= at.frame)
        gradual_s = self._span_s(boundary, at)
        for _ in later:
            shot.seen.pop()
        self._close(at.frame, boundary.span[0])
        self._shot = _Shot(at.frame, at.time_s, at.difference, gradual_s, boundary.span[1], seen=later)

    def _span_s(self, boundary: Boundary, at: _Seen | _Held) -> tuple[float, float]:
        """When the dissolve begins and ends; twice the time of the boundary, ``at``, for a cut."""
        seen = self._shot.seen if self._shot is not None else ()
        times = {each.frame: each.time_s for each in seen} | {held.frame: held.time_s for held, _ in self._waiting}
        start_s, end_s = (times.get(frame, at.time_s) for frame in boundary.span)
        return start_s, end_s

    def _close(self, end: int, settled_end: int | None = None) -> None:
        """The shot is over before picture ``end``; what comes from ``settled_end`` on does not stand for it."""
        shot = self._shot
        assert shot is not None
        last = self._last
        if shot.first is None and last is not None:
            shot.first = self._chosen(last)  # over before it had settled
        assert shot.first is not None
        key = shot.first
        best: _Held | None = None
        for held in shot.blocks:
            inside = held.frame < (end if settled_end is None else min(end, settled_end))
            if inside and (best is None or held.difference > best.difference):
                best = held
        if best is not None:
            key = self._chosen(best)
        total = shot.total + np.sum([each.histogram for each in shot.seen], axis=0, dtype=np.float64)
        mean = (total / (shot.count + len(shot.seen))).astype(np.float32)
        self._finished.append(_Done(shot, end, mean, (shot.first, key)))

    def _chosen(self, held: _Held) -> _Chosen:
        return _Chosen(held.frame, held.time_s, held.difference, self._picture(held))

    def _picture(self, held: _Held) -> np.ndarray:
        return held.picture if isinstance(held.picture, np.ndarray) else self._shrinker.make(held.picture)

    # -- result ----------------------------------------------------------------------------------------------------

    def shots(self) -> Shots:
        """The finished view."""
        done, count = self._finished, len(self._finished)
        height, width = done[0].chosen[FIRST].picture.shape[:2] if done else (1, 1)
        pictures = self._allocate((count, 2, height, width, 3), np.uint8)
        for row, each in enumerate(done):
            pictures[row, FIRST], pictures[row, KEY] = each.chosen[FIRST].picture, each.chosen[KEY].picture
        starts_s = np.array([each.shot.start_s for each in done], dtype=np.float64)
        last_s = max(float(self._end_s), done[-1].shot.start_s) if done else 0.0
        histograms = [each.histogram for each in done]
        return Shots(
            first_frames=np.array([each.shot.start for each in done], dtype=np.int64),
            end_frames=np.array([each.end for each in done], dtype=np.int64),
            starts_s=starts_s,
            ends_s=np.append(starts_s[1:], [last_s] if done else []),
            gradual_s=np.array([each.shot.gradual_s for each in done], dtype=np.float64).reshape(count, 2),
            jumps=np.array([each.shot.jump for each in done], dtype=np.float32),
            histograms=np.array(histograms, dtype=np.float32).reshape(count, BINS),
            frames=np.array([[c.frame for c in each.chosen] for each in done], dtype=np.int64).reshape(count, 2),
            times_s=np.array([[c.time_s for c in each.chosen] for each in done], dtype=np.float64).reshape(count, 2),
            differences=np.array([[c.difference for c in each.chosen] for each in done], np.float32).reshape(count, 2),
            pictures=pictures,
        )


def _as_scenedetect_sees(frame: VideoFrame) -> np.ndarray:
    """uint8 [height, width, 3], BGR: as PySceneDetect's SceneManager hands pictures to its detectors."""
    import cv2
    from scenedetect.scene_manager import compute_downscale_factor

    full = frame.to_ndarray(format="bgr24")
    factor = compute_downscale_factor(max(frame.width, frame.height))
    if factor <= 1:
        return full
    size = (max(1, round(frame.width / factor)), max(1, round(frame.height / factor)))
    return cv2.resize(full, size, interpolation=cv2.INTER_LINEAR)
