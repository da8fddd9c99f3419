"""Compiling the kernels of the fast path, once a machine: numba keeps what it compiled beside the modules.

Where the package's folder cannot be written, numba keeps it in the user's cache folder; NUMBA_CACHE_DIR names another.
"""

from __future__ import annotations

import functools

import numpy as np

from transforms.music.cells import SHORTEST
from transforms.music.contract import CONTRACTS, contract


@functools.cache
def warm() -> None:
    """Run every kernel on a moment of noise, so that workers find them compiled. Seconds once, then next to nothing."""
    from transforms.music.rows import frames

    noise = np.random.default_rng(0).normal(size=SHORTEST).astype(np.float32)
    for name in CONTRACTS:
        frames(noise, contract(name))
