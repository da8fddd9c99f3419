"""A decoded picture averaged down to about a hundred pixels across, without a conversion of colours.

Every picture of a clip passes here, so the cost is what counts: the decoder's planes are read once, in place, and
averaged over blocks whose sides are powers of two; chroma joins where it has luma's size.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from transforms.shots import kernels

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

    Rows and columns beyond the last whole block are left out.
    """
    layout, planes = LAYOUTS.get(frame.format.name), frame.planes  # PyAV makes them anew whenever they are asked for
    if layout is None or any(plane.line_size <= 0 for plane in planes):
        return _converted(frame)
    width, height, full = frame.width, frame.height, _is_full(frame, layout.full)
    halved_x, halved_y = halvings(width, height)
    left_x, left_y = halved_x - layout.halved_x, halved_y - layout.halved_y
    shape, drop = (height >> halved_y, width >> halved_x), layout.bits - 8
    luma = _lines(planes[0], height, layout.bits)
    if layout.chroma == "none":
        grey = np.full(shape, 128, np.uint8)
        return Planes(_averaged(luma, halved_x, halved_y, drop, shape), grey, grey, matrix_of(frame), full)
    rows = -(-height >> layout.halved_y)
    if layout.chroma == "pairs":
        pairs = _lines(planes[1], rows, layout.bits)
        blue, red = np.ascontiguousarray(pairs[:, 0::2]), np.ascontiguousarray(pairs[:, 1::2])
    else:
        blue, red = _lines(planes[1], rows, layout.bits), _lines(planes[2], rows, layout.bits)
    if left_x < 0 or left_y < 0:
        small_luma = _averaged(luma, halved_x, halved_y, drop, shape)
        small_blue, small_red = (_averaged(one, left_x, left_y, drop, shape) for one in (blue, red))
    else:
        out = np.empty((3, *shape), np.uint8)
        sums = _sums(width, layout.bits, halved_y)
        kernels.average_each(luma, blue, red, (halved_x, halved_y, left_x, left_y), drop, sums, out)
        small_luma, small_blue, small_red = out
    return Planes(small_luma, small_blue, small_red, matrix_of(frame), full)


def tiny(planes: Planes) -> np.ndarray:
    """uint8 [9, 16, 3]: luma and both chroma planes averaged over a grid."""
    made = np.empty((TINY[1], TINY[0], 3), np.uint8)
    kernels.grid(*planes[:3], made)
    return made


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


def _lines(plane: Any, rows: int, bits: int) -> np.ndarray:
    """One of PyAV's planes in place, with what pads its lines: [rows, columns] of uint8, or of uint16 above 8 bits."""
    kind = _BYTE if bits == 8 else _WORD
    return np.ndarray((rows, plane.line_size // kind.itemsize), kind, plane)


def _sums(width: int, bits: int, halved_y: int) -> np.ndarray:
    """Working space of the kernels: 2^8 samples of 8 bits fit into 16."""
    return np.empty(width, np.uint16 if bits == 8 and halved_y <= 8 else np.uint32)


def _averaged(lines: np.ndarray, times_x: int, times_y: int, drop: int, shape: tuple[int, int]) -> np.ndarray:
    """uint8 of that shape: the means of blocks, halved so many times (a negative number: doubled once)."""
    doubled_x, doubled_y = times_x < 0, times_y < 0
    out = np.empty((-(-shape[0] >> doubled_y), -(-shape[1] >> doubled_x)), np.uint8)
    times_x, times_y = max(0, times_x), max(0, times_y)
    kernels.average(lines, times_x, times_y, drop, _sums(out.shape[1] << times_x, 8 + drop, times_y), out)
    if doubled_x:
        out = out.repeat(2, axis=1)
    if doubled_y:
        out = out.repeat(2, axis=0)
    return np.ascontiguousarray(out[: shape[0], : shape[1]]) if doubled_x or doubled_y else out


def _converted(frame: VideoFrame) -> Planes:
    """By way of swscale, whose bilinear filter averages as it shrinks, in its bit-exact mode."""
    from av.video.reformatter import Interpolation

    halvings_x, halvings_y = halvings(frame.width, frame.height)
    flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    shape = (frame.width >> halvings_x, frame.height >> halvings_y)
    planar = frame.reformat(*shape, format="yuv444p", interpolation=flags, threads=1)
    luma, blue, red = (_lines(plane, shape[1], 8)[:, : shape[0]].copy() for plane in planar.planes)
    return Planes(luma, blue, red, matrix_of(frame), False)
