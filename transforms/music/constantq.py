"""librosa's constant-Q transform of a signal at 12 kHz, bit for bit.

It goes down octave by octave: the same short windows over a signal whose rate is halved each time, projected on 12 or
36 sparse filters. The filters depend on the tuning alone, so they are built once for each of its steps. What reads this
quantises, and a step taken the other way would be seen; so values are rounded where librosa rounds them.

C. Schörkhuber and A. Klapuri, Constant-Q transform toolbox for music processing, SMC 2010.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numba
import numpy as np
import scipy.fft
import soxr
from numpy.lib.stride_tricks import sliding_window_view

from transforms.music import spectra
from transforms.music.contract import Padding
from transforms.music.layout import HOP, RATE_HZ
from transforms.music.tuning import tuning_of_signal

#: Octaves from C1 = 32.7 Hz upwards (librosa's defaults of chroma_cens). The highest band ends between 1.5 and 6 kHz,
#: so librosa never halves the rate before the first octave and never refuses.
OCTAVES = 7
_LOWEST_HZ = 440.0 * 2.0 ** ((24 - 69) / 12)
#: Share of each filter's magnitude that is dropped (librosa's default of cqt).
_SPARSITY = 0.01
#: Frames that are transformed at once; their spectra (64 kB at 12 bins an octave) stay in the cache.
_BLOCK = 64


@dataclass(frozen=True)
class _Filters:
    """All filters from the lowest, in compressed rows: those of filter r are ``starts[r]`` to ``starts[r + 1]``.

    Attributes
    ----------
    n_fft: window of every octave, in samples at its own rate.
    columns: int64, bins of the spectrum; ``weights``: complex64, librosa's rescaling for the lower rate included.
    gains: float64, one a filter: 1 / sqrt(its length at 12 kHz).
    """

    n_fft: int
    starts: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    gains: np.ndarray


def _periods(frequencies: np.ndarray) -> np.ndarray:
    """Length of each filter in periods, from the distance of its neighbours (librosa.filters.wavelet_lengths)."""
    logarithms = np.log2(frequencies)
    distance = np.empty_like(frequencies)
    distance[1:-1] = (logarithms[2:] - logarithms[:-2]) / 2
    distance[0], distance[-1] = logarithms[1] - logarithms[0], logarithms[-1] - logarithms[-2]
    # Twice turned over, as librosa does: it rounds.
    ratio = 2.0 ** (2 / (1 / distance))
    return 1.0 / ((ratio - 1) / (ratio + 1))


def _wavelets(frequencies: np.ndarray, rates: np.ndarray, lengths: np.ndarray, n_fft: int) -> np.ndarray:
    """complex64 [filters, n_fft]: oscillations under a Hann window, of sum 1, in the middle of the row.

    librosa.filters.wavelet for all octaves at once, where it goes filter by filter (ten times as fast).
    """
    begin, end = np.floor(-lengths / 2), np.floor(lengths / 2)
    count = end - begin
    position = np.arange(n_fft) - (n_fft - count) // 2
    angles = (position + begin) * 2 * np.pi * frequencies / rates
    waves = np.cos(angles) + 1j * np.sin(angles)
    waves *= 0.5 + 0.5 * np.cos(position * (2 * np.pi / count) - np.pi)
    waves[(position < 0) | (position >= count)] = 0
    return (waves / np.abs(waves).sum(axis=1, keepdims=True)).astype(np.complex64)


@functools.lru_cache(maxsize=200)  # as many as there are tunings, at 12 and at 36 bins
def _filters(bins_per_octave: int, tuning: float) -> _Filters:
    """The filters of a tuning. Their arrays are shared; nobody may write to them."""
    steps = 2.0 ** (np.arange(bins_per_octave) / bins_per_octave)
    lowest = _LOWEST_HZ * 2.0 ** (tuning / bins_per_octave)
    frequencies = np.multiply.outer(2.0 ** np.arange(OCTAVES), steps).ravel() * lowest
    full_lengths = _periods(frequencies) * RATE_HZ / frequencies
    # The rate is halved with every octave down, so all octaves have the same lengths.
    halving = 2.0 ** np.repeat(np.arange(OCTAVES)[::-1], bins_per_octave)
    lengths = full_lengths / halving
    n_fft = 1 << int(np.ceil(np.log2(lengths.max())))
    basis = _wavelets(frequencies[:, None], RATE_HZ / halving[:, None], lengths[:, None], n_fft)
    basis *= lengths[:, None] / n_fft
    response = scipy.fft.fft(basis, axis=1)[:, : n_fft // 2 + 1]
    # librosa.util.sparsify_rows: the smallest bins go that hold less than a hundredth of the magnitude together.
    magnitudes = np.abs(response)
    ascending = np.sort(magnitudes, axis=1)
    dropped = np.cumsum(ascending / magnitudes.sum(axis=1, keepdims=True), axis=1) < _SPARSITY
    kept = magnitudes >= np.take_along_axis(ascending, np.argmin(dropped, axis=1)[:, None], axis=1)
    rows, columns = np.nonzero(kept)
    weights = (response[kept] * np.sqrt(halving[rows])).astype(np.complex64)
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    found = _Filters(n_fft, starts, columns, weights, 1.0 / np.sqrt(full_lengths))
    for array in (found.starts, found.columns, found.weights, found.gains):
        array.flags.writeable = False
    return found


@numba.njit(cache=True, nogil=True)
def _project(
    spectrum: np.ndarray,
    starts: np.ndarray,
    columns: np.ndarray,
    weights: np.ndarray,
    gains: np.ndarray,
    out: np.ndarray,
) -> None:
    """Filter complex128 ``spectrum`` [frames, bins] into complex64 ``out`` [frames, filters], everything in float32.

    The spectrum is turned around first, so that the innermost loops run over frames.
    """
    frames, bins = spectrum.shape
    real = np.empty((bins, frames), dtype=np.float32)
    imag = np.empty((bins, frames), dtype=np.float32)
    for t in range(frames):
        for k in range(bins):
            real[k, t] = spectrum[t, k].real
            imag[k, t] = spectrum[t, k].imag
    sum_real = np.empty(frames, dtype=np.float32)
    sum_imag = np.empty(frames, dtype=np.float32)
    for r in range(len(gains)):
        sum_real[:] = 0
        sum_imag[:] = 0
        for j in range(starts[r], starts[r + 1]):
            weight_real, weight_imag, k = weights[j].real, weights[j].imag, columns[j]
            for t in range(frames):
                sum_real[t] += weight_real * real[k, t] - weight_imag * imag[k, t]
                sum_imag[t] += weight_real * imag[k, t] + weight_imag * real[k, t]
        for t in range(frames):
            # librosa divides by float64 and rounds; numpy's division is this product.
            out[t, r] = complex(sum_real[t] * gains[r], sum_imag[t] * gains[r])


def _windows(y: np.ndarray, n_fft: int, hop: int, padding: Padding) -> np.ndarray:
    """float32 [frames, n_fft], a view: the centred windows of a signal, as librosa.stft cuts them."""
    extended = spectra.padded(y, n_fft, padding)
    half = n_fft // 2
    if padding == "reflect" and hop >= half:
        # librosa reflects the end by itself then. It is one sample too short for that and is turned around once more.
        extended[-1] = y[1 - half]
    return sliding_window_view(extended, n_fft)[::hop]


def constant_q(
    y: np.ndarray, bins_per_octave: int = 12, padding: Padding = "reflect", tuning: float | None = None
) -> np.ndarray:
    """float32 [1 + samples // 256, 7 * bins_per_octave]: magnitudes of the constant-Q transform from C1 upwards.

    Equals ``abs(librosa.cqt(y, sr=12000, hop_length=256, n_bins=7 * bins_per_octave, bins_per_octave=bins_per_octave,
    tuning=None, pad_mode=padding)).T``.

    Parameters
    ----------
    y: float32 [samples] at 12 kHz, a multiple of 256 of them.
    tuning: what :func:`tuning_of_signal` says of ``y``, where that is known.
    """
    if len(y) % HOP or not len(y):
        raise ValueError(f"a signal of {len(y)} samples: expected a multiple of {HOP}; pad it with silence")
    filters = _filters(bins_per_octave, tuning_of_signal(y, bins_per_octave) if tuning is None else tuning)
    frames = spectra.frame_count(len(y), HOP)
    magnitudes = np.empty((frames, OCTAVES * bins_per_octave), dtype=np.float32)
    response = np.empty((frames, bins_per_octave), dtype=np.complex64)
    for down in range(OCTAVES):
        if down:
            # Half the samples of sqrt(2) the size: the energy stays (librosa.resample with scale=True).
            y = soxr.resample(y, 2, 1, "soxr_hq")
            y /= np.sqrt(0.5)
        end = magnitudes.shape[1] - down * bins_per_octave
        rows = slice(end - bins_per_octave, end)
        windows = _windows(y, filters.n_fft, HOP >> down, padding)
        starts, gains = filters.starts[rows.start : rows.stop + 1], filters.gains[rows]
        for start in range(0, frames, _BLOCK):
            where = slice(start, start + _BLOCK)
            if not windows[where].any():
                response[where] = 0
                continue
            spectrum = scipy.fft.rfft(windows[where].astype(np.float64), axis=-1)
            _project(spectrum, starts, filters.columns, filters.weights, gains, response[where])
        magnitudes[:, rows] = np.abs(response)
    return magnitudes
