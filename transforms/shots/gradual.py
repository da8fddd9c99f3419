"""Dissolves, and fades through black or white, among the pictures between two cuts.

A dissolve is told by what it is: between picture A and picture B, which show different things, every picture is
close to a mixture A + alpha (B - A) whose alpha grows step by step. That is asked of tiny pictures (9 x 16), where
motion within the two scenes hardly shows. A pan or a zoom is no such mixture; a change of light is one, but both of
its ends show the same thing.

A fade out to black (or white) and in again is one boundary, in the middle of the black, if the scenes differ. A fade
in at a clip's start or a fade out at its end is none. Constants are ours, set on synthesised clips (see the docs).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from transforms.shots import kernels
from transforms.shots.detector import Boundary, Picture
from transforms.shots.histogram import distance
from transforms.views import ShotView

#: Pictures that are looked back on, and the windows among them in which a dissolve is looked for.
MEMORY = 64
WINDOWS = (10, 16, 24, 36, 50, 63)

#: Looked for at every so manyth picture.
EVERY = 4

#: Faster clips are thinned out to this spacing (about 30 pictures a second), so that the memory spans two seconds.
SPACING_S = 0.0245

#: A dissolve is over when this many pictures are nearly B.
TAIL = 4

#: Least root mean square difference of A and B, in levels.
LEAST_CHANGE = 6.0

#: Least distance of their histograms; below the second one scenes of like colours have to pass a stricter test.
LEAST_APART, SURELY_APART = 0.08, 0.35

#: Alpha may fall by so much from one picture to the next, rise by so much, and be so far from growing evenly.
FALL, RISE, UNEVEN = 0.06, 0.42, 0.06

#: Between those alphas a picture counts as mixed; so many of them are needed.
MIXED, LEAST_MIXED = (0.08, 0.92), 3

#: Root mean square distance of the mixed pictures from the line, against that of A and B; and between like colours.
RESIDUAL, RESIDUAL_LIKE = 0.3, 0.12

#: Part of the greatest change among the windows that the window that is believed has to hold.
NEARLY_ALL = 0.9

#: Correlation of A and B from which on they show the same thing, as pictures (between like colours: the second one) and
#: with their brightness.
SAME, SAME_LIKE, SAME_LIGHT = 0.8, 0.6, 0.985

#: Below this correlation two pictures are not one in another light, unless luma deviates by less than so many levels.
UNLIKE, FLAT = 0.5, 4.0

#: Luma of the whole tiny picture below or above which it is black or white, and how far chroma may be from 128.
BLACK, WHITE, COLOURLESS = 40, 220, 12

#: A scene that is faded out or in leaves black or white by so many levels of mean luma.
LIT = 24.0

#: It has faded in when mean luma moves by less than this many levels in ``TAIL`` pictures.
SETTLED = 2.0

#: Falling into black or white by more than this part of the way in one picture is no fade.
ABRUPT = 0.6


class _Seen(NamedTuple):
    frame: int
    time_s: float
    tiny: np.ndarray
    histogram: np.ndarray
    blank: bool
    luma: float


class _Mixture(NamedTuple):
    """A dissolve: its window, the squared change, and how many pictures back it begins and ends."""

    window: int
    change: float
    begins: int
    ends: int


class Gradual:
    """Takes the pictures one by one; :meth:`finish` is called before a cut and at the end.

    Both return the boundaries that are over, each with the time of its frame.
    """

    def __init__(self, view: ShotView) -> None:
        self._threshold, self._surely = max(LEAST_APART, view.threshold), max(SURELY_APART, view.threshold)
        self._seen: deque[_Seen] = deque(maxlen=MEMORY)
        self._count = 0
        self._open: _Seen | None = None
        self._fade = _Fade(self._surely)

    def push(self, picture: Picture) -> list[tuple[Boundary, float]]:
        """The next picture."""
        if self._seen and picture.time_s - self._seen[-1].time_s < SPACING_S:
            return []
        self._seen.append(_look(picture))
        self._count += 1
        was_fading = self._fade.fading
        told = self._fade.push(self._seen)
        if self._fade.fading:
            return []
        if was_fading:
            # What fades in is no scene to dissolve from.
            self._seen.clear()
            return [told] if told else []
        return self._look_back(over=False) if self._count % EVERY == 0 else []

    def finish(self) -> list[tuple[Boundary, float]]:
        """A cut or the end is here."""
        found = [] if self._fade.fading else self._look_back(over=True)
        self._seen.clear()
        self._open = None
        self._fade = _Fade(self._surely)
        return found

    def _look_back(self, over: bool) -> list[tuple[Boundary, float]]:
        seen = self._seen
        found = [mixed for window in WINDOWS if window < len(seen) and (mixed := self._mixture(window))]
        if not found:
            self._open = None
            return []
        # The smallest of the windows that hold nearly all of the change: in it the scenes have moved least.
        most = max(one.change for one in found)
        best = next(one for one in found if one.change >= NEARLY_ALL * most)
        start = seen[len(seen) - 1 - best.begins]
        if self._open and best.begins >= best.window - 1:
            start = min(self._open, start)
        if best.ends < TAIL - 1 and not over:
            self._open = start
            return []
        end = seen[len(seen) - 1 - best.ends]
        half = (start.frame + end.frame) / 2
        middle = min(seen, key=lambda one: abs(one.frame - half))
        self._open = None
        seen.clear()
        return [(Boundary(middle.frame, (start.frame, end.frame)), middle.time_s)]

    def _mixture(self, window: int) -> _Mixture | None:
        """The dissolve within the last so many pictures; None: there is none."""
        seen = self._seen
        a, b = seen[-1 - window], seen[-1]
        change = b.tiny - a.tiny
        power = float(change @ change)
        if power < LEAST_CHANGE**2 * change.size or a.blank or b.blank:
            return None
        change_of_colours = distance(a.histogram, b.histogram)
        like = change_of_colours < self._surely
        if change_of_colours < self._threshold or _same(a.tiny, b.tiny, SAME_LIKE if like else SAME):
            return None
        apart = np.stack([seen[index].tiny for index in range(-1 - window, 0)]) - a.tiny
        alphas = apart @ change / power
        inside = np.flatnonzero((alphas > MIXED[0]) & (alphas < MIXED[1]))
        if len(inside) < LEAST_MIXED or inside[-1] - inside[0] >= len(inside):
            return None
        first, last = int(inside[0]), int(inside[-1])
        steps = np.diff(alphas[first - 1 : last + 2])
        if steps.min() < -FALL or steps.max() > RISE:
            return None
        off = np.einsum("ij,ij->i", apart, apart)[inside] / power - alphas[inside] ** 2
        if off.mean() > (RESIDUAL_LIKE if like else RESIDUAL) ** 2:
            return None
        slope, level = np.polyfit(inside, alphas[inside], 1)
        if slope <= 0 or np.abs(level + slope * inside - alphas[inside]).max() > UNEVEN:
            return None
        # Where the line is 0 and 1.
        begins, ends = window + level / slope, window - (1 - level) / slope
        return _Mixture(window, power, min(window, max(0, round(begins))), min(window, max(0, int(ends))))


class _Fade:
    """Watches for black or white, and between two scenes that fade into it and out of it for the boundary.

    Attributes
    ----------
    fading: from black or white until the picture has settled; also at first, as a clip may begin while it fades in.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self.fading = True
        self._before: _Seen | None = None
        self._blank: deque[_Seen] = deque(maxlen=MEMORY)
        self._waited = 0

    def push(self, seen: deque[_Seen]) -> tuple[Boundary, float] | None:
        """The last of ``seen`` is new; the boundary is told when the second scene has settled."""
        now = seen[-1]
        if now.blank:
            if not self.fading:
                self._before = _faded_out(seen)
                self._blank.clear()
            self.fading = True
            self._waited = 0
            self._blank.append(now)
            return None
        if not self.fading:
            return None
        self._waited += 1
        if self._waited < MEMORY and not self._is_settled(seen):
            return None
        before, self._before, self.fading = self._before, None, False
        if before is None or abs(now.luma - self._blank[-1].luma) < LIT:
            return None
        if distance(before.histogram, now.histogram) < self._threshold or _same(before.tiny, now.tiny):
            return None
        middle = self._blank[len(self._blank) // 2]
        return Boundary(middle.frame, (before.frame, now.frame)), middle.time_s

    def _is_settled(self, seen: deque[_Seen]) -> bool:
        if self._waited <= TAIL or len(seen) <= TAIL:
            return False
        from_white = bool(self._blank) and self._blank[-1].luma > WHITE
        gained = seen[-1].luma - seen[-1 - TAIL].luma
        return (-gained if from_white else gained) < SETTLED


def _faded_out(seen: deque[_Seen]) -> _Seen | None:
    """The last picture of the scene that has just faded to black or white; None: it went at once, or was none."""
    now, earlier = seen[-1], list(seen)[:-1]
    depths = [abs(one.luma - now.luma) for one in earlier]
    if not depths or max(depths) < LIT or depths[-1] > ABRUPT * max(depths):
        return None
    return [one for one, depth in zip(earlier, depths, strict=True) if depth >= 0.97 * max(depths)][-1]


def _look(picture: Picture) -> _Seen:
    mean = kernels.level(picture.tiny)
    blank = (mean <= BLACK or mean >= WHITE) and _is_blank(picture.tiny)
    return _Seen(picture.frame, picture.time_s, picture.tiny.astype(np.float64).ravel(), picture.histogram, blank, mean)


def _is_blank(tiny: np.ndarray) -> bool:
    luma = tiny[..., 0]
    colour = np.abs(tiny[..., 1:].astype(np.int16) - 128).max()
    return bool((luma.max() <= BLACK or luma.min() >= WHITE) and colour <= COLOURLESS)


def _same(a: np.ndarray, b: np.ndarray, limit: float = SAME) -> bool:
    """Whether two tiny pictures show the same thing, if at another brightness."""
    alike = likeness(a, b)
    if alike > limit:
        return True
    if alike < UNLIKE and min(a[::3].std(), b[::3].std()) > FLAT:
        return False
    # As light, more or less of it between black or white and the picture.
    for luma in (16.0, 235.0):
        blank = np.tile([luma, 128.0, 128.0], a.size // 3)
        if _cosine(a - blank, b - blank) > SAME_LIGHT:
            return True
    return False


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of the luma of two tiny pictures (of any shape), -1 to 1; 0 where one of them is flat."""
    shape_a, shape_b = (one.ravel()[::3].astype(np.float64) for one in (a, b))
    return _cosine(shape_a - shape_a.mean(), shape_b - shape_b.mean())


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else 0.0
