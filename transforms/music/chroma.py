"""Energy of the 12 pitch classes of a power spectrogram: librosa's filters and norm, the sums in float64."""

from __future__ import annotations

import functools

import numba
import numpy as np

from transforms.music.layout import N_FFT, RATE_HZ
from transforms.music.tuning import tuning_of_spectrum

#: Pitch classes.
CLASSES = 12
#: A norm below this leaves a frame as it is (librosa.util.normalize: the smallest normal float32).
TINY = float(np.finfo(np.float32).tiny)


def filter_bank(tuning: float) -> np.ndarray:
    """float32 [12, 1 + n_fft // 2]: how much each bin adds to each pitch class.

    A bump around each class, as wide as a bin, of unit length over the classes, under a bell around the fifth octave
    above A0 (librosa.filters.chroma, after D. Ellis, Chroma feature analysis and synthesis, 2007). Written out, because
    loading librosa's filters takes longer than a second.
    """
    hz = np.linspace(0, RATE_HZ, N_FFT, endpoint=False)[1:]
    pitch = CLASSES * np.log2(hz / (440.0 * 2.0 ** (tuning / CLASSES) / 16))
    # 0 Hz is given a place one and a half octaves under the first bin.
    pitch = np.concatenate([[pitch[0] - 1.5 * CLASSES], pitch])
    width = np.concatenate([np.maximum(pitch[1:] - pitch[:-1], 1.0), [1.0]])
    distance = np.subtract.outer(pitch, np.arange(CLASSES, dtype=np.float64)).T
    half = CLASSES / 2
    distance = np.remainder(distance + half + 10 * CLASSES, CLASSES) - half
    bank = np.exp(-0.5 * (2 * distance / width) ** 2)
    bank /= np.sum(bank**2, axis=0) ** 0.5
    bank *= np.exp(-0.5 * ((pitch / CLASSES - 5.0) / 2) ** 2)
    # Counted from A so far; from C upwards.
    return np.roll(bank, -3, axis=0)[:, : 1 + N_FFT // 2].astype(np.float32)


@functools.lru_cache(maxsize=100)  # as many as there are tunings
def _filters(tuning: float) -> np.ndarray:
    """float64 [1 + n_fft // 2, 12], read-only: the bank of a tuning, a row a bin."""
    turned = np.ascontiguousarray(filter_bank(tuning).T, dtype=np.float64)
    turned.flags.writeable = False
    return turned


@numba.njit(cache=True, nogil=True)
def _project(power: np.ndarray, filters: np.ndarray, smallest: float, out: np.ndarray) -> None:
    """Sum up each frame's classes, round them to float32 as librosa does, divide by the largest."""
    classes = np.empty(filters.shape[1], dtype=np.float64)
    for t in range(power.shape[0]):
        classes[:] = 0.0
        for f in range(power.shape[1]):
            here = np.float64(power[t, f])
            for c in range(classes.shape[0]):
                classes[c] += filters[f, c] * here
        largest = 0.0
        for c in range(classes.shape[0]):
            classes[c] = np.float64(np.float32(classes[c]))
            largest = max(largest, classes[c])
        if largest < smallest:
            largest = 1.0
        for c in range(classes.shape[0]):
            out[c, t] = classes[c] / largest


def chroma_stft(power: np.ndarray) -> np.ndarray:
    """float32 [12, frames]: pitch classes from C upwards, the largest of each frame 1; silence stays 0.

    Equals ``librosa.feature.chroma_stft(S=power.T, sr=12000)`` but for the order of the sums (some 1e-7). The tuning
    is estimated from the powers first.

    Parameters
    ----------
    power: float32 [frames, 257], powers of windows of 512 samples at 12 kHz.
    """
    chroma = np.empty((CLASSES, len(power)), dtype=np.float32)
    _project(power, _filters(tuning_of_spectrum(power, CLASSES)), TINY, chroma)
    return chroma
