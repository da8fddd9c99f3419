"""Measures an index against exact search, which streams over the vectors and holds one block of them at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.indexing.build import Batches, unit
from pipeline.indexing.ids import draw_order
from pipeline.indexing.search import search

#: Vectors that are compared at once (ours: 33 MB of scores with a thousand queries).
BLOCK_ROWS = 8192
#: Neighbours whose exact score is this near to the k-th best count as tied with it (ours: float32 rounding).
TIE = 2e-6


def sample_queries(batches: Batches, limit: int = 1000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Keys [q] and vectors [q, d] of at most ``limit`` of the stream's vectors; the same in any order of them."""
    keys, vectors = np.empty(0, np.int64), None
    for more_keys, more in batches:
        keys = np.concatenate([keys, more_keys])
        vectors = np.asarray(more) if vectors is None else np.concatenate([vectors, more])
        kept = np.argsort(draw_order(keys, seed), kind="stable")[:limit]
        keys, vectors = keys[kept], vectors[kept]
    if vectors is None:
        raise ValueError("no vectors to draw queries from")
    return keys, vectors


def measure_recall(
    index: Any,
    queries: np.ndarray,
    batches: Batches,
    *,
    metric: str,
    k: int = 10,
    query_keys: np.ndarray | None = None,
) -> float:
    """Recall@k: the share of each query's k exact nearest neighbours that the index returns, averaged over the queries.

    Parameters
    ----------
    queries: float [q, d]; a thousand are enough.
    batches: all (keys, vectors) of the index; read once.
    query_keys: int64 [q], the keys of queries that are in the index themselves; they do not count as their own
        neighbours, which would be found too easily.

    A returned neighbour counts where its exact score reaches the k-th best, so equal vectors do not count as misses.
    With fewer than k vectors to find, all of them are asked for. ValueError for no queries or nothing to find.
    """
    if len(queries) == 0:
        raise ValueError("no queries to measure recall with")
    own = query_keys if query_keys is not None else np.full(len(queries), -1, np.int64)
    asked = k if query_keys is None else k + 1
    returned, _ = search(index, queries, asked, metric)
    returned = _without(returned, own, k)
    best, exact, size = _exact(_ready(queries, metric), batches, returned, own, metric, k)
    if best.shape[1] == 0:
        raise ValueError("no vectors to find: an index of one vector has no neighbours to measure")
    found = (exact >= best[:, -1:] - TIE * size) & (returned >= 0)
    return float(np.minimum(found.sum(axis=1) / best.shape[1], 1.0).mean())


def _ready(x: np.ndarray, metric: str) -> np.ndarray:
    return unit(x) if metric == "cosine" else np.ascontiguousarray(x, dtype=np.float32)


def _without(keys: np.ndarray, own: np.ndarray, k: int) -> np.ndarray:
    """The first k of each row of ``keys`` [q, a], leaving out the query's own; -1 where there are fewer."""
    order = np.argsort(keys == own[:, None], axis=1, kind="stable")
    moved = np.take_along_axis(np.where(keys == own[:, None], -1, keys), order, axis=1)
    return moved[:, :k]


def _exact(
    queries: np.ndarray, batches: Batches, returned: np.ndarray, own: np.ndarray, metric: str, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best exact scores [q, <= k] (larger is nearer), those of the returned keys [q, k], the scores' size [q, 1].

    For l2 the score is minus the squared distance.
    """
    best = np.empty((len(queries), 0), np.float32)
    exact = np.full(returned.shape, -np.inf, np.float32)
    squares = np.square(queries).sum(axis=1, keepdims=True)
    largest = np.float32(0)
    for keys, vectors in batches:
        for start in range(0, len(keys), BLOCK_ROWS):
            block = _ready(vectors[start : start + BLOCK_ROWS], metric)
            here = np.asarray(keys[start : start + BLOCK_ROWS])
            lengths = np.square(block).sum(axis=1)
            largest = max(largest, lengths.max(initial=0))
            scores = queries @ block.T
            if metric == "l2":
                scores = 2 * scores - squares - lengths
            order = np.argsort(here, kind="stable")
            ordered = here[order]
            place = np.minimum(np.searchsorted(ordered, returned), len(here) - 1)
            rows, slots = np.nonzero(ordered[place] == returned)
            exact[rows, slots] = scores[rows, order[place[rows, slots]]]
            scores[own[:, None] == here] = -np.inf
            best = np.concatenate([best, scores], axis=1)
            if best.shape[1] > k:
                best = np.partition(best, best.shape[1] - k, axis=1)[:, -k:]
    best = -np.sort(-best, axis=1)
    count = int(np.isfinite(best).sum(axis=1).min(initial=best.shape[1]))
    size = squares + largest if metric == "l2" else np.sqrt(squares * largest)
    return best[:, :count], exact, size
