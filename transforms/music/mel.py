"""Mel bands and cepstral coefficients, time-major.

A mel filter is a triangle over a few neighbouring bins, so the filter bank is kept as runs of weights, and a band is a
short sum in a fixed order: as fast as a matrix product, and the same bytes whatever the number of threads.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numba
import numpy as np
import scipy.fft

from transforms.music import slaney

#: Cepstral coefficients that are kept (code: n_mfcc=20).
COEFFICIENTS = 20
#: Smallest power whose logarithm is taken, and the range below the maximum in dB (librosa's power_to_db).
_FLOOR, _RANGE_DB = 1e-10, 80.0


class Filters(NamedTuple):
    """A bank of triangular filters, each as the run of its weights that are not 0.

    Attributes
    ----------
    first: int64 [bands], the bin at which a band begins.
    ends: int64 [bands + 1]; band b has the weights ``ends[b]`` to ``ends[b + 1]``.
    weights: float64, the runs one after the other.
    """

    first: np.ndarray
    ends: np.ndarray
    weights: np.ndarray


@functools.cache
def filters(rate_hz: int, n_fft: int, bands: int) -> Filters:
    """Slaney's mel filters of unit area, as librosa has them (float32 values), from 0 Hz to half the rate."""
    bank = slaney.filters(rate_hz, n_fft, bands)
    runs = [np.flatnonzero(band) for band in bank]
    first = np.array([run[0] if len(run) else 0 for run in runs], dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum([len(run) for run in runs])]).astype(np.int64)
    weights = np.concatenate([band[run] for band, run in zip(bank, runs, strict=True)]).astype(np.float64)
    for array in (first, ends, weights):
        array.flags.writeable = False
    return Filters(first, ends, weights)


@numba.njit(cache=True, nogil=True)
def _sum_runs(
    power: np.ndarray, first: np.ndarray, ends: np.ndarray, weights: np.ndarray, out: np.ndarray
) -> None:  # pragma: no cover
    for frame in range(power.shape[0]):
        for band in range(len(first)):
            run = weights[ends[band] : ends[band + 1]]
            part = power[frame, first[band] : first[band] + len(run)]
            whole = len(run) // 4
            a = b = c = d = 0.0  # four sums side by side: the processor need not wait for one of them
            for k in range(whole):
                a += run[4 * k] * part[4 * k]
                b += run[4 * k + 1] * part[4 * k + 1]
                c += run[4 * k + 2] * part[4 * k + 2]
                d += run[4 * k + 3] * part[4 * k + 3]
            for k in range(4 * whole, len(run)):
                a += run[k] * part[k]
            out[frame, band] = (a + b) + (c + d)


def mel(power: np.ndarray, bank: Filters) -> np.ndarray:
    """float32 [frames, bands]: power in mel bands.

    Parameters
    ----------
    power: float32 [frames, 1 + n_fft // 2], contiguous: squared magnitudes of the transform.
    """
    out = np.empty((len(power), len(bank.first)), dtype=np.float32)
    _sum_runs(power, *bank, out)
    return out


def cepstrum(bands: np.ndarray) -> np.ndarray:
    """float32 [frames, 20]: the cosine transform (type 2, orthonormal) of mel bands in dB.

    The decibels refer to power 1 and reach down to 80 dB below the loudest value of the whole signal, so ``bands``
    (float32 [frames, bands]) must hold all its frames. In float32, as librosa has it.
    """
    level = np.float32(10) * np.log10(np.maximum(np.float32(_FLOOR), bands))
    np.maximum(level, level.max() - np.float32(_RANGE_DB), out=level)
    return scipy.fft.dct(level, axis=-1, type=2, norm="ortho")[:, :COEFFICIENTS]
