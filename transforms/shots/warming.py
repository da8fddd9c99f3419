"""Compiles the kernels of shots before decoders start that would each do it."""

from __future__ import annotations

import functools

from transforms import kernels
from transforms.shots.histogram import distance, histogram
from transforms.shots.kernels import FOLDER, change, level
from transforms.shots.reduce import small, tiny


@functools.cache
def warm() -> None:
    """Run every kernel, so that decoders find them compiled. Seconds once, then next to nothing.

    Raises
    ------
    OSError: what was compiled cannot be kept, because the disk is full.
    """
    kernels.warm(FOLDER, _run)


def _run() -> None:
    from av.video.frame import VideoFrame

    for kind in ("yuv420p", "yuv420p10le"):
        planes = small(VideoFrame(256, 144, kind))
        found = tiny(planes)
        change(found, found)
        level(found)
        distance(histogram(planes), histogram(planes))
