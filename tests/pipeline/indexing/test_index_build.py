"""Building indexes: what is found in them, the same bytes from the same vectors, and wrong input."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
import pytest

from pipeline.indexing.build import IndexSpec, build, unit
from pipeline.indexing.ids import draw_order, key_of, keys_of
from pipeline.indexing.search import search

METRICS = ["cosine", "inner_product", "l2"]


def clustered(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Keys and vectors in forty clusters."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((40, d))[rng.integers(0, 40, n)] + 0.7 * rng.standard_normal((n, d))
    return keys_of([f"clip {i}" for i in range(n)]), vectors.astype(np.float32)


def batches(keys: np.ndarray, vectors: np.ndarray, size: int = 300) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return ((keys[i : i + size], vectors[i : i + size]) for i in range(0, len(keys), size))


def serialized(index: Any) -> bytes:
    return faiss.serialize_index(index).tobytes()


def test_key_is_the_first_63_bits_of_sha256() -> None:
    # sha256("abc") = ba7816bf 8f01cfea ...
    assert key_of("abc") == 0xBA7816BF8F01CFEA >> 1
    assert key_of("") == 0xE3B0C44298FC1C14 >> 1
    assert keys_of(["abc", "clip \u00e9 \udc80"]).dtype == np.int64
    assert (keys_of([str(i) for i in range(1000)]) >= 0).all()


def test_repeated_clip_ids_are_named() -> None:
    with pytest.raises(ValueError, match=r"given twice .*: a, c; every"):
        keys_of(["a", "b", "c", "a", "c", "c"])


def test_draw_order_depends_on_key_and_seed_only() -> None:
    keys = np.arange(5000, dtype=np.int64)
    order = draw_order(keys, 0)
    np.testing.assert_array_equal(draw_order(keys[::-1], 0), order[::-1])
    assert len(np.unique(order)) == 5000
    # Published first output of splitmix64 for seed 0, which is the finaliser of the increment.
    assert int(draw_order(np.zeros(1, np.int64), 0)[0]) == 0xE220A8397B1DCDAF
    assert not (draw_order(keys, 1) == order).any()
    low = np.argsort(order)[:500]
    assert 2000 < low.mean() < 3000


@pytest.mark.parametrize("metric", METRICS)
def test_flat_search_equals_plain_numpy(metric: str) -> None:
    keys, x = clustered(500, 19)
    queries = clustered(7, 19, seed=1)[1]
    index, info = build(batches(keys, x), 500, 19, IndexSpec(metric=metric))
    found, scores = search(index, queries, 5, metric)
    a, b = queries.astype(np.float64), x.astype(np.float64)
    if metric == "cosine":
        wanted = a @ b.T / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    elif metric == "l2":
        wanted = np.linalg.norm(a[:, None] - b, axis=-1)
    else:
        wanted = a @ b.T
    order = np.argsort(wanted if metric == "l2" else -wanted, axis=1)[:, :5]
    np.testing.assert_array_equal(found, keys[order])
    np.testing.assert_allclose(scores, np.take_along_axis(wanted, order, axis=1), rtol=1e-4, atol=1e-5)
    assert (info["kind"], info["metric"], info["n"], info["d"], info["messages"]) == ("flat", metric, 500, 19, [])


def test_auto_becomes_approximate_from_a_size_upward() -> None:
    keys, x = clustered(1300, 16)
    spec = IndexSpec(ann_from=1300)
    assert build(batches(keys, x), 1300, 16, spec)[1]["kind"] == "ivfpq"
    assert build(batches(keys[1:], x[1:]), 1299, 16, spec)[1]["kind"] == "flat"


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("d", [24, 37, 5, 1])
def test_ivfpq_of_any_width_is_exact_where_it_looks_everywhere(metric: str, d: int) -> None:
    keys, x = clustered(2000, d)
    spec = IndexSpec("ivfpq", metric, nlist=20, nprobe=20, k_factor=2000)
    index, info = build(batches(keys, x), 2000, d, spec)
    gc.collect()
    assert info["padded_d"] % info["pq_m"] == 0
    assert info["padded_d"] >= d
    scores = search(index, x[:50], 1, metric)[1]
    flat = build(batches(keys, x), 2000, d, IndexSpec("flat", metric))[0]
    np.testing.assert_allclose(scores, search(flat, x[:50], 1, metric)[1], rtol=1e-5, atol=2e-3)
    ready = unit(x) if metric == "cosine" else x
    np.testing.assert_array_equal(index.reconstruct(int(keys[7])), ready[7])


@pytest.mark.parametrize("kind", ["flat", "ivfpq"])
def test_same_vectors_give_the_same_bytes_however_they_are_batched(kind: str) -> None:
    keys, x = clustered(3000, 20)
    spec = IndexSpec(kind, nlist=30)
    threads = faiss.omp_get_max_threads()
    made = [serialized(build(batches(keys, x, size), 3000, 20, spec)[0]) for size in (3000, 271)]
    faiss.omp_set_num_threads(2 if threads == 1 else 1)
    made.append(serialized(build(batches(keys, x), 3000, 20, spec)[0]))
    faiss.omp_set_num_threads(threads)
    assert made[0] == made[1] == made[2]
    if kind == "ivfpq":
        assert serialized(build(batches(keys, x), 3000, 20, IndexSpec(kind, nlist=30, seed=1))[0]) != made[0]


def test_training_sample_does_not_depend_on_the_order_of_the_stream() -> None:
    keys, x = clustered(4000, 16)
    spec = IndexSpec("ivfpq", nlist=16)

    def centroids(order: np.ndarray) -> np.ndarray:
        index, info = build(batches(keys[order], x[order]), 4000, 16, spec)
        assert info["training_n"] == 64 * 16
        refine: Any = faiss.downcast_index(index.index)
        ivf: Any = faiss.downcast_index(refine.base_index)
        return ivf.quantizer.reconstruct_n(0, 16)

    shuffled = np.random.default_rng(0).permutation(4000)
    np.testing.assert_array_equal(centroids(np.arange(4000)), centroids(shuffled))


def test_given_training_vectors_are_used() -> None:
    keys, x = clustered(1000, 16)
    training = clustered(800, 16, seed=9)[1]
    spec = IndexSpec("ivfpq", nlist=8)
    index, info = build(batches(keys, x), 1000, 16, spec, training)
    assert info["training_n"] == 800
    assert serialized(index) != serialized(build(batches(keys, x), 1000, 16, spec)[0])
    with pytest.raises(ValueError, match="100 training vectors are too few for 8 lists"):
        build(batches(keys, x), 1000, 16, spec, training[:100])


def test_lists_are_reduced_with_a_message_and_too_few_vectors_refused() -> None:
    keys, x = clustered(700, 16)
    info = build(batches(keys, x), 700, 16, IndexSpec("ivfpq", nlist=100, nprobe=64))[1]
    assert (info["nlist"], info["nprobe"]) == (17, 17)
    assert info["messages"] == ["the index has 17 lists, not 100: 700 vectors train 17 at 39 each"]
    assert json.loads(json.dumps(info)) == info
    with pytest.raises(ValueError, match="at least 624 vectors and there are 623; use kind 'flat'"):
        build(batches(keys[:623], x[:623]), 623, 16, IndexSpec("ivfpq"))


def test_zero_vectors_are_counted_and_have_cosine_zero() -> None:
    keys, x = clustered(10, 8)
    x[3] = 0
    index, info = build(batches(keys, x), 10, 8, IndexSpec())
    assert info["messages"] == ["1 of 10 vectors are all zero: their cosine with everything is 0"]
    found, scores = search(index, x[:1], 10, "cosine")
    assert scores[0, found[0] == keys[3]].tolist() == [0]


def test_threads_are_given_back_after_an_error() -> None:
    before = faiss.omp_get_max_threads()
    with pytest.raises(ValueError, match="2 vectors found, 3 were declared"):
        build(batches(*clustered(2, 4)), 3, 4, IndexSpec())
    assert faiss.omp_get_max_threads() == before


def test_wrong_input_is_named() -> None:
    keys, x = clustered(30, 4)
    spec = IndexSpec()
    with pytest.raises(ValueError, match="0 vectors of 4 dimensions"):
        build([], 0, 4, spec)
    with pytest.raises(ValueError, match="more vectors than the 29"):
        build(batches(keys, x, 10), 29, 4, spec)
    with pytest.raises(ValueError, match=r"shape \(30, 4\), expected \(30, 5\)"):
        build(batches(keys, x), 30, 5, spec)
    for wrong in (keys.astype(np.int32), -keys, keys[:, None]):
        with pytest.raises(ValueError, match="expected int64"):
            build([(wrong, x)], 30, 4, spec)
    twice = keys.copy()
    twice[[5, 20]] = twice[[1, 2]]
    names = ", ".join(map(str, sorted(twice[[1, 2]].tolist())))
    with pytest.raises(ValueError, match=f"keys given twice: {names}; every"):
        build(batches(twice, x, 7), 30, 4, spec)
    bad = x.copy()
    bad[4, 2] = np.nan
    with pytest.raises(ValueError, match=f"not finite, at keys {keys[4]};"):
        build(batches(keys, bad), 30, 4, spec)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "hnsw"}, "flat, ivfpq"),
        ({"metric": "dot"}, "cosine"),
        ({"nlist": 0}, "nlist"),
        ({"nprobe": 0}, "1 or"),
    ],
)
def test_wrong_specification(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        IndexSpec(**options)
