"""What :mod:`transforms.shots.kernels` has to give, to the bit, in plain numpy and many times slower."""

from __future__ import annotations

import numpy as np

from transforms.shots.histogram import CHROMAS, DITHER_LEVELS, HUES, VALUES, fine_bins, place_of
from transforms.shots.kernels import PER_HUE, PER_STEP
from transforms.shots.reduce import TINY, Planes


def average(samples: np.ndarray, halved_x: int, halved_y: int, drop: int, shape: tuple[int, int]) -> np.ndarray:
    """uint8 of that shape: means of blocks of 2^halved_y rows and 2^halved_x columns, halves rounded up."""
    tall, wide = 1 << halved_y, 1 << halved_x
    blocks = samples[: shape[0] * tall, : shape[1] * wide].reshape(shape[0], tall, shape[1], wide)
    mean = blocks.sum(axis=(1, 3), dtype=np.int64) / (tall * wide << drop)
    return np.minimum(np.floor(mean + 0.5), 255).astype(np.uint8)


def histogram(planes: Planes) -> np.ndarray:
    """float32 [128]: :func:`transforms.shots.histogram.histogram`."""
    place = place_of(*np.indices(planes.luma.shape))
    blue, red = (
        (np.minimum(plane, 249).astype(np.int64) + DITHER_LEVELS[place, index]) >> 3
        for index, plane in enumerate((planes.blue, planes.red))
    )
    colour = (((place << 6) + (planes.luma >> 2) << 5) + blue << 5) + red
    hues, steps = HUES * PER_HUE, (CHROMAS - 1) * PER_STEP + 1
    counts = np.bincount(fine_bins(planes.matrix, planes.full)[colour].ravel(), minlength=hues * steps**2)
    by_hue, by_step = _shares()
    coarse = np.einsum("hf,cs,vt,fst->hcv", by_hue, by_step, by_step, counts.reshape(hues, steps, steps))
    coarse[0, 0] = coarse[:, 0].sum(axis=0)
    coarse[1:, 0] = 0
    return (coarse.ravel() / (planes.luma.size * PER_HUE * PER_STEP**2)).astype(np.float32)


def tiny(planes: Planes) -> np.ndarray:
    """uint8 [9, 16, 3]: :func:`transforms.shots.reduce.tiny`."""
    columns, rows = TINY
    stack = np.stack(planes[:3], axis=-1).astype(np.int64)
    height, width = planes.luma.shape
    # Every pixel becomes ``rows`` x ``columns`` of its colour, and a cell is height x width of those.
    large = stack.repeat(rows, axis=0).repeat(columns, axis=1)
    mean = large.reshape(rows, height, columns, width, 3).sum(axis=(1, 3)) / (height * width)
    return np.floor(mean + 0.5).astype(np.uint8)


def _shares() -> tuple[np.ndarray, np.ndarray]:
    """How the anchors share the fine bins, in integers: [8, fine hues], and [4, fine chromas or values]."""
    fine, anchors = np.arange(HUES * PER_HUE), np.arange(HUES)[:, None] * PER_HUE
    apart = np.abs(fine - anchors)
    by_hue = np.maximum(PER_HUE - np.minimum(apart, HUES * PER_HUE - apart), 0)
    steps = np.arange((CHROMAS - 1) * PER_STEP + 1) - np.arange(VALUES)[:, None] * PER_STEP
    return by_hue, np.maximum(PER_STEP - np.abs(steps), 0)
