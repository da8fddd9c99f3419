"""Harmonic and percussive component by median filtering: librosa.effects.hpss in blocks of frames that stay in cache.

D. FitzGerald, Harmonic/percussive separation using median filtering, DAFx 2010: what sounds on lies along a row of the
spectrogram, what strikes along a column, and a median along either keeps the one and drops the other. The two medians
share each bin out as a Wiener filter does, and both shares go back through the inverse transform.

Every value is rounded where librosa rounds it: complex64 spectrum, float32 magnitudes, medians, masks and inverse
transforms, float64 product with the window, float32 sum of overlapping frames, in the order of the frames.
"""

from __future__ import annotations

import numba
import numpy as np
import scipy.fft

from transforms.music import median31, spectra
from transforms.music.contract import Contract
from transforms.music.layout import HPSS_HOP, HPSS_KERNEL, HPSS_N_FFT

#: Frames on either side of one that its median along time looks at.
_HALO = HPSS_KERNEL // 2
_BINS = 1 + HPSS_N_FFT // 2
#: Bins from one frame to the next in memory: off a power of two, or the frames of a column share few lines of cache.
_PITCH = _BINS + 15
#: Below it a magnitude counts as nothing and the bin is shared out evenly (librosa.util.softmask).
_TINY = np.finfo(np.float32).tiny


@numba.njit(
    "void(f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1], f4[:, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def _share(
    spectrum: np.ndarray,
    magnitude: np.ndarray,
    along_time: np.ndarray,
    along_frequency: np.ndarray,
    harmonic: np.ndarray,
    percussive: np.ndarray,
) -> None:
    """Magnitude times mask (power 2) times phase; real and imaginary parts alternate in the columns of the spectra.

    Indices without sign, constants in float32 and division without a check are what lets it run eight bins at a time.
    """
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    for frame in range(spectrum.shape[0]):
        source, to_harmonic, to_percussive = spectrum[frame], harmonic[frame], percussive[frame]
        sizes, lasting, striking = magnitude[frame], along_time[frame], along_frequency[frame]
        for k in range(np.uint64(_BINS)):
            h, p, size = lasting[k], striking[k], sizes[k]
            larger = max(h, p)
            nothing = larger < _TINY
            scale = one if nothing else larger
            h, p = h / scale, p / scale
            h, p = h * h, p * p
            both = h + p
            h, p = h / both, p / both
            h, p = size * (half if nothing else h), size * (half if nothing else p)
            unit = one if size == zero else size
            real = np.uint64(2) * k
            imaginary = real + np.uint64(1)
            cosine, sine = source[real] / unit, source[imaginary] / unit
            to_harmonic[real], to_harmonic[imaginary] = h * cosine, h * sine
            to_percussive[real], to_percussive[imaginary] = p * cosine, p * sine


@numba.njit("void(f4[:, :, ::1], f8[::1], i8, f4[:, ::1])", cache=True, nogil=True)
def _overlap_add(waves: np.ndarray, window: np.ndarray, first: int, components: np.ndarray) -> None:
    """Adds windowed frames to the components, [2, frames, n_fft] to [2, samples]; frame ``first`` is that of row 0."""
    samples = components.shape[1]
    for part in range(2):
        for row in range(waves.shape[1]):
            start = (first + row) * HPSS_HOP - HPSS_N_FFT // 2
            skipped = max(0, -start)
            length = min(HPSS_N_FFT, samples - start) - skipped
            target = components[part, start + skipped :]
            wave = waves[part, row, skipped:]
            weights = window[skipped:]
            for i in range(length):
                target[i] = np.float32(target[i] + weights[i] * wave[i])


@numba.njit("void(f4[:, ::1], f8[::1], i8)", cache=True, nogil=True, error_model="numpy")
def _normalise(components: np.ndarray, window: np.ndarray, frames: int) -> None:
    """Divides by the sum of the squared windows over each sample, which is zero nowhere: two or more reach it."""
    overlap = HPSS_N_FFT // HPSS_HOP
    sums = np.empty(HPSS_HOP, np.float32)
    for start in range(0, components.shape[1], HPSS_HOP):
        hop = start // HPSS_HOP + overlap // 2
        sums[:] = 0
        for frame in range(max(0, hop - overlap + 1), min(frames, hop + 1)):
            for i in range(HPSS_HOP):
                weight = window[(hop - frame) * HPSS_HOP + i]
                sums[i] = np.float32(sums[i] + weight * weight)
        for part in range(2):
            target = components[part, start : start + HPSS_HOP]
            for i in range(len(target)):
                target[i] /= sums[i]


def separate(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Harmonic and percussive component, float32 [2, samples].

    Memory beside ``y`` and the result: a padded copy of ``y`` and about 6 MB.

    Parameters
    ----------
    y: float32 [samples], finite, more than 1024 of them.
    """
    total = spectra.frame_count(len(y), HPSS_HOP)
    window = spectra.hann(HPSS_N_FFT).copy()  # one that may be written to, as the signatures have it
    components = np.zeros((2, len(y)), np.float32)

    # A stretch of frames that slides along: row 0 is frame `base`. Frames before `known` are in it, those before `done`
    # have gone back into samples.
    held = spectra.BLOCK + 2 * _HALO
    spectrum = np.empty((held, _BINS), np.complex64)
    magnitude, along_time, along_frequency = np.zeros((3, held, _PITCH), np.float32)
    shares = np.empty((2, held, _BINS), np.complex64)
    base = known = done = 0
    for where, block in spectra.blocks(y, HPSS_N_FFT, HPSS_HOP, contract.padding):
        new = slice(known - base, where.stop - base)
        spectrum[new] = block
        np.abs(block, out=magnitude[new, :_BINS])
        known = where.stop
        ready = total if known == total else known - _HALO
        rows, count = slice(done - base, ready - base), ready - done
        if magnitude[rows].any():  # nothing is added by silence
            median31.running(magnitude[: known - base, :_BINS], base, total, done, along_time[:count, :_BINS])
            median31.running(magnitude[rows, :_BINS].T, 0, _BINS, 0, along_frequency[:count, :_BINS].T)
            harmonic, percussive = shares[:, :count]
            _share(
                spectrum[rows].view(np.float32),
                magnitude[rows],
                along_time[:count],
                along_frequency[:count],
                harmonic.view(np.float32),
                percussive.view(np.float32),
            )
            _overlap_add(scipy.fft.irfft(shares[:, :count], n=HPSS_N_FFT, axis=-1), window, done, components)
        done = ready
        kept = slice(max(0, done - _HALO) - base, known - base)
        base += kept.start
        spectrum[: known - base] = spectrum[kept]
        magnitude[: known - base] = magnitude[kept]
    _normalise(components, window, total)
    if contract.hpss_tail == "zeros":
        components[:, len(y) // HPSS_HOP * HPSS_HOP :] = 0
    return components
