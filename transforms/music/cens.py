"""Chroma energy normalised statistics (CENS): pitch classes of a constant-Q transform, quantised and smoothed.

M. Müller and S. Ewert, Chroma Toolbox, ISMIR 2011; as librosa has them, bit for bit.
"""

from __future__ import annotations

import functools

import numba
import numpy as np

from transforms.music.chroma import CLASSES, TINY
from transforms.music.constantq import OCTAVES, constant_q
from transforms.music.contract import Padding

#: Values are counted above each of these and smoothed over that many frames (Müller and Ewert; librosa's defaults).
_STEPS, _SMOOTHING = (0.4, 0.2, 0.1, 0.05), 41


@functools.cache
def _taps() -> np.ndarray:
    """float64 [43], read-only: the smoothing window, its sum 1, its ends 0."""
    window = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, _SMOOTHING + 2))
    window /= np.sum(window)
    window.flags.writeable = False
    return window


@functools.cache
def _class_of_bin(bins_per_octave: int) -> np.ndarray:
    """int64 [7 * bins_per_octave], read-only: the class nearest to each bin (librosa.filters.cq_to_chroma)."""
    per_class = bins_per_octave // CLASSES
    found = (np.arange(OCTAVES * bins_per_octave) + per_class // 2) // per_class % CLASSES
    found.flags.writeable = False
    return found


@numba.njit(cache=True, nogil=True)
def _quantise(
    magnitudes: np.ndarray, class_of_bin: np.ndarray, smallest: float, steps: np.ndarray, out: np.ndarray
) -> None:
    """Fold each frame into ``out`` [12, frames]: the share of steps that a class's share of the frame exceeds."""
    folded = np.empty(out.shape[0], dtype=np.float32)
    for t in range(magnitudes.shape[0]):
        folded[:] = 0
        for k in range(magnitudes.shape[1]):
            folded[class_of_bin[k]] += magnitudes[t, k]
        total = 0.0
        for c in range(out.shape[0]):
            total += np.float64(folded[c])
        if total < smallest:
            total = 1.0
        for c in range(out.shape[0]):
            share = np.float32(folded[c] / total)
            above = 0
            for step in steps:
                above += share > step
            out[c, t] = above / len(steps)


@numba.njit(cache=True, nogil=True)
def _smooth(levels: np.ndarray, taps: np.ndarray, smallest: float, out: np.ndarray) -> None:
    """Convolve float64 ``levels`` [12, frames + taps - 1] along the frames and give each frame unit length."""
    classes, frames = out.shape
    smoothed = np.empty(frames, dtype=np.float64)
    for c in range(classes):
        smoothed[:] = 0.0
        for i in range(len(taps)):
            for t in range(frames):
                smoothed[t] += taps[i] * levels[c, t + i]
        for t in range(frames):
            out[c, t] = smoothed[t]
    for t in range(frames):
        total = 0.0
        for c in range(classes):
            total += np.float64(out[c, t]) ** 2
        length = np.sqrt(total)
        if length < smallest:
            length = 1.0
        for c in range(classes):
            out[c, t] = out[c, t] / length


def chroma_cens(
    y: np.ndarray, bins_per_octave: int = 12, padding: Padding = "reflect", tuning: float | None = None
) -> np.ndarray:
    """float32 [12, 1 + samples // 256]: pitch classes from C upwards, each frame of unit length; silence stays 0.

    Equals ``librosa.feature.chroma_cens`` (sr 12000, hop 256) of ``constant_q(y, bins_per_octave, padding)``.

    Parameters
    ----------
    y: float32 [samples] at 12 kHz, a multiple of 256 of them.
    tuning: as :func:`constant_q` takes it.
    """
    magnitudes = constant_q(y, bins_per_octave, padding, tuning)
    taps = _taps()
    frames, margin = len(magnitudes), len(taps) // 2
    # Frames of nothing on either side, as librosa smooths.
    levels = np.zeros((CLASSES, frames + 2 * margin), dtype=np.float64)
    steps = np.array(_STEPS, dtype=np.float32)
    _quantise(magnitudes, _class_of_bin(bins_per_octave), TINY, steps, levels[:, margin : margin + frames])
    cens = np.empty((CLASSES, frames), dtype=np.float32)
    _smooth(levels, taps, TINY, cens)
    return cens
