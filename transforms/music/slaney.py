"""Slaney's mel filters, as librosa has them by default.

Written out because librosa's filters bring scipy.signal along: a second of start-up in every worker, for forty lines.
"""

from __future__ import annotations

import functools

import numpy as np

#: The scale is linear below 1 kHz, 15 mels up to there, and logarithmic above: 27 mels for a factor of 6.4 (Slaney,
#: Auditory Toolbox, 1998).
_HZ_PER_MEL, _BREAK_HZ, _LOG_STEP = 200.0 / 3, 1000.0, np.log(6.4) / 27.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))


def _hz_to_mel(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < _BREAK_HZ else _BREAK_MEL + float(np.log(hz / _BREAK_HZ)) / _LOG_STEP


@functools.lru_cache(maxsize=16)
def filters(rate_hz: int, n_fft: int, bands: int) -> np.ndarray:
    """float32 [bands, 1 + n_fft // 2]: triangles of unit area, evenly spread over the mels up to half the rate."""
    corners = _mel_to_hz(np.linspace(0.0, _hz_to_mel(rate_hz / 2), bands + 2))
    distance = corners[:, None] - np.fft.rfftfreq(n_fft, 1 / rate_hz)
    widths = np.diff(corners)[:, None]
    bank = np.maximum(0, np.minimum(-distance[:-2] / widths[:-1], distance[2:] / widths[1:])).astype(np.float32)
    bank *= (2.0 / (corners[2:] - corners[:-2]))[:, None]
    bank.flags.writeable = False
    return bank
