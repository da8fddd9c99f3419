"""The 380 rows averaged over the cells of the one-second grid, for the whole clip."""

from __future__ import annotations

import math

import numpy as np

from transforms.music import kernels
from transforms.music.contract import Contract
from transforms.music.excerpt import extend
from transforms.music.layout import HOP, HPSS_HOP, RATE_HZ, ROWS
from transforms.views import Sound

#: Shortest signal in samples: the constant-Q transform mirrors the signal at its ends in seven octaves, and the lowest
#: of them must be long enough for that (ours; 2.7 s, silence behind a shorter clip).
SHORTEST = 1 << 15


def cells(sound: Sound, count: int, contract: Contract) -> tuple[np.ndarray, np.ndarray]:
    """Averages over [k, k + 1) s for k < ``count``.

    A cell takes the frames that are centred on a sample of the track and in the cell; one that the track touches for
    less than a hop takes the frame nearest to what it holds.

    Parameters
    ----------
    sound: from the clip's start.
    count: rows of the clip's one-second grid.

    Returns
    -------
    (float32 [count, 380], bool [count]): the averages, 0 and False where a cell has no sound.
    """
    values, mask = np.zeros((count, ROWS), dtype=np.float32), np.zeros(count, dtype=bool)
    first, end = round(sound.start_s * RATE_HZ), min(round(sound.end_s * RATE_HZ), len(sound.samples))
    if sound.start_s < sound.end_s:
        end = max(end, first + 1)  # less than a sample is one all the same
    if first >= end:
        return values, mask
    # whole hops of the separation, so that nothing is lost at the end whatever the contract says of its tail
    length = max(SHORTEST, math.ceil(len(sound.samples) / HPSS_HOP) * HPSS_HOP)
    rows = kernels.frames(extend(sound.samples, length), contract)
    for cell in range(first // RATE_HZ, min(count, (end - 1) // RATE_HZ + 1)):
        begins, ends = max(first, cell * RATE_HZ), min(end, (cell + 1) * RATE_HZ)
        low, high = -(-begins // HOP), -(-ends // HOP)
        if low == high:
            low = min((begins + ends) // 2 // HOP, len(rows) - 1)
            high = low + 1
        values[cell] = rows[low:high].mean(axis=0, dtype=np.float64)
        mask[cell] = True
    return values, mask
