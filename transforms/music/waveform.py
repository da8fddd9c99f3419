"""What is read from the samples themselves: root mean square and rate of zero crossings.

A frame is two hops long, so each hop is counted once and a frame is the sum of two neighbours.
"""

from __future__ import annotations

import numpy as np

from transforms.music.contract import Padding
from transforms.music.layout import HOP, N_FFT
from transforms.music.spectra import frame_count, padded

#: A sample below this is negative; what is closer to zero counts as positive (librosa's threshold, in float32).
_NEGATIVE = -np.float32(1e-10)


def _hops(signal: np.ndarray, frames: int) -> np.ndarray:
    """[frames + 1, 256]: a padded signal cut into hops; frame t is hops t and t + 1."""
    return signal[: (frames + 1) * HOP].reshape(frames + 1, HOP)


def rms(y: np.ndarray, padding: Padding) -> np.ndarray:
    """float32 [frames, 1]: root mean square of each centred frame of 512 samples; ``y`` float32 [samples]."""
    energy = _hops(np.square(padded(y, N_FFT, padding)), frame_count(len(y), HOP)).sum(axis=1, dtype=np.float64)
    return np.sqrt((energy[:-1] + energy[1:]) / N_FFT).astype(np.float32)[:, np.newaxis]


def zcr(y: np.ndarray) -> np.ndarray:
    """float64 [frames, 1]: share of a frame's 512 samples whose sign is not that of the sample before in the frame.

    Beyond the ends the first and the last sample are repeated, as librosa does here.
    """
    negative = np.pad(y, N_FFT // 2, mode="edge") < _NEGATIVE
    changed = np.zeros(len(negative), dtype=np.uint8)
    np.not_equal(negative[1:], negative[:-1], out=changed[1:].view(bool))
    hops = _hops(changed, frame_count(len(y), HOP))
    changes = hops.sum(axis=1, dtype=np.int64)
    # a frame's first sample has none before it
    return ((changes[:-1] + changes[1:] - hops[:-1, 0]) / N_FFT)[:, np.newaxis]
