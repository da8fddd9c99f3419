"""YouTube-8M's matrices in both published formats, and its quantiser."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from transforms.youtube8m import (
    MEDIAPIPE_FILES,
    NUMPY_FILES,
    dequantise,
    load_matrices,
    matrix_data_class,
    quantise,
)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture(scope="module")
def matrices() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    vectors = np.zeros((2048, 2048), np.float32)
    vectors[:, ::64] = rng.standard_normal((2048, 32))
    arrays: list[np.ndarray] = [rng.random((2048, 1)), rng.random((2048, 1)) + 0.01, vectors]
    return {name: array.astype(np.float32) for name, array in zip(NUMPY_FILES, arrays, strict=True)}


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def matrix_data(array: np.ndarray, row_major: bool = False) -> bytes:
    """``MatrixData`` written by hand from the wire format: rows, cols, packed floats, and layout if not default."""
    values = array.astype("<f4").tobytes(order="C" if row_major else "F")
    head = b"\x08" + varint(array.shape[0]) + b"\x10" + varint(array.shape[1])
    return head + b"\x1a" + varint(len(values)) + values + (b"\x20\x01" if row_major else b"")


def googles_formula(x: np.ndarray, matrices: dict[str, np.ndarray]) -> np.ndarray:
    """As feature_extractor.py writes it, in float64."""
    mean, values, vectors = (matrices[name].astype(np.float64) for name in NUMPY_FILES)
    return (x - mean[:, 0]) @ vectors.T[:, :1024] / np.sqrt(values[:1024, 0] + 1e-4)


def test_numpy_format_from_archive_and_folder(tmp_path: Path, matrices: dict[str, np.ndarray]) -> None:
    files = {name: npy(array) for name, array in matrices.items()}
    x = np.random.default_rng(1).random((3, 2048))
    tgz = archive(tmp_path / "yt8m_pca.tgz", {"../../escape.txt": b"x", **{f"./{k}": v for k, v in files.items()}})
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    before = sorted(tmp_path.rglob("*"))
    from_archive, from_folder = load_matrices(tgz), load_matrices(str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before
    assert from_archive.digest == from_folder.digest
    assert (from_archive.dims_in, from_archive.dims_out) == (2048, 1024)
    assert from_archive.meta["source"] == "youtube8m"
    np.testing.assert_allclose(from_archive.apply(x), googles_formula(x, matrices), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("row_major", [False, True])
def test_mediapipe_format(tmp_path: Path, matrices: dict[str, np.ndarray], row_major: bool) -> None:
    mean, projection = matrices["mean.npy"], matrices["eigenvecs.npy"][:1024]
    paths = tmp_path / MEDIAPIPE_FILES[0], tmp_path / MEDIAPIPE_FILES[1]
    paths[0].write_bytes(matrix_data(mean, row_major))
    paths[1].write_bytes(matrix_data(projection, row_major))
    p = load_matrices(paths)
    assert load_matrices(tmp_path).digest == p.digest
    np.testing.assert_array_equal(p.mean, mean[:, 0])
    np.testing.assert_array_equal(p.components, projection)
    assert (p.whiten, p.meta["source"]) == (False, "mediapipe")
    x = np.random.default_rng(2).random((2, 2048))
    np.testing.assert_allclose(p.apply(x), (x - mean[:, 0]) @ projection.T.astype(np.float64), rtol=1e-3, atol=1e-3)


def test_message_class_writes_the_wire_format() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    message = matrix_data_class()(rows=2, cols=3, packed_data=array.T.ravel().tolist())
    assert message.SerializeToString() == matrix_data(array)
    assert message.layout == 0
    assert struct.pack("<f", 3.0) in matrix_data(array)


def test_missing_members_and_files(tmp_path: Path, matrices: dict[str, np.ndarray]) -> None:
    one = {"mean.npy": npy(matrices["mean.npy"])}
    with pytest.raises(ValueError, match=r"eigenvals.npy, eigenvecs.npy missing"):
        load_matrices(archive(tmp_path / "a.tgz", one))
    with pytest.raises(ValueError, match="holds neither"):
        load_matrices(tmp_path)
    (tmp_path / MEDIAPIPE_FILES[0]).write_bytes(matrix_data(matrices["mean.npy"]))
    with pytest.raises(ValueError, match=f"{MEDIAPIPE_FILES[1]}: no such file"):
        load_matrices(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"expected yt8m_pca\.tgz"):
        load_matrices(tmp_path / "nothing")
    (tmp_path / "bad.tgz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match="cannot be read as a tar archive"):
        load_matrices(tmp_path / "bad.tgz")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("mean.npy", (1024, 1)), ("mean.npy", (2048,)), ("eigenvals.npy", (1000, 1)), ("eigenvecs.npy", (1024, 1000))],
)
def test_wrong_shapes(tmp_path: Path, matrices: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> None:
    for key, array in (matrices | {name: np.ones(shape, np.float32)}).items():
        (tmp_path / key).write_bytes(npy(array))
    with pytest.raises(ValueError, match=f"{name} has shape .* expected"):
        load_matrices(tmp_path)


def test_pickles_links_and_giants_are_refused(tmp_path: Path, matrices: dict[str, np.ndarray]) -> None:
    files = {name: npy(array) for name, array in matrices.items()}
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"mean.npy is not a plain numpy array"):
        load_matrices(archive(tmp_path / "a.tgz", files | {"mean.npy": file.getvalue()}))
    with tarfile.open(tmp_path / "link.tgz", "w:gz") as tar:
        member = tarfile.TarInfo("mean.npy")
        member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "a.tgz")
        tar.addfile(member)
    with pytest.raises(ValueError, match="missing"):
        load_matrices(tmp_path / "link.tgz")
    giant = tarfile.TarInfo("mean.npy")
    giant.size = 10**10
    (tmp_path / "giant.tar").write_bytes(giant.tobuf() + b"\0" * 1024)
    with pytest.raises(ValueError, match="declares 10000000000 bytes"):
        load_matrices(tmp_path / "giant.tar")


def test_damaged_mediapipe_files(tmp_path: Path, matrices: dict[str, np.ndarray]) -> None:
    good, bad = tmp_path / "good.pb", tmp_path / "bad.pb"
    good.write_bytes(matrix_data(matrices["mean.npy"]))
    for data, words in [
        (matrix_data(matrices["mean.npy"])[:-6], "is not a MediaPipe matrix"),
        (b"", "0 x 0 declared"),
        (b"\x08\x02\x10\x02\x1a\x04" + struct.pack("<f", 1), "2 x 2 declared, 1 values"),
        (matrix_data(np.ones((2048, 1024))), r"has shape \(2048, 1024\), expected \(1024, 2048\)"),
    ]:
        bad.write_bytes(data)
        with pytest.raises(ValueError, match=words):
            load_matrices((good, bad))


def test_quantiser_by_hand() -> None:
    z = np.array([[-9, -2, -1.99], [0, 2, 7]])
    assert quantise(z).tolist() == [[0, 0, 1], [128, 255, 255]]
    assert quantise(z, "truncate").tolist() == [[0, 0, 0], [127, 255, 255]]
    assert quantise(z).dtype == np.uint8
    levels = dequantise(np.array([0, 127, 255], np.uint8))
    np.testing.assert_allclose(levels, [4 / 512 - 2, 127 * 4 / 255 + 4 / 512 - 2, 2 + 4 / 512], atol=1e-6)
    assert levels.dtype == np.float32


def test_quantisers_bias() -> None:
    z = np.linspace(-1.99, 1.99, 400_001).astype(np.float32)
    rounded, truncated = dequantise(quantise(z)) - z, dequantise(quantise(z, "truncate")) - z
    assert rounded.mean() == pytest.approx(4 / 512, abs=1e-4)
    assert truncated.mean() == pytest.approx(0, abs=1e-4)
    assert np.abs(rounded).max() == pytest.approx(0.01566, abs=1e-4)
    assert np.abs(truncated).max() == pytest.approx(0.0079, abs=1e-4)


@pytest.mark.parametrize("variant", ["round", "truncate"])
def test_every_byte_survives_the_round_trip_through_truncation(variant: str) -> None:
    q = np.arange(256, dtype=np.uint8)
    again = quantise(dequantise(q), variant)
    if variant == "truncate":
        assert again.tolist() == q.tolist()
    else:
        assert np.abs(again.astype(int) - q).max() <= 1


def test_quantisers_wrong_use() -> None:
    with pytest.raises(ValueError, match="expected 'round' or 'truncate'"):
        quantise(np.zeros(2), "nearest")
    with pytest.raises(ValueError, match="not finite"):
        quantise(np.array([np.nan]))
    with pytest.raises(ValueError, match="expected uint8"):
        dequantise(np.zeros(2))
