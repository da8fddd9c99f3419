"""Log spectrogram of speech on a linear frequency grid, with its slopes in time.

The line of Satt et al. (Interspeech 2017), AFCN (arXiv 1806.01506) and FBP (arXiv 1901.04889): Hamming windows of 40 ms
every 10 ms, transformed at 1600 points (a grid of 10 Hz), the band from 0 to 4 kHz.
"""

from __future__ import annotations

import numpy as np

from transforms.spectrograms import spectra

#: Samples a second, window (40 ms) and hop (10 ms) in samples (review).
RATE_HZ, WINDOW, HOP = 16_000, 640, 160
#: Added to the magnitude before the logarithm (ours): 43 dB below the rounding noise of 16 bits, which has 1.4e-4 here.
LOG_OFFSET = 1e-6


def hamming() -> np.ndarray:
    """float64 [640]: the periodic window, as scipy's and librosa's spectrograms have it (ours; papers say no more)."""
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


def log_spectrogram(samples: np.ndarray, n_fft: int, out: np.ndarray) -> None:
    """Write ln(magnitude + 1e-6) of the lowest bins into ``out``; silence is ln(1e-6) = -13.8.

    Parameters
    ----------
    samples: float32 [n] at 16 kHz in -1..1, n >= 640.
    n_fft: points of the transform; bin k is at k * 16000 / n_fft Hz.
    out: float32 [1 + (n - 640) // 160, bins], bins <= 1 + n_fft // 2. Row t looks at samples [160 t, 160 t + 640).
    """
    bins = out.shape[1]
    for rows, spectrum in spectra(samples, hamming(), HOP, n_fft):
        out[rows] = np.log(np.abs(spectrum[:, :bins]) + LOG_OFFSET)


def slope(values: np.ndarray, reach: int, out: np.ndarray) -> None:
    """Write the slope per row of the line through each row and ``reach`` rows on either side into ``out``.

    HTK's regression: sum of k (v[t + k] - v[t - k]) over 2 sum of k squared; beyond the ends, the outer rows repeat.

    Parameters
    ----------
    values, out: float32 [n, bins].
    """
    from scipy.ndimage import correlate1d

    steps = np.arange(-reach, reach + 1)
    correlate1d(values, steps / np.sum(steps**2), axis=0, output=out, mode="nearest")
