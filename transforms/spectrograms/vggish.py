"""VGGish's front end: patches of 96 frames of a log mel spectrogram.

As released with AudioSet (tensorflow/models, research/audioset/vggish: mel_features.py, vggish_params.py,
vggish_input.py): mel bands are summed over magnitudes, not power; their triangles are straight in mel, not in Hz; a
frame is there only where its whole window is.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from transforms.spectrograms import spectra

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Samples a second; window (25 ms) and step (10 ms) of the frames in samples; length of the transform (code).
RATE_HZ, WINDOW, STEP, N_FFT = 16_000, 400, 160, 512
#: Mel bands and the edges of the first and the last one (code).
BANDS, MIN_HZ, MAX_HZ = 64, 125.0, 7500.0
#: Added to the magnitude before the logarithm (code).
LOG_OFFSET = 0.01
#: Frames of a patch (code).
FRAMES = 96
#: Samples that a patch looks at: 0.975 s, since the last frame's window is longer than a step.
PATCH = (FRAMES - 1) * STEP + WINDOW


def mel(frequency_hz: np.ndarray) -> np.ndarray:
    """HTK's mel scale."""
    return 1127 * np.log1p(frequency_hz / 700)


def filters() -> np.ndarray:
    """float64 [64, 257]: weight of each bin in each band; bin 0 counts nowhere."""
    bins = mel(np.arange(1 + N_FFT // 2) * RATE_HZ / N_FFT)
    low, high = mel(np.array([MIN_HZ, MAX_HZ]))
    edges = np.linspace(low, high, BANDS + 2)
    lower, centre, upper = (edges[k : k + BANDS, None] for k in range(3))
    weights = np.maximum(0, np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)))
    weights[:, 0] = 0
    return weights


@functools.cache
def _sparse() -> csr_array:
    """The filters, so that sums run in the order of the bins, whatever the number of threads."""
    from scipy.sparse import csr_array

    return csr_array(filters())


def log_mel(samples: np.ndarray) -> np.ndarray:
    """float32 [1 + (n - 400) // 160, 64]: natural logarithm of magnitude in the mel bands + 0.01; silence: -4.605.

    Parameters
    ----------
    samples: float32 [n] at 16 kHz in -1..1, n >= 400.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    found = np.empty((1 + (len(samples) - WINDOW) // STEP, BANDS), dtype=np.float32)
    for rows, spectrum in spectra(samples, window, STEP, N_FFT):
        found[rows] = np.log((_sparse() @ np.abs(spectrum).T).T + LOG_OFFSET)
    return found


def patches(samples: np.ndarray, hop_frames: int = FRAMES) -> np.ndarray:
    """float32 [1 + (n - 15600) // (160 * hop_frames), 96, 64]: the whole patches of a signal.

    Parameters
    ----------
    samples: float32 [n] at 16 kHz in -1..1, n >= 15,600.
    hop_frames: frames from one patch to the next: 96 without a gap, 100 for one patch a second (YouTube-8M).
    """
    windows = sliding_window_view(log_mel(samples), FRAMES, axis=0)[::hop_frames]
    return np.ascontiguousarray(windows.transpose(0, 2, 1))
