"""The sample that a projection is fitted on: by hash, of the exact size, whatever the order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline import sampling
from pipeline.sampling import row_hashes, sample_limit, sampled

HIGHEST = 2**64 - 1


def clips(count: int = 40, seed: int = 1) -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [(f"clip {n}", rng.random(int(rng.integers(0, 60))) < 0.8) for n in range(count)]


def chosen(given: list[tuple[str, np.ndarray]], limit: int) -> set[tuple[str, int]]:
    return {(clip_id, int(row)) for clip_id, mask in given for row in sampled(clip_id, mask, limit)}


@pytest.mark.parametrize("rows", [2, 17, 500])
def test_exact_size_and_only_valid_rows(rows: int) -> None:
    given = clips()
    valid = {(clip_id, int(row)) for clip_id, mask in given for row in np.flatnonzero(mask)}
    limit, used, available = sample_limit(lambda: given, rows)
    found = chosen(given, limit)
    assert (len(found), used, available) == (rows, rows, len(valid))
    assert found <= valid


def test_everything_where_there_is_no_more() -> None:
    given = clips()
    total = sum(int(mask.sum()) for _, mask in given)
    for rows in (total, total + 1):
        limit, used, available = sample_limit(lambda: given, rows)
        assert (limit, used, available) == (HIGHEST, total, total)
        assert len(chosen(given, limit)) == total
    assert sample_limit(lambda: given, total - 1)[0] < HIGHEST
    assert sample_limit(list, 5) == (HIGHEST, 0, 0)


def test_order_of_the_clips_does_not_matter() -> None:
    given = clips()
    limit = sample_limit(lambda: given, 200)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(given))
        shuffled = [given[i] for i in order]

        def again(shuffled: list[tuple[str, np.ndarray]] = shuffled) -> Iterator[tuple[str, np.ndarray]]:
            yield from shuffled

        assert sample_limit(again, 200) == limit


def test_large_samples_look_at_candidates_only_and_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given = [(f"clip {n}", np.ones(400, bool)) for n in range(60)]
    plain = sample_limit(lambda: given, 12_000)
    monkeypatch.setattr(sampling, "_ALWAYS_KEEP", 10**9)
    assert sample_limit(lambda: given, 12_000) == plain
    assert len(chosen(given, plain[0])) == 12_000


def test_a_row_stays_chosen_when_the_sample_grows() -> None:
    given = clips()
    small, large = (chosen(given, sample_limit(lambda: given, rows)[0]) for rows in (50, 300))
    assert small < large


def test_hashes_are_uniform_within_and_across_clips() -> None:
    within = row_hashes("one clip", 20_000)
    across = np.array([row_hashes(f"clip {n}", 1)[0] for n in range(20_000)])
    for hashes in (within, across):
        assert hashes.dtype == np.uint64
        assert len(np.unique(hashes)) == len(hashes)
        counts = np.histogram(hashes / 2**64, bins=20, range=(0, 1))[0]
        # chi-square with 19 degrees of freedom is below 43.8 with probability 0.999
        assert ((counts - 1000) ** 2 / 1000).sum() < 43.8
        neighbours = np.corrcoef(hashes[:-1] / 2**64, hashes[1:] / 2**64)[0, 1]
        assert abs(neighbours) < 0.03


def test_hashes_never_change() -> None:
    # pinned: other hashes would fit other projections on the same dataset
    assert [f"{h:016x}" for h in row_hashes("clip é", 2).tolist()] == ["6e56addfae99542f", "e5cf6c2039f152a7"]
    assert row_hashes("clip é", 5)[:2].tolist() == row_hashes("clip é", 2).tolist()
    assert row_hashes("a", 0).shape == (0,)
