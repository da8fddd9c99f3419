"""What a shot detector is, and the register of them: one file a method in ``transforms/shots/detectors``."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class Boundary(NamedTuple):
    """Where a shot begins.

    Attributes
    ----------
    frame: its first picture; of a dissolve the middle one.
    span: the dissolve's pictures, half-open; (frame, frame) for a cut.
    """

    frame: int
    span: tuple[int, int]


class Picture(NamedTuple):
    """One picture, as detectors see it.

    Attributes
    ----------
    frame: counted from 0 in the order of showing; ``time_s``: its pts, from the clip's start.
    histogram: float32 [128], see :mod:`transforms.shots.histogram`.
    difference: half the L1 distance to the histogram of the picture before, 0 to 1; 0 for the first.
    tiny: uint8 [9, 16, 3], the picture (luma and chroma planes) averaged over a grid.
    bgr: uint8 [height, width, 3], for detectors that ask for it (``wants_bgr``), else None.
    """

    frame: int
    time_s: float
    histogram: np.ndarray
    difference: float
    tiny: np.ndarray
    bgr: np.ndarray | None = None


class Detector(Protocol):
    """Takes pictures one by one and says where shots begin.

    Attributes
    ----------
    delay: a cut at picture t is told when t + ``delay`` comes, or before; a dissolve when it is over.
    wants_bgr: whether ``Picture.bgr`` is needed.
    """

    delay: int
    wants_bgr: bool

    def push(self, picture: Picture) -> list[Boundary]:
        """The next picture; returns the boundaries that have become certain, in order."""
        ...

    def finish(self) -> list[Boundary]:
        """No picture follows."""
        ...
