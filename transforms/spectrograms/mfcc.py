"""Mel-frequency cepstral coefficients as librosa.feature.mfcc has them, of the first frames of a track.

DPVM (Sensors 23(2):805, section 'content features') names 32 coefficients, n_fft = hop = 2048 and at most 192 frames;
everything else is librosa's default: centred frames between zeros, periodic Hann window, power spectrum, 128 Slaney
bands up to half the sampling rate, 10 log10 with a floor at 1e-10 and 80 dB below the largest value, DCT-II (ortho).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Coefficients, window and hop in samples, and frames of a clip (paper).
COEFFICIENTS, N_FFT, HOP, FRAMES = 32, 2048, 2048, 192
#: Mel bands, and the range and the floor of the power in decibels (code: librosa's defaults).
BANDS, TOP_DB, FLOOR = 128, 80.0, 1e-10
#: Samples that the frames look at; what comes later changes nothing.
SAMPLES = (FRAMES - 1) * HOP + N_FFT // 2


@functools.lru_cache(maxsize=8)
def _filters(rate_hz: int) -> csr_array:
    """float64 [bands, 1 + N_FFT // 2], sparse: sums run in the order of the bins, whatever the number of threads."""
    from scipy.sparse import csr_array

    from transforms.music import slaney

    return csr_array(slaney.filters(rate_hz, N_FFT, BANDS).astype(np.float64))


def mfcc(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """float32 [1 + n // 2048 (at most 192), 32]: the coefficients of the frames centred on samples 0, 2048, 4096 ...

    Parameters
    ----------
    samples: float32 [n], n >= 1. Only the first :data:`SAMPLES` are looked at, also for the 80 dB: librosa over a
        longer track, cut afterwards, would measure them from its loudest moment anywhere.

    Silence gives -100 dB in every band: the first coefficient is -100 sqrt(128) = -1131.4, the others are 0. A signal
    shorter than a window gives one frame (two from 2048 samples on), as in librosa.
    """
    import scipy.fft

    from transforms.music import spectra

    samples = samples[:SAMPLES]
    power = np.empty((BANDS, spectra.frame_count(len(samples), HOP)))
    for frames, spectrum in spectra.blocks(samples, N_FFT, HOP, "constant"):
        squared = np.square(spectrum.real, dtype=np.float64) + np.square(spectrum.imag, dtype=np.float64)
        power[:, frames] = _filters(rate_hz) @ squared.T
    decibels = 10 * np.log10(np.maximum(FLOOR, power))
    decibels = np.maximum(decibels, decibels.max() - TOP_DB)
    return scipy.fft.dct(decibels.T, type=2, norm="ortho", axis=-1)[:, :COEFFICIENTS].astype(np.float32)
