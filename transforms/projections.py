"""Projections: mean, PCA and whitening that are fitted on a dataset once and applied to every clip.

A projection turns x into ``(x - mean) . componentsT``, divided by ``sqrt(eigenvalue + epsilon)`` where it whitens.
A row's result depends on that row alone, to the bit: every row is its own matrix-vector product. One matrix product
over all rows is three times faster, but BLAS rounds a row differently at different places of the matrix.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from transforms.gram import GramAccumulator, one_blas_thread

__all__ = ["YOUTUBE8M_EPSILON", "GramAccumulator", "Projection", "fit_projection", "load_projection", "one_blas_thread"]

#: Added to the eigenvalue, inside the root (code: YouTube-8M's feature_extractor.py).
YOUTUBE8M_EPSILON = 1e-4
#: Samples that a whitened dimension needs (ours). Whitening n - 1 dimensions of n samples puts every sample at the same
#: distance from every other: what is left is noise.
SAMPLES_PER_DIM = 4
_HEADER = "reelscore_projection"


@dataclass(frozen=True, eq=False)
class Projection:
    """A fitted linear map from D to d dimensions.

    Attributes
    ----------
    name: what the recipe calls it, for example ``wpca``.
    mean: float32 [D].
    components: float32 [d, D], orthonormal rows when fitted here.
    eigenvalues: float32 [d], the variance along each component, descending.
    whiten: divide by ``sqrt(eigenvalues + epsilon)``.
    epsilon: see ``whiten``; without effect otherwise.
    meta: plain JSON data about the origin: ``source`` (fitted, youtube8m or mediapipe), ``n_samples``,
        ``dims_requested``, ``reduced`` (one sentence, or None) and more.
    """

    name: str
    mean: np.ndarray
    components: np.ndarray
    eigenvalues: np.ndarray
    whiten: bool
    epsilon: float = YOUTUBE8M_EPSILON
    meta: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("mean", "components", "eigenvalues"):
            array = np.array(getattr(self, key), dtype=np.float32, order="C")
            if not np.isfinite(array).all():
                raise ValueError(f"projection {self.name!r}: {key} holds values that are not finite")
            array.setflags(write=False)
            object.__setattr__(self, key, array)
        d, columns = self.components.shape if self.components.ndim == 2 else (0, 0)
        if d < 1 or self.mean.shape != (columns,) or self.eigenvalues.shape != (d,):
            raise ValueError(
                f"projection {self.name!r}: found mean {self.mean.shape}, components {self.components.shape}, "
                f"eigenvalues {self.eigenvalues.shape}; expected [D], [d, D], [d]"
            )
        if self.whiten and not float(self.eigenvalues.min()) + self.epsilon > 0:
            raise ValueError(f"projection {self.name!r}: an eigenvalue plus epsilon is not above zero")

    @property
    def dims_in(self) -> int:
        return self.components.shape[1]

    @property
    def dims_out(self) -> int:
        return self.components.shape[0]

    @property
    def digest(self) -> str:
        """sha256 of what the numbers depend on: the arrays, ``whiten`` and ``epsilon``; not the name or ``meta``."""
        head = [self.components.shape, bool(self.whiten), float(self.epsilon).hex() if self.whiten else None]
        digest = hashlib.sha256(json.dumps(["projection", 1, *head]).encode())
        for array in (self.mean, self.components, self.eigenvalues):
            digest.update(array.astype("<f4", copy=False).tobytes())
        return digest.hexdigest()

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Projects the rows of ``x`` [n, D] (any float type): float32 [n, d]. ValueError for another shape."""
        x = np.asarray(x)
        if x.ndim != 2 or x.shape[1] != self.dims_in:
            raise ValueError(f"projection {self.name!r}: found rows of shape {x.shape}, expected [n, {self.dims_in}]")
        out = np.empty((len(x), self.dims_out), np.float32)
        row, result = np.empty(self.dims_in, np.float32), np.empty(self.dims_out, np.float32)
        with one_blas_thread():
            for i in range(len(x)):
                np.subtract(x[i], self.mean, out=row, dtype=np.float32, casting="same_kind")
                np.dot(self.components, row, out=result)
                out[i] = result
        if self.whiten:
            out /= np.sqrt(self.eigenvalues + np.float32(self.epsilon))
        return out

    def to_bytes(self) -> bytes:
        """The projection as a safetensors file, with everything but the arrays as JSON in its header."""
        from safetensors.numpy import save

        header = {"name": self.name, "whiten": bool(self.whiten), "epsilon": float(self.epsilon), "meta": self.meta}
        arrays = {"mean": self.mean, "components": self.components, "eigenvalues": self.eigenvalues}
        text = json.dumps({**header, "digest": self.digest}, sort_keys=True)
        return save({key: np.array(value) for key, value in arrays.items()}, metadata={_HEADER: text})

    @classmethod
    def from_bytes(cls, data: bytes, origin: str = "the file") -> Projection:
        """The inverse of :meth:`to_bytes`. ValueError where ``data`` is something else or was damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            arrays = load(data)
            size = int.from_bytes(data[:8], "little")
            header = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][_HEADER])
            fields: dict[str, Any] = {key: arrays[key] for key in ("mean", "components", "eigenvalues")}
            fields |= {key: header[key] for key in ("name", "whiten", "epsilon", "meta")}
            digest = header["digest"]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{origin} is not a projection ({type(error).__name__}: {error}); fit it again") from error
        projection = cls(**fields)
        if projection.digest != digest:
            raise ValueError(f"{origin} is damaged: its numbers do not match the digest in its header; fit it again")
        return projection

    def save(self, path: str | os.PathLike) -> None:
        """Writes the file whole or not at all: under another name in the same folder first, then renamed."""
        path = Path(path)
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            with open(part, "wb") as file:
                file.write(self.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def load_projection(path: str | os.PathLike) -> Projection:
    """Reads what :meth:`Projection.save` wrote. ValueError where it is something else or damaged."""
    return Projection.from_bytes(Path(path).read_bytes(), origin=str(path))


def fit_projection(
    acc: GramAccumulator,
    name: str,
    dims: int,
    *,
    whiten: bool,
    epsilon: float = YOUTUBE8M_EPSILON,
    samples_per_dim: int = SAMPLES_PER_DIM,
) -> Projection:
    """PCA of the accumulated rows, to at most ``dims`` dimensions.

    The covariance is divided by n - 1: unbiased, and what scikit-learn's PCA does. Each component's sign makes its
    largest |value| positive (the first of equals). The dimension is never above D, n - 1 or the numerical rank and,
    when whitening, never above ``n // samples_per_dim`` (but at least 1); ``meta['reduced']`` says so in one sentence.

    Raises
    ------
    ValueError: fewer than two samples, samples that are all equal, ``dims`` or ``samples_per_dim`` below 1.
    """
    n = acc.count
    if dims < 1 or samples_per_dim < 1:
        raise ValueError(f"projection {name!r}: dims {dims}, samples_per_dim {samples_per_dim}; expected 1 or more")
    if n < 2:
        raise ValueError(f"projection {name!r}: {n} samples, at least 2 are needed; add clips to the training split")
    limits = [(dims, ""), (acc.columns, f"its input has {acc.columns}"), (n - 1, f"{n} samples span no more")]
    if whiten:
        per_dim = f"whitening needs {samples_per_dim} samples a dimension and there are {n}"
        limits.append((max(1, n // samples_per_dim), per_dim))
    wanted, reason = min(limits, key=lambda limit: limit[0])
    mean, components, eigenvalues, total, floor = _eigen(acc, wanted)
    rank = int((eigenvalues > floor).sum())
    if rank == 0:
        raise ValueError(f"projection {name!r}: all {n} samples are equal, nothing can be fitted; add other clips")
    if rank < wanted:
        wanted, reason = rank, f"the {n} samples vary in no more directions"
    reduced = f"projection {name!r} has {wanted} dimensions, not the {dims} asked for: {reason}" if reason else None
    if reduced:
        enough = dims * samples_per_dim if whiten else dims + 1
        more = f"fit on at least {enough} varied samples or " if dims <= acc.columns else ""
        reduced += f"; {more}ask for {wanted}"
    components, eigenvalues = components[:wanted], eigenvalues[:wanted]
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(wanted), largest])[:, None]
    meta = {
        "source": "fitted",
        "n_samples": n,
        "dims_requested": dims,
        "samples_per_dim": samples_per_dim if whiten else None,
        "variance_kept": round(float(eigenvalues.sum() / total), 6),
        "reduced": reduced,
    }
    return Projection(name, mean, components, eigenvalues, whiten, epsilon, meta)


def _eigen(acc: GramAccumulator, dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, float]:
    """Mean [D], the ``dims`` first components [dims, D] and eigenvalues, the total variance, and what counts as zero.

    With no more rows than columns the n x n matrix of the centred rows has the same eigenvalues as the D x D covariance
    and costs (n / D)^3 of it; its eigenvectors become components through the rows.
    """
    from scipy.linalg import eigh

    n, rows = acc.count, acc.rows
    with one_blas_thread():
        if rows is not None:
            mean = rows.mean(axis=0)
            size = float(np.square(rows).sum()) / n
            rows -= mean
            matrix = rows @ rows.T / (n - 1)
        else:
            mean, matrix = acc.sum / n, acc.gram
            size = float(np.trace(matrix)) / n
            matrix -= np.outer(mean * n, mean)
            matrix /= n - 1
        # Rounding leaves this much where the true eigenvalue is zero: `size` is the mean squared length of a row.
        floor = size * acc.columns * np.finfo(np.float64).eps
        total = float(np.trace(matrix))
        last = len(matrix) - 1
        # Transposed, the symmetric matrix is in LAPACK's order: a copy less of what may be 400 MB.
        values, vectors = eigh(matrix.T, subset_by_index=(last - dims + 1, last), overwrite_a=True, check_finite=False)
        values, vectors = values[::-1], vectors.T[::-1]
        if rows is not None:
            lengths = np.sqrt(np.maximum(values, floor or 1.0) * (n - 1))
            vectors = (vectors @ rows) / lengths[:, None]
    return mean, vectors, values, total, floor
