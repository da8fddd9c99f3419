"""Keys of clips in an index: a clip's key follows from its id alone, so a vector is never found by its position."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from pipeline.mixing import GOLDEN, splitmix64


def key_of(clip_id: str) -> int:
    """The first 63 bits of sha256(clip_id): 0 or above, the same on every machine."""
    digest = hashlib.sha256(clip_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def keys_of(clip_ids: Sequence[str]) -> np.ndarray:
    """Keys of many clips, int64 [n]. ValueError naming ids that are given twice or share a key."""
    keys = np.fromiter(map(key_of, clip_ids), np.int64, len(clip_ids))
    twice = set(repeated(keys).tolist())
    if twice:
        named = sorted({clip_ids[i] for i, key in enumerate(keys.tolist()) if key in twice})
        raise ValueError(f"clip ids given twice (or with one key): {shown(named)}; every clip needs its own id")
    return keys


def repeated(keys: np.ndarray) -> np.ndarray:
    """The keys that occur more than once, ascending."""
    ordered, counts = np.unique(keys, return_counts=True)
    return ordered[counts > 1]


def shown(names: Sequence[object], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(map(str, names[:most])) + (f" and {rest} more" if rest > 0 else "")


def draw_order(keys: np.ndarray, seed: int) -> np.ndarray:
    """A fixed pseudo-random number for each key, uint64 [n]; a sample is the keys with the smallest ones.

    The sample depends on the set of keys, not on their order.
    """
    with np.errstate(over="ignore"):
        return splitmix64(np.asarray(keys, np.int64).view(np.uint64) + np.uint64((seed + 1) * GOLDEN % 2**64))
