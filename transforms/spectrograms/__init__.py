"""Spectrograms of a clip's sound as pure functions over arrays: MFCC (DPVM), VGGish's patches, speech (FBP).

Here is what they share: windows of samples transformed in blocks, how many rows a signal gives, and which of them hold
sound. scipy is imported where it is used, so that the cards can name the constants of these modules for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from transforms.views import Sound

#: Windows in a block: their spectra stay in the cache, and memory stays bounded (ours).
BLOCK = 64

Tail = Literal["drop", "pad"]


def spectra(samples: np.ndarray, window: np.ndarray, hop: int, n_fft: int) -> Iterator[tuple[slice, np.ndarray]]:
    """(which rows, complex128 [rows, 1 + n_fft // 2]) of the windows that lie wholly within a signal, block by block.

    Parameters
    ----------
    samples: float32 [n], at least as long as ``window`` (float64 [w]). Row t looks at samples [t * hop, t * hop + w),
        filled up with zeros to ``n_fft``.
    """
    import scipy.fft

    frames = sliding_window_view(samples, len(window))[::hop]
    for start in range(0, len(frames), BLOCK):
        part = frames[start : start + BLOCK]
        yield slice(start, start + len(part)), scipy.fft.rfft(part * window, n_fft, axis=-1)


def row_count(samples: int, width: int, hop: int, tail: Tail) -> int:
    """Rows of ``width`` samples, one every ``hop``, of a signal; at least 1.

    ``drop``: those that lie wholly within the signal; ``pad``: all that begin within it.
    """
    rows = 1 + (samples - width) // hop if tail == "drop" else math.ceil(samples / hop)
    return max(1, rows)


def track(sound: Sound) -> tuple[int, int]:
    """The samples [first, end) of ``sound.samples`` that the track covers; a track of any length has at least one."""
    if not sound.end_s > sound.start_s:
        return 0, 0
    first = max(0, round(sound.start_s * sound.rate_hz) - sound.origin)
    end = max(first + 1, round(sound.end_s * sound.rate_hz) - sound.origin)
    return min(first, len(sound.samples)), min(end, len(sound.samples))


def rows_with_sound(rows: int, width: int, hop: int, first: int, end: int) -> slice:
    """Those of ``rows`` rows that look at any sample of [first, end)."""
    if first >= end:
        return slice(0, 0)
    start = min(rows, max(0, (first - width) // hop + 1))
    return slice(start, max(start, min(rows, math.ceil(end / hop))))


def excerpt(samples: np.ndarray, rows: slice, width: int, hop: int) -> np.ndarray:
    """The samples that ``rows`` look at, with zeros beyond the signal's end."""
    start, end = rows.start * hop, (rows.stop - 1) * hop + width
    found = samples[start:end]
    return found if len(found) == end - start else np.pad(found, (0, end - start - len(found)))
