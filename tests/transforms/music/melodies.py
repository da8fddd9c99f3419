"""Made-up music for the tests of pitch."""

from __future__ import annotations

import numpy as np

from transforms.music.layout import HOP, RATE_HZ

SAMPLES = 600 * HOP


def melody(seed: int, samples: int = SAMPLES) -> np.ndarray:
    """Notes of half a second with overtones that die away, over a little noise."""
    rng = np.random.default_rng(seed)
    y = 1e-3 * rng.standard_normal(samples)
    for start in range(0, samples, 6000):
        seconds = np.arange(min(6000, samples - start)) / RATE_HZ
        for note in rng.choice(np.arange(40, 84), 3, replace=False):
            hz = 440 * 2 ** ((note + 0.1 * seed - 69) / 12)
            for overtone in range(1, 5):
                wave = np.sin(2 * np.pi * hz * overtone * seconds) * np.exp(-4 * seconds)
                y[start : start + len(seconds)] += 0.1 / overtone * wave
    return y.astype(np.float32)
