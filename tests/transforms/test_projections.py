"""Projections against scikit-learn and plain formulas, and to the bit where bits are promised."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_info, threadpool_limits

from transforms.gram import CHUNK_ROWS, one_blas_thread
from transforms.projections import GramAccumulator, Projection, fit_projection, load_projection


def samples(n: int, columns: int, seed: int = 0, rank: int | None = None) -> np.ndarray:
    rng = np.random.default_rng(seed)
    inner = rank or columns
    scale = np.linspace(3, 0.5, inner)
    mixed = rng.standard_normal((n, inner)) * scale @ rng.standard_normal((inner, columns))
    return (mixed + rng.standard_normal(columns) * 5).astype(np.float32)


def accumulated(x: np.ndarray, batch: int = 100) -> GramAccumulator:
    acc = GramAccumulator(x.shape[1])
    for start in range(0, len(x), batch):
        acc.add(x[start : start + batch])
    return acc


def blas_threads(openmp: bool = True) -> list[int]:
    libraries = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    return [lib["num_threads"] for lib in libraries if openmp or lib["threading_layer"] != "openmp"]


@pytest.mark.parametrize("n", [10, CHUNK_ROWS, 1500])
def test_accumulator_sums_equal_the_plain_formulas(n: int) -> None:
    x = samples(n, 24).astype(np.float64)
    acc = accumulated(x, 37)
    assert acc.count == n
    np.testing.assert_allclose(acc.sum, x.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(acc.gram, x.T @ x, rtol=1e-12, atol=1e-9)
    assert acc.gram.dtype == np.float64


@pytest.mark.parametrize("n", [60, 2000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_batches_leave_no_trace_in_a_fit(n: int, dtype: type) -> None:
    x: np.ndarray = samples(n, 64).astype(dtype)
    digests = {fit_projection(accumulated(x, batch), "p", 8, whiten=True).digest for batch in (1, 7, 513, n)}
    assert len(digests) == 1


def test_rows_are_kept_until_they_outnumber_the_columns() -> None:
    x = samples(9, 8)
    np.testing.assert_array_equal(accumulated(x[:8]).rows, x[:8].astype(np.float64))
    assert accumulated(x, 2).rows is None


@pytest.mark.parametrize("n", [120, 3000], ids=["fewer rows than columns", "more rows than columns"])
def test_pca_equals_that_of_scikit_learn(n: int) -> None:
    x = samples(n, 150)
    theirs = PCA(20, svd_solver="full").fit(x.astype(np.float64))
    ours = fit_projection(accumulated(x), "p", 20, whiten=False)
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours.eigenvalues, theirs.explained_variance_, rtol=1e-5)
    signs = np.sign((ours.components * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.components, theirs.components_ * signs[:, None], atol=2e-4)
    np.testing.assert_allclose(ours.apply(x), theirs.transform(x) * signs, atol=0.02)
    assert ours.meta["reduced"] is None
    assert ours.meta["variance_kept"] == pytest.approx(theirs.explained_variance_ratio_.sum(), abs=1e-5)


def test_both_ways_of_fitting_agree() -> None:
    x = samples(80, 80)
    by_rows = fit_projection(accumulated(x), "p", 10, whiten=False)
    acc = accumulated(x)
    acc._start_gram()
    by_gram = fit_projection(acc, "p", 10, whiten=False)
    assert acc.rows is None
    np.testing.assert_allclose(by_rows.eigenvalues, by_gram.eigenvalues, rtol=1e-5)
    np.testing.assert_allclose(by_rows.components, by_gram.components, atol=1e-5)


def test_largest_part_of_each_component_is_positive() -> None:
    for n in (30, 400):
        components = fit_projection(accumulated(samples(n, 40)), "p", 12, whiten=False).components
        largest = np.abs(components).argmax(axis=1)
        assert (components[np.arange(12), largest] > 0).all()


def test_hand_worked_projection() -> None:
    # Points (+-3, 0) and (0, +-1) about (1, 2): variances 18 / 3 and 2 / 3 with n - 1 = 3.
    x = np.array([[4, 2], [-2, 2], [1, 3], [1, 1]], np.float32)
    p = fit_projection(accumulated(x), "p", 2, whiten=True, epsilon=0.25, samples_per_dim=1)
    np.testing.assert_allclose(p.mean, [1, 2])
    np.testing.assert_allclose(p.components, np.eye(2), atol=1e-7)
    np.testing.assert_allclose(p.eigenvalues, [6, 2 / 3], rtol=1e-6)
    np.testing.assert_allclose(p.apply(x[:1]), [[3 / np.sqrt(6.25), 0]], rtol=1e-6, atol=1e-7)


def test_apply_is_the_youtube8m_formula() -> None:
    rng = np.random.default_rng(1)
    mean, eigenvalues = rng.standard_normal(30), rng.random(7) + 1e-3
    components, x = rng.standard_normal((7, 30)), rng.standard_normal((5, 30))
    p = Projection("p", mean, components, eigenvalues, True, 1e-4)
    wanted = (x - mean) @ components.T / np.sqrt(eigenvalues + 1e-4)
    np.testing.assert_allclose(p.apply(x), wanted, rtol=1e-4, atol=1e-4)
    assert p.apply(x).dtype == np.float32
    assert p.apply(x[:0]).shape == (0, 7)
    plain = dataclasses.replace(p, whiten=False)
    np.testing.assert_allclose(plain.apply(x), (x - mean) @ components.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("columns", "d"), [(2048, 1024), (2048, 15), (701, 33), (5, 3)])
def test_a_rows_result_does_not_depend_on_its_neighbours(columns: int, d: int) -> None:
    rng = np.random.default_rng(2)
    components = rng.standard_normal((d, columns))
    p = Projection("p", rng.standard_normal(columns), components, rng.random(d) + 0.1, True)
    x = rng.standard_normal((67, columns)).astype(np.float32)
    whole = p.apply(x)
    for i in range(67):
        assert p.apply(x[i : i + 1]).tobytes() == whole[i : i + 1].tobytes()
    assert p.apply(x[::-1]).tobytes() == whole[::-1].tobytes()
    assert p.apply(np.asfortranarray(x)).tobytes() == whole.tobytes()
    x[3] = np.nan
    assert p.apply(x)[4:].tobytes() == whole[4:].tobytes()


def test_whitening_too_many_dimensions_makes_all_samples_equidistant_and_the_limit_prevents_it() -> None:
    # Two clusters far apart. Whitened to n - 1 dimensions, a sample is no nearer to its own cluster than to the other.
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], 20)
    x = (rng.standard_normal((40, 200)) + group[:, None] * 10).astype(np.float32)

    def distances(p: Projection) -> tuple[float, float]:
        z = p.apply(x).astype(np.float64)
        pairs = np.sqrt(np.square(z[:, None] - z).sum(axis=-1))
        same = (group[:, None] == group) & ~np.eye(40, dtype=bool)
        return float(pairs[same].mean()), float(pairs[group[:, None] != group].mean())

    noise = fit_projection(accumulated(x), "p", 1024, whiten=True, epsilon=0.0, samples_per_dim=1)
    assert noise.dims_out == 39
    same, other = distances(noise)
    assert same == pytest.approx(np.sqrt(2 * 39), rel=1e-3)
    assert other == pytest.approx(np.sqrt(2 * 39), rel=1e-3)

    kept = fit_projection(accumulated(x), "p", 1024, whiten=True)
    assert kept.dims_out == 10
    same, other = distances(kept)
    assert other > 1.05 * same
    assert "10 dimensions, not the 1024 asked for" in kept.meta["reduced"]
    assert "40" in kept.meta["reduced"]


def test_whitened_samples_have_unit_variance() -> None:
    x = samples(800, 30)
    z = fit_projection(accumulated(x), "p", 30, whiten=True, epsilon=0.0).apply(x)
    np.testing.assert_allclose(np.cov(z.T), np.eye(30), atol=2e-3)


@pytest.mark.parametrize(
    ("n", "columns", "rank", "dims", "whiten", "expected", "words"),
    [
        (10, 50, None, 20, False, 9, "10 samples span no more"),
        (60, 50, 6, 20, False, 6, "vary in no more directions"),
        (30, 50, 6, 20, False, 6, "vary in no more directions"),
        (60, 50, None, 20, True, 15, "fit on at least 80 varied samples or ask for 15"),
        (900, 50, None, 64, False, 50, "its input has 50; ask for 50"),
        (3, 50, None, 20, True, 1, "not the 20 asked for"),
    ],
)
def test_dimensions_are_reduced_with_a_reason(
    n: int, columns: int, rank: int | None, dims: int, whiten: bool, expected: int, words: str
) -> None:
    p = fit_projection(accumulated(samples(n, columns, rank=rank)), "wpca", dims, whiten=whiten)
    assert p.dims_out == expected == len(p.eigenvalues)
    assert words in p.meta["reduced"]
    assert p.meta["reduced"].startswith(f"projection 'wpca' has {expected} dimensions, not the {dims} asked for")
    assert p.meta["n_samples"] == n
    assert p.meta["dims_requested"] == dims
    assert np.isfinite(p.apply(samples(4, columns))).all()


def test_saved_projection_comes_back_bit_for_bit(tmp_path: Path) -> None:
    p = fit_projection(accumulated(samples(300, 20)), "wpca", 5, whiten=True)
    p.save(tmp_path / "a.safetensors")
    back = load_projection(tmp_path / "a.safetensors")
    assert (back.name, back.whiten, back.epsilon, back.meta) == (p.name, p.whiten, p.epsilon, p.meta)
    assert back.digest == p.digest
    assert back.apply(samples(3, 20)).tobytes() == p.apply(samples(3, 20)).tobytes()
    back.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p = fit_projection(accumulated(samples(300, 20)), "wpca", 5, whiten=True)
    path = tmp_path / "p.safetensors"
    p.save(path)
    before = path.read_bytes()

    def refuse(source: object, target: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("transforms.projections.os.replace", refuse)
    with pytest.raises(OSError, match="no space"):
        dataclasses.replace(p, whiten=False).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_digest_follows_the_numbers_and_not_the_name() -> None:
    p = fit_projection(accumulated(samples(300, 20)), "wpca", 5, whiten=True)
    assert dataclasses.replace(p, name="other", meta={}).digest == p.digest
    changed = [
        dataclasses.replace(p, whiten=False),
        dataclasses.replace(p, epsilon=1e-3),
        dataclasses.replace(p, mean=np.nextafter(p.mean, np.float32(9))),
        dataclasses.replace(p, eigenvalues=p.eigenvalues * 2),
        dataclasses.replace(p, components=-p.components),
    ]
    assert len({p.digest, *(other.digest for other in changed)}) == 6


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    p = fit_projection(accumulated(samples(300, 20)), "wpca", 5, whiten=True)
    data = bytearray(p.to_bytes())
    for wrong in (b"", b"not a projection", bytes(data[:-40])):
        with pytest.raises(ValueError, match="is not a projection"):
            Projection.from_bytes(wrong)
    data[-3] ^= 1
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(ValueError, match=r"p is damaged: .* fit it again"):
        load_projection(tmp_path / "p")


def test_arrays_cannot_be_changed_in_place() -> None:
    p = fit_projection(accumulated(samples(300, 20)), "wpca", 5, whiten=True)
    with pytest.raises(ValueError, match="read-only"):
        p.mean[0] = 1
    assert json.loads(json.dumps(p.meta)) == p.meta


def test_wrong_use_is_one_clear_error() -> None:
    good = samples(10, 4)
    with pytest.raises(ValueError, match="1 samples, at least 2"):
        fit_projection(accumulated(good[:1]), "p", 2, whiten=False)
    with pytest.raises(ValueError, match="all 10 samples are equal"):
        fit_projection(accumulated(np.repeat(good[:1], 10, axis=0)), "p", 2, whiten=True)
    with pytest.raises(ValueError, match="all 3 samples are equal"):
        fit_projection(accumulated(np.zeros((3, 8))), "p", 2, whiten=True)
    with pytest.raises(ValueError, match="dims 0"):
        fit_projection(accumulated(good), "p", 0, whiten=True)
    with pytest.raises(ValueError, match="1 of 10 rows hold values that are not finite"):
        accumulated(np.where(np.arange(10)[:, None] == 3, np.nan, good))
    with pytest.raises(ValueError, match=r"expected \[n, 4\]"):
        accumulated(good).add(np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"expected \[n, 4\]"):
        fit_projection(accumulated(good), "p", 2, whiten=False).apply(np.zeros(4))
    with pytest.raises(ValueError, match="mean holds values that are not finite"):
        Projection("p", np.array([np.inf]), np.ones((1, 1)), np.ones(1), True)
    with pytest.raises(ValueError, match=r"expected \[D\], \[d, D\], \[d\]"):
        Projection("p", np.zeros(3), np.ones((1, 2)), np.ones(1), True)
    with pytest.raises(ValueError, match="not above zero"):
        Projection("p", np.zeros(2), np.ones((1, 2)), np.zeros(1), True, 0.0)


def test_one_blas_thread_holds_until_the_last_one_leaves() -> None:
    before = blas_threads()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        assert inside.wait(10)
        assert set(blas_threads()) == {1}
    assert set(blas_threads(openmp=False)) == {1}
    leave.set()
    thread.join()
    assert blas_threads() == before


def test_one_blas_thread_holds_in_a_thread_that_threadpoolctl_would_ignore() -> None:
    before = blas_threads()
    seen: list[list[int]] = []

    def other() -> None:
        with one_blas_thread():
            seen.append(blas_threads())

    # The main thread has set a limit and with it taken control; nothing else inside may lift the limit.
    outer = threadpool_limits(limits=2, user_api="blas")
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    outer.restore_original_limits()
    assert set(seen[0]) == {1}
    with one_blas_thread():
        assert set(blas_threads()) == {1}
    assert blas_threads() == before
