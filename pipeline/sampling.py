"""Which rows a projection is fitted on: those with the smallest hash, whatever order or part they are read from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np

from pipeline.mixing import GOLDEN, splitmix64

_SALT = "reelscore fit 1"
#: Candidates kept beyond the expected number while looking for the limit; more than six standard deviations for any
#: sample above 10,000 rows, and everything is kept below that.
_SLACK = 1.1
_ALWAYS_KEEP = 10_000


def row_hashes(clip_id: str, rows: int) -> np.ndarray:
    """uint64 [rows]: a hash of (clip, row), uniform over 64 bits.

    The clip's 64 bits come from SHA-256; SplitMix64 spreads the row number over them.
    """
    seed = np.uint64(int.from_bytes(hashlib.sha256(f"{_SALT}\n{clip_id}".encode()).digest()[:8], "big"))
    with np.errstate(over="ignore"):
        return splitmix64(seed + (np.arange(rows, dtype=np.uint64) + np.uint64(1)) * np.uint64(GOLDEN))


def sample_limit(clips: Callable[[], Iterable[tuple[str, np.ndarray]]], rows: int) -> tuple[int, int, int]:
    """The hash up to which (inclusive) rows belong to the sample.

    Parameters
    ----------
    clips: gives, each time it is called, (id, mask bool [n]) of every training clip.
    rows: size of the sample; everything is taken where there is no more than that.

    Returns
    -------
    (limit, rows in the sample, valid rows in all).
    """
    total = sum(int(mask.sum()) for _, mask in clips())
    highest = 2**64 - 1
    if total <= rows:
        return highest, total, total
    keep = highest if rows <= _ALWAYS_KEEP else min(highest, int(_SLACK * rows / total * 2**64))
    candidates = [
        hashes[hashes <= np.uint64(keep)] for clip_id, mask in clips() if len(hashes := _valid(clip_id, mask))
    ]
    flat = np.concatenate(candidates)
    return int(np.partition(flat, rows - 1)[rows - 1]), rows, total


def sampled(clip_id: str, mask: np.ndarray, limit: int) -> np.ndarray:
    """Numbers of the clip's rows that belong to the sample."""
    return np.flatnonzero(mask & (row_hashes(clip_id, len(mask)) <= np.uint64(limit)))


def _valid(clip_id: str, mask: np.ndarray) -> np.ndarray:
    return row_hashes(clip_id, len(mask))[mask]
