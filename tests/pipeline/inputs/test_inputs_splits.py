"""Splits: by hash of the id alone, in the shares asked for, never moving."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from pipeline.errors import UsageError
from pipeline.inputs import DEFAULT_FRACTIONS, assign_split, parse_fractions
from pipeline.inputs.splits import SPLITS, normalise_split
from pipeline.store import shard_of

IDS = [f"clip {number}" for number in range(10_000)]


@pytest.mark.parametrize("shares", ["0.8,0.1,0.1", "0.5,0.25,0.25", "0.98,0.01,0.01"])
def test_shares_hold_within_four_standard_deviations(shares: str) -> None:
    fractions = parse_fractions(shares)
    counts = Counter(assign_split(clip_id, fractions) for clip_id in IDS)
    for split, share in fractions.items():
        deviation = math.sqrt(len(IDS) * share * (1 - share))
        assert abs(counts[split] - len(IDS) * share) < 4 * deviation


@pytest.mark.parametrize(("shares", "only"), [("1,0,0", "train"), ("0,1,0", "val"), ("0,0,1", "test")])
def test_a_share_of_nothing_gets_nothing(shares: str, only: str) -> None:
    assert {assign_split(clip_id, parse_fractions(shares)) for clip_id in IDS[:500]} == {only}


def test_splits_never_move() -> None:
    # recorded once: another assignment would silently mix training and test clips of existing datasets
    known = {"a": "train", "é": "train", "clip 24": "val", "clip 38": "val", "clip 15": "test", "clip 33": "test"}
    found = {clip_id: assign_split(clip_id, DEFAULT_FRACTIONS) for clip_id in known}
    assert found == known


def test_a_larger_training_share_moves_no_clip_out_of_training() -> None:
    small, large = parse_fractions("0.5,0.25,0.25"), parse_fractions("0.7,0.15,0.15")
    assert all(assign_split(i, large) == "train" for i in IDS[:2000] if assign_split(i, small) == "train")


def test_splits_are_independent_of_shards() -> None:
    shares = [
        sum(assign_split(i, DEFAULT_FRACTIONS) == "train" for i in IDS if shard_of(i, 4) == shard)
        / sum(shard_of(i, 4) == shard for i in IDS)
        for shard in range(4)
    ]
    assert all(abs(share - 0.8) < 0.04 for share in shares)


def test_defaults_are_whole() -> None:
    assert tuple(DEFAULT_FRACTIONS) == SPLITS
    assert sum(DEFAULT_FRACTIONS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "text", ["", "0.8", "0.8,0.2", "0.8,0.1,0.2", "1.2,-0.1,-0.1", "a,b,c", "1,0,0,0", "nan,0.5,0.5", "inf,0,0"]
)
def test_wrong_fractions(text: str) -> None:
    with pytest.raises(UsageError, match="three numbers"):
        parse_fractions(text)


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        (" Training ", "train"),
        ("VAL", "val"),
        ("valid", "val"),
        ("validation", "val"),
        ("dev", "val"),
        ("test", "test"),
        ("Testing", "test"),
        ("holdout", None),
        ("", None),
    ],
)
def test_words_for_splits(word: str, split: str | None) -> None:
    assert normalise_split(word) == split
