"""Seeded weights for smoke tests: the same bits on every machine and with every version of numpy and torch.

Every tensor has its own stream, keyed by the seed and the tensor's name. A value is the sum of the four 16-bit words
of one raw 64-bit draw of PCG64 (a bell curve, by integer arithmetic alone), so nothing depends on how a library turns
bits into normal numbers. Normalisation layers are the identity. Half of each filter's mean is taken off: with plain
random filters a deep ReLU network maps all pictures to nearly one direction (33 real frames through Inception: cosines
of 0.993 to 1; with this 0.85 to 1). Taking off more would make float32's rounding errors grow past 1e-5.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

#: Raised whenever the same seed would give other bits.
RECIPE = "reelscore random weights, version 1"
#: Variance of a weight times its fan-in (ours): He's 2, raised so that activations keep their size without the mean.
GAIN = 2.5


def digest(backbone: str, seed: int) -> str:
    """SHA-256 of what determines the bits: recipe, network and seed. It needs neither torch nor the tensors."""
    return hashlib.sha256(f"{RECIPE}: {backbone}, seed {seed}".encode()).hexdigest()


def tensor(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """One tensor of a state dict, by the convention of torch's names.

    Returns
    -------
    float32 [shape] (int64 for a counter of batches).
    """
    kind = name.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if kind == "running_var" or (kind == "weight" and len(shape) < 2):
        return np.ones(shape, np.float32)
    if kind in ("running_mean", "bias"):
        return np.zeros(shape, np.float32)
    key = int.from_bytes(hashlib.sha256(f"{RECIPE}: {name}, seed {seed}".encode()).digest(), "little")
    # PCG64 takes its state and (odd) increment as they are: no seeding algorithm that could change stands between.
    stream = np.random.PCG64()
    stream.state = {
        "bit_generator": "PCG64",
        "state": {"state": key & (1 << 128) - 1, "inc": key >> 128 | 1},
        "has_uint32": 0,
        "uinteger": 0,
    }
    draws = stream.random_raw(math.prod(shape))
    words = [(draws >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.int64) for shift in (0, 16, 32, 48)]
    rows = (words[0] + words[1] + words[2] + words[3] - 2 * 0xFFFF).reshape(shape[0], -1)
    fan_in = rows.shape[1]
    spread = math.sqrt((2**32 - 1) / 3)  # of the sum of four even words: sqrt(4 * (2**32 - 1) / 12)
    if fan_in > 1:
        rows = 2 * fan_in * rows - rows.sum(axis=1, keepdims=True)  # whole numbers: no rounding, no order
        spread *= 2 * fan_in
    return (rows * (math.sqrt(GAIN / fan_in) / spread)).astype(np.float32).reshape(shape)


def state(module: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Seeded values for every tensor of `module`."""
    import torch

    return {
        name: torch.from_numpy(tensor(name, tuple(value.shape), seed)) for name, value in module.state_dict().items()
    }
