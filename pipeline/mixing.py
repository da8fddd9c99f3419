"""SplitMix64: spreads 64-bit numbers so that the smallest ones are a random sample, the same on every machine."""

from __future__ import annotations

import numpy as np

#: The increment of the generator: 2^64 divided by the golden ratio (Steele, Lea, Flood 2014, section 3).
GOLDEN = 0x9E3779B97F4A7C15


def splitmix64(z: np.ndarray) -> np.ndarray:
    """The generator's finaliser, uint64 [...] -> uint64 [...]; a bijection."""
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))
