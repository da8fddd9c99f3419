"""The measured recall against a brute-force count, and what must not change it."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
import pytest

import pipeline.indexing.recall as recall_module
from pipeline.indexing.build import IndexSpec, build
from pipeline.indexing.recall import measure_recall, sample_queries
from pipeline.indexing.search import search

METRICS = ["cosine", "inner_product", "l2"]


def vectors(n: int = 3000, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.permutation(10 * n)[:n].astype(np.int64), rng.standard_normal((n, d)).astype(np.float32)


def batches(keys: np.ndarray, x: np.ndarray, size: int = 400) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return ((keys[i : i + size], x[i : i + size]) for i in range(0, len(keys), size))


def plain_scores(queries: np.ndarray, x: np.ndarray, metric: str) -> np.ndarray:
    a, b = queries.astype(np.float64), x.astype(np.float64)
    if metric == "l2":
        return -np.linalg.norm(a[:, None] - b, axis=-1)
    if metric == "cosine":
        a, b = a / np.linalg.norm(a, axis=1)[:, None], b / np.linalg.norm(b, axis=1)[:, None]
    return a @ b.T


@pytest.mark.parametrize("metric", METRICS)
def test_recall_of_a_weak_index_equals_a_brute_force_count(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall_module, "BLOCK_ROWS", 150)
    keys, x = vectors()
    index, _ = build(batches(keys, x), 3000, 24, IndexSpec("ivfpq", metric, nlist=30, nprobe=2, k_factor=2))
    query_keys, queries = sample_queries(batches(keys, x), 60)
    measured = measure_recall(index, queries, batches(keys, x), metric=metric, query_keys=query_keys)
    scores = plain_scores(queries, x, metric)
    returned = search(index, queries, 11, metric)[0]
    hits = 0
    for i, own in enumerate(query_keys):
        exact = [key for key in keys[np.argsort(-scores[i])].tolist() if key != own][:10]
        hits += len(set(exact) & set([key for key in returned[i].tolist() if key not in (own, -1)][:10]))
    assert measured == pytest.approx(hits / 600, abs=1e-9)
    assert 0.05 < measured < 0.9


@pytest.mark.parametrize("metric", METRICS)
def test_exact_index_has_recall_one(metric: str) -> None:
    keys, x = vectors(500)
    index, _ = build(batches(keys, x), 500, 24, IndexSpec(metric=metric))
    query_keys, queries = sample_queries(batches(keys, x), 100)
    assert measure_recall(index, queries, batches(keys, x), metric=metric, query_keys=query_keys) == 1.0
    assert measure_recall(index, queries + 0.1, batches(keys, x), metric=metric) == 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_equal_vectors_do_not_count_as_misses(metric: str) -> None:
    keys, x = vectors(200)
    x = np.repeat(x[:10], 20, axis=0)
    index, _ = build(batches(keys, x), 200, 24, IndexSpec(metric=metric))
    assert measure_recall(index, x, batches(keys, x, 7), metric=metric, query_keys=keys) == 1.0


def test_an_index_of_other_vectors_has_no_recall() -> None:
    keys, x = vectors(1000)
    index, _ = build(batches(keys, x[::-1]), 1000, 24, IndexSpec())
    assert measure_recall(index, x[:100], batches(keys, x), metric="cosine", query_keys=keys[:100]) < 0.05


def test_own_vector_does_not_count() -> None:
    # Each vector's only match is itself; the approximate index returns nothing else that is right.
    keys, x = vectors(1000)
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(24))
    index.add_with_ids(x[:1] / np.linalg.norm(x[0]), keys[:1])
    assert measure_recall(index, x[:1], batches(keys, x), metric="cosine", k=1) == 1.0
    assert measure_recall(index, x[:1], batches(keys, x), metric="cosine", k=1, query_keys=keys[:1]) == 0.0


def test_fewer_vectors_than_k() -> None:
    keys, x = vectors(4)
    index, _ = build(batches(keys, x), 4, 24, IndexSpec())
    assert measure_recall(index, x, batches(keys, x), metric="cosine", query_keys=keys) == 1.0
    one, _ = build(batches(keys[:1], x[:1]), 1, 24, IndexSpec())
    with pytest.raises(ValueError, match="no neighbours to measure"):
        measure_recall(one, x[:1], batches(keys[:1], x[:1]), metric="cosine", query_keys=keys[:1])
    with pytest.raises(ValueError, match="no queries"):
        measure_recall(index, x[:0], batches(keys, x), metric="cosine")


def test_query_sample_depends_on_the_keys_alone() -> None:
    keys, x = vectors(2000)
    shuffled = np.random.default_rng(1).permutation(2000)
    first = sample_queries(batches(keys, x), 50)
    second = sample_queries(batches(keys[shuffled], x[shuffled], 33), 50)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    place = {key: i for i, key in enumerate(keys.tolist())}
    np.testing.assert_array_equal(first[1], x[[place[key] for key in first[0].tolist()]])
    assert len(sample_queries(batches(keys, x))[0]) == 1000
    assert len(sample_queries(batches(keys[:5], x[:5]))[0]) == 5
    with pytest.raises(ValueError, match="no vectors"):
        sample_queries([])
