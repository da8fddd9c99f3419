"""The shape of each frame's magnitude spectrum: centroid, bandwidth, rolloff, and the polynomials fitted to it.

All in one pass over a frame while it lies in the cache. The fits need no solver: on the evenly spaced bins k = 0..256
the polynomials 1, k - 128 and (k - 128)^2 - c are orthogonal, so each coefficient is one sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from transforms.music.layout import N_FFT, RATE_HZ

#: Share of a frame's magnitude that lies below the rolloff (code: librosa's default).
ROLL = np.float32(0.85)
#: A frame whose magnitudes add up to less is left as it is, not divided by the sum (librosa's normalize).
_SMALL = float(np.finfo(np.float32).tiny)

#: Frequency of each bin in Hz, rounded as librosa.fft_frequencies rounds.
_HZ = np.fft.rfftfreq(N_FFT, 1.0 / RATE_HZ)
#: Hz from bin to bin, and the middle one of the 257 bins.
_STEP, _MIDDLE = RATE_HZ / N_FFT, N_FFT // 4
_OFFSETS = np.arange(len(_HZ), dtype=np.float64) - _MIDDLE
#: Mean of the squared offsets, and the squared lengths of the three orthogonal polynomials.
_MEAN_SQUARE = float(np.mean(_OFFSETS**2))
_CURVES = _OFFSETS**2 - _MEAN_SQUARE
_LENGTHS = (float(len(_HZ)), float(np.sum(_OFFSETS**2)), float(np.sum(_CURVES**2)))


class Shape(NamedTuple):
    """float64 [frames, rows] each.

    Attributes
    ----------
    centroid, bandwidth, rolloff: in Hz, one row each.
    poly1, poly2: coefficients of the line and of the parabola over the frequency in Hz, highest power first.
    """

    centroid: np.ndarray
    bandwidth: np.ndarray
    rolloff: np.ndarray
    poly1: np.ndarray
    poly2: np.ndarray

    @classmethod
    def empty(cls, frames: int) -> Shape:
        """Room for so many frames."""
        return cls(*(np.empty((frames, rows)) for rows in (1, 1, 1, 2, 3)))

    def fill(self, where: slice, magnitude: np.ndarray) -> None:
        """Describe some frames.

        Parameters
        ----------
        magnitude: float32 [frames, 257], contiguous: the magnitudes of the frames ``where``.
        """
        _describe(magnitude, _HZ, _OFFSETS, _CURVES, *(rows[where] for rows in self))


@numba.njit(cache=True, nogil=True)
def _describe(
    magnitude: np.ndarray,
    hz: np.ndarray,
    offsets: np.ndarray,
    curves: np.ndarray,
    centroid: np.ndarray,
    bandwidth: np.ndarray,
    rolloff: np.ndarray,
    poly1: np.ndarray,
    poly2: np.ndarray,
) -> None:  # pragma: no cover
    bins = len(hz)
    running = np.empty(bins, dtype=np.float32)
    share = np.empty(bins, dtype=np.float64)
    for frame in range(len(magnitude)):
        total = slope = bend = 0.0
        below = np.float32(0)  # float32 from the first bin up: this order decides at which bin the threshold is met
        for k in range(bins):
            value = magnitude[frame, k]
            below += value
            running[k] = below
            total += value
            slope += offsets[k] * value
            bend += curves[k] * value

        k = 0
        while running[k] < ROLL * below:
            k += 1
        rolloff[frame, 0] = hz[k]

        length = total if total >= _SMALL else 1.0
        for k in range(bins):
            share[k] = np.float32(magnitude[frame, k] / length)
        middle = 0.0
        for k in range(bins):
            middle += hz[k] * share[k]
        spread = 0.0
        for k in range(bins):
            spread += share[k] * (hz[k] - middle) ** 2
        centroid[frame, 0] = middle
        bandwidth[frame, 0] = np.sqrt(spread)

        # mean, slope and bend per bin, then expanded around 0 Hz instead of the middle bin
        total /= _LENGTHS[0]
        slope /= _LENGTHS[1]
        bend /= _LENGTHS[2]
        poly1[frame, 0] = slope / _STEP
        poly1[frame, 1] = total - _MIDDLE * slope
        poly2[frame, 0] = bend / _STEP**2
        poly2[frame, 1] = (slope - 2 * _MIDDLE * bend) / _STEP
        poly2[frame, 2] = total - _MIDDLE * slope + (_MIDDLE**2 - _MEAN_SQUARE) * bend
