"""A decoded picture averaged down to about a hundred pixels across, without a conversion of colours.

Every picture of a clip passes here, so the cost is what counts: the decoder's planes are read in place and halved
again and again by exactly two, which is what vector instructions do best; chroma joins where it has luma's size.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

#: Halved until the longer side is below this (ours: 64 to 127 pixels tell shots apart, and grain is gone).
LIMIT_PX = 128

#: Columns and rows of :func:`tiny` (ours: 16:9, the common shape).
TINY = (16, 9)

#: Below so many lines a picture that does not say its matrix is standard definition (ITU-R BT.601), else BT.709.
HD_LINES = 720


class Planes(NamedTuple):
    """A small picture.

    Attributes
    ----------
    luma, blue, red: uint8 [height, width] each, Y, Cb and Cr as coded.
    matrix: 601, 709 or 2020: how they come from red, green and blue.
    full: whether luma fills 0 to 255 rather than 16 to 235.
    """

    luma: np.ndarray
    blue: np.ndarray
    red: np.ndarray
    matrix: int
    full: bool


class _Layout(NamedTuple):
    """How a pixel format keeps its planes: chroma halved along x and y (0 or 1), bits a sample, chroma's place."""

    halved_x: int
    halved_y: int
    bits: int
    chroma: str
    full: bool


def _layouts() -> dict[str, _Layout]:
    known = {"nv12": _Layout(1, 1, 8, "pairs", False), "gray": _Layout(0, 0, 8, "none", True)}
    for name, (x, y) in {"420": (1, 1), "422": (1, 0), "444": (0, 0)}.items():
        known[f"yuvj{name}p"] = _Layout(x, y, 8, "planes", True)
        for suffix, bits in (("", 8), ("10le", 10), ("12le", 12)):
            known[f"yuv{name}p{suffix}"] = _Layout(x, y, bits, "planes", False)
    return known


#: Read in place; every other format goes through swscale.
LAYOUTS = _layouts()

#: ITU-T H.273 matrix coefficients; those that are not here are taken by the number of lines.
_MATRICES = {1: 709, 4: 601, 5: 601, 6: 601, 7: 709, 9: 2020, 10: 2020}

_BYTE, _WORD = np.dtype(np.uint8), np.dtype("<u2")

#: ITU-T H.273 by way of FFmpeg's AVColorRange.
_LIMITED, _FULL = 1, 2


def small(frame: VideoFrame) -> Planes:
    """The picture as coded (not turned upright), its longer side 64 to 127 pixels; smaller pictures stay as they are.

    A last odd row or column may be left out at each halving.
    """
    layout, planes = LAYOUTS.get(frame.format.name), frame.planes  # PyAV makes them anew whenever they are asked for
    if layout is None or any(plane.line_size <= 0 for plane in planes):
        return _converted(frame)
    width, height = frame.width, frame.height
    halvings_x, halvings_y = halvings(width, height)
    luma = _samples(planes[0], width, height, layout.bits)
    luma = _reduced(luma, halvings_x, halvings_y, layout.bits)
    if layout.chroma == "none":
        blue = red = np.full(luma.shape, 128, np.uint8)
    else:
        columns, rows = -(-width >> layout.halved_x), -(-height >> layout.halved_y)
        if layout.chroma == "pairs":
            pairs = _samples(planes[1], 2 * columns, rows, layout.bits)
            sources = [pairs[:, 0::2], pairs[:, 1::2]]
        else:
            sources = [_samples(plane, columns, rows, layout.bits) for plane in planes[1:3]]
        left_x, left_y = halvings_x - layout.halved_x, halvings_y - layout.halved_y
        blue, red = (_fitted(_reduced(one, left_x, left_y, layout.bits), luma.shape) for one in sources)
    return Planes(luma, blue, red, matrix_of(frame), _is_full(frame, layout.full))


def tiny(planes: Planes) -> np.ndarray:
    """uint8 [9, 16, 3]: luma and both chroma planes averaged over a grid."""
    import cv2

    return cv2.resize(cv2.merge(planes[:3]), TINY, interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=64)
def halvings(width: int, height: int) -> tuple[int, int]:
    """How often the width and the height are halved; neither goes below one pixel."""
    wanted = max(0, max(width, height).bit_length() - (LIMIT_PX.bit_length() - 1))
    return min(wanted, width.bit_length() - 1), min(wanted, height.bit_length() - 1)


def matrix_of(frame: VideoFrame) -> int:
    """601, 709 or 2020."""
    return _MATRICES.get(int(frame.colorspace), 709 if frame.height >= HD_LINES else 601)


def _is_full(frame: VideoFrame, usual: bool) -> bool:
    said = int(frame.color_range)
    return usual if said not in (_LIMITED, _FULL) else said == _FULL or frame.format.name.startswith("yuvj")


def _samples(plane: Any, columns: int, rows: int, bits: int) -> np.ndarray:
    """One of PyAV's planes in place: [rows, columns] of uint8, or of uint16 above 8 bits."""
    kind = _BYTE if bits == 8 else _WORD
    return np.ndarray((rows, columns), kind, plane, strides=(plane.line_size, kind.itemsize))


def _reduced(samples: np.ndarray, times_x: int, times_y: int, bits: int) -> np.ndarray:
    """Halved so many times (a negative number: doubled once), as uint8."""
    import cv2

    while times_x > 0 or times_y > 0:
        by_x, by_y = 1 + (times_x > 0), 1 + (times_y > 0)
        height, width = samples.shape[0] // by_y, samples.shape[1] // by_x
        samples = cv2.resize(samples[: height * by_y, : width * by_x], (width, height), interpolation=cv2.INTER_AREA)
        times_x, times_y = times_x - (by_x - 1), times_y - (by_y - 1)
    if times_x < 0:
        samples = samples.repeat(2, axis=1)
    if times_y < 0:
        samples = samples.repeat(2, axis=0)
    return samples if bits == 8 else (samples >> (bits - 8)).astype(np.uint8)


def _fitted(samples: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut to the shape of luma: chroma of an odd size is one row or column larger."""
    return samples[: shape[0], : shape[1]]


def _converted(frame: VideoFrame) -> Planes:
    """By way of swscale, whose bilinear filter averages as it shrinks, in its bit-exact mode."""
    from av.video.reformatter import Interpolation

    halvings_x, halvings_y = halvings(frame.width, frame.height)
    flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    shape = (frame.width >> halvings_x, frame.height >> halvings_y)
    planar = frame.reformat(*shape, format="yuv444p", interpolation=flags, threads=1)
    luma, blue, red = (_samples(plane, *shape, 8) for plane in planar.planes)
    return Planes(luma, blue, red, matrix_of(frame), False)
