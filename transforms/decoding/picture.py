"""One coded picture to an upright RGB one, squeezed into a square or keeping its aspect.

swscale works in its bit-exact mode, so that the same pixels come out whatever vector instructions a machine has.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

RESIZERS = ("swscale-bilinear", "rgb-antialias")
#: Longer side over shorter side of a picture that keeps its aspect, at most (ours).
LONGEST = 4


class PictureMaker:
    """Converts pictures for one view; reuses swscale's tables from picture to picture.

    Parameters
    ----------
    size_px: side of the square.
    resizer: ``swscale-bilinear`` scales and converts in one step from the coded picture (bilinear with a support that
        widens when shrinking); ``rgb-antialias`` converts at full size with full chroma, then OpenCV's INTER_AREA along
        each axis that shrinks and INTER_LINEAR along each that grows.
    """

    def __init__(self, size_px: int, resizer: str) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        if resizer not in RESIZERS:
            raise ValueError(f"unknown resizer {resizer!r}; known: {', '.join(RESIZERS)}")
        self.size_px = size_px
        self.resizer = resizer
        self._reformatter = VideoReformatter()
        self._flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        if resizer == "rgb-antialias":
            self._flags |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP

    def make(self, frame: VideoFrame) -> np.ndarray:
        """uint8 [size, size, 3], upright."""
        size = self.size_px
        if self.resizer == "rgb-antialias":
            full = self._reformatter.reformat(frame, format="rgb24", interpolation=self._flags, threads=1)
            picture = shrink(full.to_ndarray(), size)
        else:
            small = self._reformatter.reformat(frame, size, size, "rgb24", interpolation=self._flags, threads=1)
            picture = small.to_ndarray()
        return upright(picture, display_matrix(frame))


class PictureShrinker:
    """Converts pictures of a clip to one size of their own aspect; reuses swscale's tables from picture to picture.

    Parameters
    ----------
    short_px: their shorter side; a smaller picture is not enlarged. The longer side is at most four times that.
    """

    def __init__(self, short_px: int) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._short_px = short_px
        self._reformatter = VideoReformatter()
        self._flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        self._target: tuple[int, int, Matrix] | None = None

    def make(self, frame: VideoFrame) -> np.ndarray:
        """uint8 [height, width, 3], upright; the first picture decides on size and orientation."""
        if self._target is None:
            scale = min(1.0, self._short_px / min(frame.width, frame.height))
            width, height = (
                max(1, min(round(side * scale), LONGEST * self._short_px)) for side in (frame.width, frame.height)
            )
            self._target = width, height, display_matrix(frame)
        width, height, matrix = self._target
        small = self._reformatter.reformat(frame, width, height, "rgb24", interpolation=self._flags, threads=1)
        return upright(small.to_ndarray(), matrix)


def shrink(picture: np.ndarray, size_px: int) -> np.ndarray:
    """uint8 [height, width, 3] to uint8 [size, size, 3], antialiased along each axis that shrinks."""
    import cv2

    height, width = picture.shape[:2]
    # cv2's INTER_AREA turns into plain linear unless both axes shrink: do them one by one.
    for now, target in ((width, (size_px, height)), (height, (size_px, size_px))):
        method = cv2.INTER_AREA if now >= size_px else cv2.INTER_LINEAR
        picture = cv2.resize(picture, target, interpolation=method)
    return picture


Matrix = tuple[int, int, int, int]
IDENTITY: Matrix = (1, 0, 0, 1)


def display_matrix(frame: VideoFrame) -> Matrix:
    """(a, b, c, d) of the display matrix, a coded point (x, y) being shown at (a x + c y, b x + d y)."""
    if not len(frame.side_data):  # the common case, without building the enum's lookup
        return IDENTITY
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return IDENTITY
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data))
    return a, b, c, d


def orientation(matrix: Matrix) -> tuple[int, bool]:
    """(rotation, mirrored): what makes the picture upright is a left-right flip if mirrored, then a clockwise turn.

    Parameters
    ----------
    matrix: a display matrix; one that is not a multiple of 90 degrees is taken as the nearest.

    Returns
    -------
    rotation in degrees clockwise, one of 0, 90, 180, 270, and whether the picture is mirrored before the turn.
    """
    a, b, c, d = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        mirrored = (a < 0) != (d < 0)
        return (180 if d < 0 else 0), mirrored
    mirrored = (b < 0) == (c < 0)
    # Without a mirror, b > 0 means that the coded x axis points down when shown: a clockwise quarter turn.
    clockwise = (b > 0) != mirrored
    return (90 if clockwise else 270), mirrored


def upright(picture: np.ndarray, matrix: Matrix) -> np.ndarray:
    """Apply the display matrix to a picture [height, width, 3]; returns a view."""
    rotation_deg, mirrored = orientation(matrix)
    if mirrored:
        picture = picture[:, ::-1]
    return np.rot90(picture, k=-rotation_deg // 90)
