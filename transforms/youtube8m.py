"""YouTube-8M's published PCA matrices and its 8-bit quantiser.

Google published the 2048 -> 1024 projection of its Inception features twice: as numpy files (``yt8m_pca.tgz``, with
eigenvalues) and as MediaPipe matrices (two protobuf files, where any whitening is folded into the projection).
"""

from __future__ import annotations

import io
import os
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from transforms.projections import YOUTUBE8M_EPSILON, Projection

#: Width of Inception's pool and of the published projection (code: feature_extractor.py).
INPUT_DIMS, OUTPUT_DIMS = 2048, 1024
#: Range of the quantiser (code: extract_tfrecords_main.py).
LOWEST, HIGHEST = -2.0, 2.0

NUMPY_FILES = ("mean.npy", "eigenvals.npy", "eigenvecs.npy")
MEDIAPIPE_FILES = ("inception3_mean_matrix_data.pb", "inception3_projection_matrix_data.pb")
#: No file of either format is larger than 34 MB (ours); what is larger is not read.
MAX_BYTES = 80_000_000

PathLike = str | os.PathLike


def load_matrices(path: PathLike | tuple[PathLike, PathLike], name: str = "wpca") -> Projection:
    """Reads the published matrices as a projection from 2048 to 1024 dimensions.

    Parameters
    ----------
    path: ``yt8m_pca.tgz``; a folder that holds its three ``.npy`` files or MediaPipe's two ``.pb`` files; or the pair
        (mean, projection) of ``.pb`` files. A folder that holds both formats is read as numpy files.
    name: name of the projection.

    Returns
    -------
    The numpy format whitens with epsilon 1e-4 inside the root (code: feature_extractor.py). MediaPipe's graph only
    subtracts and multiplies, so its projection does not whiten here and its eigenvalues are set to 1.

    Raises
    ------
    ValueError: a missing or damaged file, or a matrix of another shape. FileNotFoundError: no such path.
    """
    if isinstance(path, tuple):
        return _from_mediapipe(Path(path[0]), Path(path[1]), name)
    path = Path(path)
    if path.is_file():
        return _from_numpy(_members(path), str(path), name)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder; expected yt8m_pca.tgz or a folder of matrices")
    if any((path / file).is_file() for file in NUMPY_FILES):
        return _from_numpy({f: _read(path / f) for f in NUMPY_FILES if (path / f).is_file()}, str(path), name)
    if any((path / file).is_file() for file in MEDIAPIPE_FILES):
        return _from_mediapipe(path / MEDIAPIPE_FILES[0], path / MEDIAPIPE_FILES[1], name)
    raise ValueError(f"{path} holds neither {', '.join(NUMPY_FILES)} nor {', '.join(MEDIAPIPE_FILES)}")


def quantise(z: np.ndarray, variant: str = "round") -> np.ndarray:
    """Features as bytes: clipped to [-2, 2], then scaled to 0 ... 255; uint8 of the shape of ``z``.

    ``round`` is the Python extractor's (code: extract_tfrecords_main.py), ``truncate`` is MediaPipe's. ValueError for
    another variant or values that are not finite.
    """
    z = np.asarray(z, dtype=np.float32)
    if variant not in ("round", "truncate"):
        raise ValueError(f"quantiser variant {variant!r}: expected 'round' or 'truncate'")
    if not np.isfinite(z).all():
        raise ValueError("values that are not finite cannot be quantised")
    scaled = (np.clip(z, LOWEST, HIGHEST) - np.float32(LOWEST)) * np.float32(255.0 / (HIGHEST - LOWEST))
    return (np.rint(scaled) if variant == "round" else np.floor(scaled)).astype(np.uint8)


def dequantise(q: np.ndarray) -> np.ndarray:
    """Bytes as features, float32: ``q * 4 / 255 + 4 / 512 - 2`` (code: utils.py, the same in MediaPipe).

    The 4 / 512 is half a step: after ``truncate`` the result is unbiased, after ``round`` it is 0.0078 too large.
    """
    q = np.asarray(q)
    if q.dtype != np.uint8:
        raise ValueError(f"found {q.dtype}, expected uint8 as written by quantise")
    span = HIGHEST - LOWEST
    return q.astype(np.float32) * np.float32(span / 255.0) + np.float32(span / 512.0 + LOWEST)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; both files of MediaPipe's format are needed")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: {path.stat().st_size} bytes, expected at most {MAX_BYTES}")
    return path.read_bytes()


