"""Searching an index and keeping it in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from pipeline.indexing.build import IndexSpec, build
from pipeline.indexing.search import read_index, search, write_index

KEYS = np.array([70, 10, 40], np.int64)
CORNERS = np.array([[2, 0], [0, 3], [3, 4]], np.float32)


def small(metric: str) -> Any:
    return build([(KEYS, CORNERS)], 3, 2, IndexSpec(metric=metric))[0]


def test_hand_worked_scores_of_each_metric() -> None:
    query = np.array([[0, 5]])
    cases: list[tuple[str, list[int], list[float]]] = [
        ("cosine", [10, 40, 70], [1, 0.8, 0]),
        ("inner_product", [40, 10, 70], [20, 15, 0]),
        ("l2", [10, 40, 70], [2, np.sqrt(10), np.sqrt(29)]),
    ]
    for metric, keys, scores in cases:
        found, values = search(small(metric), query, 3, metric)
        assert found.tolist() == [keys]
        np.testing.assert_allclose(values[0], scores, rtol=1e-6, atol=1e-6)
        assert (found.dtype, values.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_missing_results_have_key_minus_one_and_no_score(metric: str) -> None:
    found, scores = search(small(metric), CORNERS[:1], 5, metric)
    assert found[0, 0] == 70
    assert found[0, 3:].tolist() == [-1, -1]
    assert np.isnan(scores[0]).tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", ["flat", "ivfpq"])
def test_index_comes_back_from_its_file(tmp_path: Path, kind: str, mmap: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1500, 18)).astype(np.float32)
    keys = rng.permutation(1500).astype(np.int64)
    index, _ = build([(keys, x)], 1500, 18, IndexSpec(kind, nlist=12, nprobe=5))
    path = tmp_path / "d\u00e9p\u00f4t of 'indexes'" / "index.faiss"
    path.parent.mkdir()
    write_index(index, path)
    assert list(path.parent.iterdir()) == [path]
    back = read_index(path, mmap=mmap)
    for before, after in zip(search(index, x[:20], 5, "cosine"), search(back, x[:20], 5, "cosine"), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(back.reconstruct(int(keys[3])), index.reconstruct(int(keys[3])))


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.faiss"
    write_index(small("l2"), path)
    before = path.read_bytes()

    def full(index: object, name: str) -> None:
        Path(name).write_bytes(b"half")
        raise RuntimeError(
            "Error in write at io.cpp:61: Error: 'ret == n' failed: write error: No space left on device"
        )

    monkeypatch.setattr(faiss, "write_index", full)
    with pytest.raises(OSError, match=r"index.faiss \('ret == n' failed: write error: No space left on device\)"):
        write_index(small("cosine"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    with pytest.raises(OSError, match="cannot be written"):
        write_index(small("l2"), tmp_path / "nowhere" / "index.faiss")


@pytest.mark.parametrize("mmap", [False, True])
def test_missing_and_damaged_files(tmp_path: Path, mmap: bool) -> None:
    path = tmp_path / "index.faiss"
    with pytest.raises(FileNotFoundError, match="no such index"):
        read_index(path, mmap)
    write_index(small("l2"), path)
    whole = path.read_bytes()
    for data in (b"", b"something else", whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="is not an index or is damaged"):
            read_index(path, mmap)


def test_wrong_queries() -> None:
    index = small("cosine")
    for wrong in (np.zeros((1, 3)), np.zeros(2)):
        with pytest.raises(ValueError, match=r"expected \[q, 2\]"):
            search(index, wrong, 1, "cosine")
    with pytest.raises(ValueError, match="0 neighbours"):
        search(index, np.zeros((1, 2)), 0, "cosine")
    with pytest.raises(ValueError, match="metric 'dot'"):
        search(index, np.zeros((1, 2)), 1, "dot")
    with pytest.raises(ValueError, match="not finite"):
        search(index, np.array([[np.inf, 0]]), 1, "cosine")
