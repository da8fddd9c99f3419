"""The Gram matrix of a stream of rows, the same bytes for the same rows in the same order.

However the rows are cut into batches, they are added in chunks of one fixed size by one BLAS thread. While there are
no more rows than columns the rows themselves are kept: they are the smaller of the two, and a fit from them is fast.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import threadpoolctl

#: Rows that are added at once (ours: large enough for BLAS, 30 MB at 7168 columns).
CHUNK_ROWS = 512

_lock = threading.Lock()
_inside = 0
_shared: list[tuple[Any, int]] = []


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Everything inside runs BLAS on one thread, so that sums are taken in one order.

    Most libraries have one limit for the process: the first thread that comes in sets it and the last one that leaves
    gives it back, otherwise one thread's exit would lift the limit under another. OpenMP has one limit a thread.
    Looking for the libraries takes milliseconds: a loop over small matrices enters once, around itself.
    """
    global _inside, _shared

    own = _limit_to_one(openmp=True)
    with _lock:
        before = _limit_to_one(openmp=False)
        if _inside == 0:
            _shared = before
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _set(_shared)
        _set(own)


def _limit_to_one(openmp: bool) -> list[tuple[Any, int]]:
    """Limits the libraries with or without OpenMP; returns them with the numbers of threads that they had."""
    found = [lib for lib in threadpoolctl.ThreadpoolController().lib_controllers if lib.user_api == "blas"]
    found = [lib for lib in found if (getattr(lib, "threading_layer", None) == "openmp") == openmp]
    before = [(lib, lib.get_num_threads()) for lib in found]
    _set([(lib, 1) for lib in found])
    return before


def _set(limits: list[tuple[Any, int]]) -> None:
    """Sets limits from this thread. Newer threadpoolctl obeys one thread and ignores others without a word."""
    release = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", lambda force: None)
    release(force=True)
    for lib, threads in limits:
        lib.set_num_threads(threads)
    release(force=True)


class GramAccumulator:
    """Count, sum and Gram matrix (sum of x xT) of rows, in float64.

    Parameters
    ----------
    columns: D, the width of every row.
    """

    def __init__(self, columns: int) -> None:
        if columns < 1:
            raise ValueError(f"rows of {columns} columns: expected at least 1")
        self.columns = columns
        self.count = 0
        self._rows: list[np.ndarray] = []
        self._sum: np.ndarray | None = None
        self._gram: np.ndarray | None = None
        self._chunk = np.empty((0, columns))
        self._filled = 0

    def add(self, x: np.ndarray) -> None:
        """Adds the rows of ``x`` [n, D] (any float type). ValueError for another shape or non-finite values."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.columns:
            raise ValueError(f"found rows of shape {x.shape}, expected [n, {self.columns}]")
        bad = len(x) - int(np.isfinite(x).all(axis=1).sum())
        if bad:
            raise ValueError(f"{bad} of {len(x)} rows hold values that are not finite; leave such rows out of the fit")
        if self._gram is None and self.count + len(x) <= self.columns:
            self._rows.append(np.array(x, dtype=np.float32 if x.dtype.itemsize <= 4 else np.float64))
        else:
            self._start_gram()
            self._feed(x)
        self.count += len(x)

    @property
    def rows(self) -> np.ndarray | None:
        """All rows, float64 [count, D], while count <= D; None after that."""
        if self._gram is not None:
            return None
        return np.concatenate([np.empty((0, self.columns)), *self._rows])

    @property
    def sum(self) -> np.ndarray:
        """The sum of the rows, float64 [D]."""
        return self._totals()[0]

    @property
    def gram(self) -> np.ndarray:
        """The sum of x xT over the rows, float64 [D, D]."""
        return self._totals()[1]

    def _start_gram(self) -> None:
        if self._gram is None:
            self._sum = np.zeros(self.columns)
            self._gram = np.zeros((self.columns, self.columns))
            self._chunk = np.empty((CHUNK_ROWS, self.columns))
            rows, self._rows = self._rows, []
            for block in rows:
                self._feed(block)

    def _feed(self, x: np.ndarray) -> None:
        while len(x):
            taken = min(len(x), CHUNK_ROWS - self._filled)
            self._chunk[self._filled : self._filled + taken] = x[:taken]
            self._filled += taken
            x = x[taken:]
            if self._filled == CHUNK_ROWS:
                self._sum, self._gram = self._with_chunk(in_place=True)
                self._filled = 0

    def _with_chunk(self, in_place: bool) -> tuple[np.ndarray, np.ndarray]:
        assert self._sum is not None
        assert self._gram is not None
        chunk = self._chunk[: self._filled]
        with one_blas_thread():
            added = chunk.T @ chunk
        return (
            np.add(self._sum, chunk.sum(axis=0), out=self._sum if in_place else None),
            np.add(self._gram, added, out=self._gram if in_place else added),
        )

    def _totals(self) -> tuple[np.ndarray, np.ndarray]:
        if self._gram is not None:
            return self._with_chunk(in_place=False)
        whole = GramAccumulator(self.columns)
        whole._rows = list(self._rows)
        whole._start_gram()
        return whole._with_chunk(in_place=False)