def _members(path: Path) -> dict[str, bytes]:
    """The three numpy files of the archive, read into memory: nothing is extracted, so no member name can do harm."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                key = member.name.rsplit("/", 1)[-1]
                if member.size > MAX_BYTES:
                    raise ValueError(f"{path}: {key} declares {member.size} bytes, expected at most {MAX_BYTES}")
                file = archive.extractfile(member) if member.isreg() and key in NUMPY_FILES else None
                if file is not None:
                    found[key] = file.read()
                if len(found) == len(NUMPY_FILES):
                    break
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be read as a tar archive ({error}); expected yt8m_pca.tgz") from error
    return found


def _from_numpy(files: dict[str, bytes], origin: str, name: str) -> Projection:
    missing = [key for key in NUMPY_FILES if key not in files]
    if missing:
        raise ValueError(f"{origin}: {', '.join(missing)} missing; expected {', '.join(NUMPY_FILES)}")
    arrays = {}
    for key in NUMPY_FILES:
        try:
            arrays[key] = np.load(io.BytesIO(files[key]), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{origin}: {key} is not a plain numpy array ({error})") from error
    mean, values, vectors = (arrays[key] for key in NUMPY_FILES)
    _expect(mean.shape == (INPUT_DIMS, 1), origin, "mean.npy", mean, f"({INPUT_DIMS}, 1)")
    many = values.ndim == 2 and values.shape[1] == 1 and OUTPUT_DIMS <= len(values) <= INPUT_DIMS
    _expect(many, origin, "eigenvals.npy", values, f"(at least {OUTPUT_DIMS}, 1)")
    many = vectors.ndim == 2 and vectors.shape[1] == INPUT_DIMS and OUTPUT_DIMS <= len(vectors) <= INPUT_DIMS
    _expect(many, origin, "eigenvecs.npy", vectors, f"(at least {OUTPUT_DIMS}, {INPUT_DIMS})")
    # The extractor transposes eigenvecs.npy and takes the first columns: those are the first rows of the file.
    components, eigenvalues = vectors[:OUTPUT_DIMS], values[:OUTPUT_DIMS, 0]
    return Projection(name, mean[:, 0], components, eigenvalues, True, YOUTUBE8M_EPSILON, _meta("youtube8m"))


def _from_mediapipe(mean_path: Path, projection_path: Path, name: str) -> Projection:
    mean, projection = _matrix(mean_path), _matrix(projection_path)
    _expect(mean.shape == (INPUT_DIMS, 1), str(mean_path), "mean", mean, f"({INPUT_DIMS}, 1)")
    wanted = (OUTPUT_DIMS, INPUT_DIMS)
    _expect(projection.shape == wanted, str(projection_path), "projection", projection, str(wanted))
    return Projection(name, mean[:, 0], projection, np.ones(OUTPUT_DIMS), False, 0.0, _meta("mediapipe"))


def _meta(source: str) -> dict[str, Any]:
    return {"source": source, "n_samples": None, "dims_requested": OUTPUT_DIMS, "reduced": None}


def _expect(right: bool, origin: str, key: str, array: np.ndarray, shape: str) -> None:
    if not right:
        raise ValueError(f"{origin}: {key} has shape {array.shape}, expected {shape}; use YouTube-8M's published files")


def _matrix(path: Path) -> np.ndarray:
    """One ``mediapipe.MatrixData`` file as float32 [rows, cols]."""
    from google.protobuf.message import DecodeError

    message = matrix_data_class()()
    try:
        message.ParseFromString(_read(path))
    except DecodeError as error:
        raise ValueError(f"{path} is not a MediaPipe matrix ({error})") from error
    values = np.array(message.packed_data, dtype=np.float32)
    rows, cols = message.rows, message.cols
    if rows < 1 or cols < 1 or rows * cols != len(values):
        raise ValueError(f"{path} is not a MediaPipe matrix: {rows} x {cols} declared, {len(values)} values found")
    return values.reshape((rows, cols), order="F" if message.layout == 0 else "C")


@lru_cache(maxsize=1)
def matrix_data_class() -> Any:
    """The message class of ``mediapipe.MatrixData``, described here because MediaPipe itself is not installed."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="matrix_data.proto", package="mediapipe", syntax="proto2")
    message = file.message_type.add(name="MatrixData")
    layout = message.enum_type.add(name="Layout")
    layout.value.add(name="COLUMN_MAJOR", number=0)
    layout.value.add(name="ROW_MAJOR", number=1)
    optional, repeated = kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    message.field.add(name="rows", number=1, type=kinds.TYPE_INT32, label=optional)
    message.field.add(name="cols", number=2, type=kinds.TYPE_INT32, label=optional)
    message.field.add(name="packed_data", number=3, type=kinds.TYPE_FLOAT, label=repeated).options.packed = True
    message.field.add(
        name="layout", number=4, type=kinds.TYPE_ENUM, label=optional,
        type_name=".mediapipe.MatrixData.Layout", default_value="COLUMN_MAJOR",
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("mediapipe.MatrixData"))
