"""Asks an index for nearest neighbours, and keeps it in a file."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.indexing.build import METRICS, unit


def search(index: Any, queries: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest neighbours of every query, best first.

    Parameters
    ----------
    index: from :func:`pipeline.indexing.build.build` or :func:`read_index`.
    queries: float [q, d].
    metric: the one that the index was built with.

    Returns
    -------
    keys int64 [q, k] and scores float32 [q, k]: the cosine or the inner product (larger is nearer), or for ``l2`` the
    Euclidean distance (smaller is nearer). Where the index finds fewer than k, the key is -1 and the score NaN.
    ValueError for another width, k below 1, an unknown metric or values that are not finite.
    """
    if metric not in METRICS:
        raise ValueError(f"index metric {metric!r}: expected one of {', '.join(METRICS)}")
    queries = np.asarray(queries)
    if queries.ndim != 2 or queries.shape[1] != index.d:
        raise ValueError(f"found queries of shape {queries.shape}, expected [q, {index.d}]")
    if k < 1:
        raise ValueError(f"{k} neighbours asked for: expected 1 or more")
    ready = unit(queries) if metric == "cosine" else np.ascontiguousarray(queries, dtype=np.float32)
    if not np.isfinite(ready).all():
        raise ValueError("a query holds values that are not finite")
    scores, keys = index.search(ready, k)
    if metric == "l2":
        scores = np.sqrt(np.maximum(scores, 0))
    return keys, np.where(keys < 0, np.float32(np.nan), scores).astype(np.float32)


def write_index(index: Any, path: str | os.PathLike) -> None:
    """Writes the index whole or not at all. OSError where the file cannot be written."""
    import faiss

    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        try:
            faiss.write_index(index, str(part))
        except RuntimeError as error:
            raise OSError(f"the index cannot be written to {path} ({_reason(error)})") from error
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_index(path: str | os.PathLike, mmap: bool = False) -> Any:
    """Reads an index; with ``mmap`` the vectors stay in the file until they are looked at.

    FileNotFoundError where there is none, ValueError where the file is something else or was cut short.
    """
    import faiss

    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such index; build it with `reelscore index`")
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mmap else 0)
    except RuntimeError as error:
        raise ValueError(f"{path} is not an index or is damaged ({_reason(error)}); build it again") from error


def _reason(error: RuntimeError) -> str:
    """The last part of FAISS's message, which begins with the names of its own source files."""
    return " ".join(str(error).split()).rsplit("Error: ", 1)[-1][:300]
