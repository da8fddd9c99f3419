"""From values to what is stored: the logarithmic scaling of the blocks."""

from __future__ import annotations

import numpy as np

from transforms.music.contract import Log

#: Smallest magnitude whose logarithm is taken, and the range below the maximum in dB (librosa's defaults).
_FLOOR, _RANGE_DB = 1e-10, 80.0


def decibels(block: np.ndarray, factor: float = 10.0) -> np.ndarray:
    """float32, as ``block``: ``factor`` log10 |block| against the block's maximum, at most 80 dB down.

    The published code's logamplitude(block, ref_power=np.max). Computed in float64.
    """
    level = np.abs(block, dtype=np.float64)
    np.maximum(level, _FLOOR, out=level)
    np.log10(level, out=level)
    level *= factor
    level -= level.max()
    return np.maximum(level, -_RANGE_DB, out=level).astype(np.float32)


def scale(name: str, block: np.ndarray, log: Log) -> np.ndarray:
    """float32, as ``block``: a block of :data:`layout.BLOCKS` as it is stored.

    Parameters
    ----------
    log: ``blocks``: every block in decibels, 10 log10; ``energies``: only ``mel`` (10 log10) and ``rms`` (20 log10).
    """
    if log == "blocks" or name == "mel":
        return decibels(block)
    return decibels(block, 20.0) if name == "rms" else block.astype(np.float32)
