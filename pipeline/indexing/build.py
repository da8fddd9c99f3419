"""Builds a FAISS index from a stream of keys and vectors; the same stream gives the same bytes.

Flat (exact) up to a million vectors, IVF with 4-bit product quantisation, fast scan and exact re-ranking from there on.
The re-ranking needs the vectors themselves: they are stored first, and the quantiser is trained and filled from there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.indexing.ids import draw_order, repeated, shown
from transforms.gram import one_blas_thread

KINDS = ("auto", "flat", "ivfpq")
METRICS = ("cosine", "inner_product", "l2")

Batches = Iterable[tuple[np.ndarray, np.ndarray]]

#: Training vectors per centroid: FAISS warns below 39; 64 is ours.
TRAIN_LEAST, TRAIN_WANTED = 39, 64
#: Centroids of one 4-bit sub-quantiser.
PQ_CENTROIDS = 16
#: Rows that are encoded at once (ours); fixed, so that the batches of the stream leave no trace in the index.
BLOCK_ROWS = 65_536


@dataclass(frozen=True)
class IndexSpec:
    """What to build.

    Parameters
    ----------
    kind: ``flat`` (exact), ``ivfpq``, or ``auto``: flat below ``ann_from`` vectors.
    metric: ``cosine`` (vectors are brought to length 1), ``inner_product`` or ``l2``.
    ann_from: number of vectors from which ``auto`` is approximate (ours: flat needs 7 ms a query at a million of 1024).
    nlist: inverted lists; None: about 4 sqrt(n), fewer where there are too few vectors to train them.
    nprobe: lists that a query looks into (ours: recall@10 of 0.99 on clustered data).
    pq_m: sub-quantisers; None: one per 8 dimensions, at most 64.
    k_factor: candidates per wanted result that are ranked again with the exact vectors (ours).
    seed: of the clustering and the training sample.
    """

    kind: str = "auto"
    metric: str = "cosine"
    ann_from: int = 1_000_000
    nlist: int | None = None
    nprobe: int = 16
    pq_m: int | None = None
    k_factor: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"index kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        if self.metric not in METRICS:
            raise ValueError(f"index metric {self.metric!r}: expected one of {', '.join(METRICS)}")
        for key in ("ann_from", "nlist", "nprobe", "pq_m", "k_factor"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"index {key} is {value}: expected 1 or more")


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32; a row of zeros stays as it is."""
    x = np.ascontiguousarray(x, dtype=np.float32)
    length = np.sqrt(np.square(x, dtype=np.float64).sum(axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        return (x / np.where(length > 0, length, 1)).astype(np.float32)


def build(
    batches: Batches, n: int, d: int, spec: IndexSpec, training: np.ndarray | None = None
) -> tuple[Any, dict[str, Any]]:
    """Builds the index of ``n`` vectors of ``d`` dimensions.

    Parameters
    ----------
    batches: pairs of keys (int64 [b], 0 or above) and vectors (float [b, d]); read once.
    training: float [t, d], vectors to train ``ivfpq`` on instead of a sample of the stream.

    Returns
    -------
    A ``faiss.IndexIDMap2`` and a JSON-able description (kind, parameters, counts, ``messages`` for a person).

    Raises
    ------
    ValueError: no vectors, too few to train on, another count or width than declared, keys given twice or below 0,
        values that are not finite.
    """
    import faiss

    if n < 1 or d < 1:
        raise ValueError(f"{n} vectors of {d} dimensions: an index needs at least one of each")
    kind = spec.kind if spec.kind != "auto" else ("ivfpq" if n >= spec.ann_from else "flat")
    info: dict[str, Any] = {**asdict(spec), "kind": kind, "n": n, "d": d, "faiss": faiss.__version__, "messages": []}
    metric = faiss.METRIC_L2 if spec.metric == "l2" else faiss.METRIC_INNER_PRODUCT
    store = faiss.IndexFlat(d, metric)
    with _one_thread():
        if kind == "flat":
            for key in ("nlist", "nprobe", "pq_m", "k_factor", "seed"):
                del info[key]
            index = faiss.IndexIDMap2(store)
            _fill(store, batches, n, d, spec, info, index)
            return index, info
        coarse, base = _ivfpq(n, d, spec, metric, info)
        refine = faiss.IndexRefine(base, store)
        index = faiss.IndexIDMap2(refine)
        keys = _fill(store, batches, n, d, spec, info, index)
        vectors = faiss.rev_swig_ptr(store.get_xb(), n * d).reshape(n, d)
        if training is not None:
            sample = _checked(np.arange(len(training)), training, d, spec)
        else:
            wanted = TRAIN_WANTED * max(info["nlist"], PQ_CENTROIDS)
            sample = vectors[np.argsort(draw_order(keys, spec.seed), kind="stable")[:wanted]]
        if len(sample) < TRAIN_LEAST * max(info["nlist"], PQ_CENTROIDS):
            raise ValueError(f"{len(sample)} training vectors are too few for {info['nlist']} lists; give more of them")
        info["training_n"] = len(sample)
        base.train(sample)
        for start in range(0, n, BLOCK_ROWS):
            base.add(vectors[start : start + BLOCK_ROWS])
        coarse.nprobe, refine.k_factor = info["nprobe"], spec.k_factor
        refine.is_trained = index.is_trained = True
        refine.ntotal = n
    return index, info


def _ivfpq(n: int, d: int, spec: IndexSpec, metric: int, info: dict[str, Any]) -> tuple[Any, Any]:
    """The empty IVF index, and the same behind zero-padding to a width that its sub-quantisers divide."""
    import faiss

    least = TRAIN_LEAST * PQ_CENTROIDS
    if n < least:
        raise ValueError(f"an ivfpq index needs at least {least} vectors and there are {n}; use kind 'flat'")
    wanted = spec.nlist or round(4 * math.sqrt(n))
    nlist = min(wanted, n // TRAIN_LEAST)
    if nlist < wanted:
        why = f"{n} vectors train {nlist} at {TRAIN_LEAST} each"
        info["messages"].append(f"the index has {nlist} lists, not {wanted}: {why}")
    m = min(spec.pq_m or min(64, math.ceil(d / 8)), d)
    width = math.ceil(d / m) * m
    info |= {"nlist": nlist, "nprobe": min(spec.nprobe, nlist), "pq_m": m, "padded_d": width}
    quantiser = faiss.IndexFlat(width, metric)
    ivf = faiss.IndexIVFPQFastScan(quantiser, width, nlist, m, 4, metric)
    ivf.cp.seed = ivf.pq.cp.seed = spec.seed
    if width == d:
        return ivf, ivf
    padding: Any = faiss.RemapDimensionsTransform  # FAISS's type stub lacks the form with a bool.
    return ivf, faiss.IndexPreTransform(padding(d, width, False), ivf)


def _fill(
    store: Any, batches: Batches, n: int, d: int, spec: IndexSpec, info: dict[str, Any], index: Any
) -> np.ndarray:
    """Stores all vectors and hands ``index`` (an empty IndexIDMap2) their keys, which are returned too."""
    import faiss

    found: list[np.ndarray] = []
    zeros = 0
    for keys, vectors in batches:
        keys = np.asarray(keys)
        if keys.dtype != np.int64 or keys.ndim != 1 or (keys < 0).any():
            raise ValueError(f"found keys of {keys.dtype} {keys.shape}; expected int64 [n], 0 or above")
        ready = _checked(keys, vectors, d, spec)
        zeros += int((~ready.any(axis=1)).sum())
        found.append(keys)
        if store.ntotal + len(keys) > n:
            raise ValueError(f"more vectors than the {n} that were declared; count them again")
        store.add(ready)
    if store.ntotal != n:
        raise ValueError(f"{store.ntotal} vectors found, {n} were declared; count them again")
    keys = np.concatenate(found)
    twice = repeated(keys)
    if len(twice):
        raise ValueError(f"keys given twice: {shown(twice.tolist())}; every clip may be there once")
    if zeros and spec.metric == "cosine":
        info["messages"].append(f"{zeros} of {n} vectors are all zero: their cosine with everything is 0")
    # add_with_ids would do this and add to the inner index, which is filled by hand for re-ranking.
    faiss.copy_array_to_vector(keys, index.id_map)
    index.ntotal = n
    index.construct_rev_map()
    return keys


def _checked(keys: np.ndarray, vectors: np.ndarray, d: int, spec: IndexSpec) -> np.ndarray:
    """The vectors as they are stored. ValueError for another shape or values that are not finite."""
    vectors = np.asarray(vectors)
    if vectors.shape != (len(keys), d):
        raise ValueError(f"found vectors of shape {vectors.shape}, expected ({len(keys)}, {d})")
    ready = unit(vectors) if spec.metric == "cosine" else np.ascontiguousarray(vectors, dtype=np.float32)
    bad = ~np.isfinite(ready).all(axis=1)
    if bad.any():
        raise ValueError(f"vectors that are not finite, at keys {shown(keys[bad].tolist())}; leave them out")
    return ready


@contextmanager
def _one_thread() -> Iterator[None]:
    """FAISS and BLAS on one thread: k-means adds in one order, so the index has the same bytes."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        faiss.omp_set_num_threads(before)
