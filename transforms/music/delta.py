"""Slopes over time: the two ways in which librosa has computed 'delta' features, time-major."""

from __future__ import annotations

import numpy as np

from transforms.music.contract import Delta

#: Window of the slopes, in frames (librosa's default), and half of it.
WIDTH = 9
_HALF = WIDTH // 2


def _filtered(values: np.ndarray) -> np.ndarray:
    """Causal filter from rest: the slope of the line fitted to this frame and the eight before, float64."""
    out = np.zeros(values.shape)
    padded = np.concatenate([np.zeros((WIDTH - 1, values.shape[1])), values])
    for step in range(1, _HALF + 1):
        late = padded[_HALF + step : _HALF + step + len(values)]
        early = padded[_HALF - step : _HALF - step + len(values)]
        out += step * (late - early)
    return out / (2 * sum(step**2 for step in range(1, _HALF + 1)))


def _fitted(values: np.ndarray, order: int) -> np.ndarray:
    """Derivative of the line (order 1) or parabola (order 2) fitted to each 9 frames, float64.

    It is the same all over those 9 frames, so at both ends it goes on as it is: Savitzky-Golay's mode "interp".
    """
    offsets = np.arange(-_HALF, _HALF + 1.0)
    power = offsets if order == 1 else offsets**2 - np.mean(offsets**2)
    weights = order * power / np.sum(power**2)
    inner = len(values) - 2 * _HALF
    out = np.zeros((inner, values.shape[1]))
    for step, weight in enumerate(weights):
        out += weight * values[step : step + inner]
    return np.pad(out, [(_HALF, _HALF), (0, 0)], mode="edge")


def slopes(values: np.ndarray, kind: Delta, order: int = 1) -> np.ndarray:
    """[frames, rows]: change per frame (order 1) or per frame squared (order 2) of each column.

    Parameters
    ----------
    values: float32 [frames, rows], at least 9 frames.
    kind: ``legacy`` (librosa 0.5, float64): the causal filter runs over the values with their edges repeated, once for
        each order, and the delay of one run is cut off; so order 2 comes four frames late and its first frames
        hold the filter's swing from rest. ``savgol`` (librosa today): Savitzky-Golay derivatives.
    """
    if kind == "savgol":
        return _fitted(values, order)
    run = np.pad(values.astype(np.float64), [(WIDTH, WIDTH), (0, 0)], mode="edge")
    for _ in range(order):
        run = _filtered(run)
    return run[WIDTH + _HALF : WIDTH + _HALF + len(values)]
