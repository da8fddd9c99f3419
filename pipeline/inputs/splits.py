"""Train, validation and test: taken from the manifest, or assigned by a hash of the id so that they never move."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pipeline.errors import UsageError

SPLITS = ("train", "val", "test")
#: Ours: the usual shares where neither paper nor code publishes a split (VM-NET's is not published).
DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.8, "val": 0.1, "test": 0.1}

_SYNONYMS = {"training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"}
# Part of the hash, so that splits are independent of shards and of samples drawn from the same ids.
_SALT = "reelscore split 1"


def parse_fractions(text: str) -> dict[str, float]:
    """``"0.8,0.1,0.1"`` (train, val, test) as fractions that sum to 1.

    Raises
    ------
    UsageError: not three numbers of 0 or more that sum to 1.
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 3 or not min(values) >= 0 or not abs(sum(values) - 1) <= 1e-6:
        raise UsageError(f"--split-fractions {text}: expected three numbers that sum to 1, such as 0.8,0.1,0.1")
    return dict(zip(SPLITS, values, strict=True))


def assign_split(clip_id: str, fractions: Mapping[str, float]) -> str:
    """The split of a clip: a number in [0, 1) from the hash of its id, cut at the cumulated fractions."""
    number = int.from_bytes(hashlib.sha256(f"{_SALT}\n{clip_id}".encode()).digest()[:8], "big") / 2**64
    edge = 0.0
    for split in SPLITS:
        edge += fractions[split]
        if number < edge:
            return split
    return next(split for split in reversed(SPLITS) if fractions[split] > 0)


def normalise_split(value: str) -> str | None:
    """``train``, ``val`` or ``test`` for what a manifest says; None for an unknown word."""
    word = value.strip().lower()
    word = _SYNONYMS.get(word, word)
    return word if word in SPLITS else None
