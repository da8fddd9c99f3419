"""The way to the fast path, whose kernels are compiled at the first use."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from transforms import kernels
from transforms.music.contract import CONTRACTS, Contract, contract

_FOLDER = Path(__file__).resolve().parent


def frames(y: np.ndarray, contract: Contract) -> np.ndarray:
    """:func:`transforms.music.rows.frames`, with somewhere to keep what is compiled."""
    kernels.prepare(_FOLDER)
    from transforms.music import rows

    return rows.frames(y, contract)


@functools.cache
def warm() -> None:
    """Run every kernel on a moment of noise, so that workers find them compiled. Seconds once, then next to nothing.

    Raises
    ------
    OSError: what was compiled cannot be kept, because the disk is full.
    """
    noise = np.random.default_rng(0).normal(size=1 << 15).astype(np.float32)
    kernels.warm(_FOLDER, lambda: [frames(noise, contract(name)) for name in CONTRACTS])
