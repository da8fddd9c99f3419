"""The joint histogram of a picture's colours that shots are told by: hue x chroma x value, 8 x 4 x 4 bins.

DPVM (Gu, Shen, Lv; Sensors 23(2):805, 2023) compares colour histograms of neighbouring pictures and leaves their kind
open. Ours is made so that a slow change of the picture is a slow change of the histogram: the bins are anchors
between which a pixel is shared linearly; chroma (the HSV cone: saturation times value) stands in for saturation, so
that dark pictures have no random saturation; and what has no chroma has no hue.
"""

from __future__ import annotations

import functools

import numpy as np

from transforms.shots import kernels
from transforms.shots.kernels import PER_HUE, PER_STEP
from transforms.shots.reduce import Planes

#: Anchors of hue (a circle), chroma and value.
HUES, CHROMAS, VALUES = 8, 4, 4
BINS = HUES * CHROMAS * VALUES

# Pixels are counted in finer bins first.
_FINE_HUES, _FINE_STEPS = HUES * PER_HUE, (CHROMAS - 1) * PER_STEP + 1

# What is rounded is dithered over 2 x 2 pixels, so that even a picture of one colour crosses no edge at once. Each row
# is one of the four places: what is added to hue, chroma and value before they are cut to fine bins, and to Cb and Cr
# (in levels) before they are cut to 5 bits.
_DITHER = np.array([[1, 3, 5], [5, 7, 1], [7, 1, 3], [3, 5, 7]]) / 8
DITHER_LEVELS = np.array([[0, 4], [2, 0], [4, 6], [6, 2]], np.uint8)

#: Kr and Kb of ITU-R BT.601, BT.709 and BT.2020.
_WEIGHTS = {601: (0.299, 0.114), 709: (0.2126, 0.0722), 2020: (0.2627, 0.0593)}


def histogram(planes: Planes) -> np.ndarray:
    """float32 [128], which sum to 1: hue (8), then chroma (4), then value (4).

    Grey (chroma 0) has hue 0. The numbers are ratios of integers, so they are the same on every machine.
    """
    places, dither = _tables(planes.luma.shape[1])
    bins = fine_bins(planes.matrix, planes.full)
    made = np.empty((HUES, CHROMAS, VALUES), np.float32)
    kernels.count(*planes[:3], places, dither, bins, made)
    return made.ravel()


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Half the L1 distance of two histograms, 0 (the same) to 1 (nothing in common)."""
    return kernels.apart(one, other)


def place_of(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Which of the four places of its 2 x 2 a pixel has."""
    return (row % 2) * 2 + column % 2


@functools.lru_cache(maxsize=16)
def _tables(width: int) -> tuple[np.ndarray, np.ndarray]:
    """For an even and an odd row: places above 16 free bits, and dithers of Cb and of Cr."""
    place = place_of(*np.indices((2, width)))
    dither = np.ascontiguousarray(np.moveaxis(DITHER_LEVELS[place], -1, 0))
    return (place << 16).astype(np.uint32), dither


@functools.lru_cache(maxsize=6)
def fine_bins(matrix: int, full: bool) -> np.ndarray:
    """uint16 [4 * 65536]: the fine bin of each place and colour (6 bits of Y, 5 of Cb, 5 of Cr)."""
    return np.concatenate([_fine_bins_at(place, matrix, full) for place in range(4)]).astype(np.uint16)


def _fine_bins_at(place: int, matrix: int, full: bool) -> np.ndarray:
    black, luma_span, chroma_span = (0.0, 255.0, 255.0) if full else (16.0, 219.0, 224.0)
    luma = (np.arange(64) * 4 + 1.5 - black) / luma_span
    # The middle of each cell; that of the cells that hold 128 is 128, so that grey is exactly grey.
    chromas = np.arange(32) * 8 + 3.0 - DITHER_LEVELS[place][:, None] - 128
    blues, reds = np.where(np.abs(chromas) < 4, 0, chromas) / chroma_span
    y, cb, cr = np.meshgrid(luma, blues, reds, indexing="ij")
    kr, kb = _WEIGHTS[matrix]
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    hue, chroma, value = _hue_chroma_value(np.clip(np.stack([red, green, blue]), 0, 1))
    of_hue, of_chroma, of_value = _DITHER[place]
    fine_hue = np.floor(hue * _FINE_HUES + of_hue).astype(np.intp) % _FINE_HUES
    fine_chroma = np.floor(chroma * (_FINE_STEPS - 1) + of_chroma).astype(np.intp)
    fine_value = np.floor(value * (_FINE_STEPS - 1) + of_value).astype(np.intp)
    return ((fine_hue * _FINE_STEPS + fine_chroma) * _FINE_STEPS + fine_value).ravel()


def _hue_chroma_value(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of [3, ...] between 0 and 1, each 0 to 1; hue is 0 for red, 1/3 for green, and 0 for grey."""
    red, green, blue = rgb
    value = rgb.max(axis=0)
    chroma = value - rgb.min(axis=0)
    sixths = np.stack([green - blue, blue - red + 2 * chroma, red - green + 4 * chroma])
    sixth = np.take_along_axis(sixths, rgb.argmax(axis=0)[None], axis=0)[0]
    return np.divide(sixth, 6 * chroma, out=np.zeros_like(sixth), where=chroma > 0) % 1, chroma, value
