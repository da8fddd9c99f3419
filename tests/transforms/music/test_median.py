"""The generated running median: the module is what its generator writes, and gives what scipy gives, bit by bit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage

from transforms.music import median31

ROOT = Path(__file__).resolve().parents[3]


def _medians(samples: np.ndarray) -> np.ndarray:
    found = np.full_like(samples, np.nan)
    median31.running(samples, 0, len(samples), 0, found)
    return found


def _samples(kind: str, shape: tuple[int, int]) -> np.ndarray:
    """float32 [rows, columns]: what spectrograms hold, and what they hardly ever do."""
    rng = np.random.default_rng(31)
    if kind == "spectrogram":
        return (rng.lognormal(sigma=4, size=shape) * np.hanning(shape[0] + 2)[1:-1, None]).astype(np.float32)
    if kind == "bits":  # a network that orders zeros and ones orders everything (Knuth, 5.3.4, theorem Z)
        return rng.integers(0, 2, shape).astype(np.float32)
    if kind == "ties":
        return rng.integers(0, 5, shape).astype(np.float32)
    if kind == "mostly zero":
        return np.where(rng.random(shape) < 0.6, 0, rng.random(shape)).astype(np.float32)
    if kind == "denormal":
        return rng.integers(0, 100, shape).astype(np.float32) * np.float32(1e-45)
    if kind == "huge":
        return np.where(rng.random(shape) < 0.3, np.inf, np.float32(3e38) * rng.random(shape)).astype(np.float32)
    raise ValueError(kind)


def test_the_module_is_what_the_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_median", ROOT / "tools" / "make_median.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert generator.PATH.read_text(encoding="utf-8") == generator.text(), "run python tools/make_median.py"
    assert Path(median31.__file__).resolve() == generator.PATH


@pytest.mark.parametrize("kind", ["spectrogram", "bits", "ties", "mostly zero", "denormal", "huge"])
@pytest.mark.parametrize("shape", [(200, 70), (64, 32), (1025, 33)], ids=str)
def test_equals_scipy(kind: str, shape: tuple[int, int]) -> None:
    samples = _samples(kind, shape)
    for axis, view in ((0, samples), (1, samples.T)):
        found = _medians(view)
        size = (31, 1) if axis == 0 else (1, 31)
        expected = scipy.ndimage.median_filter(samples, size=size, mode="reflect")
        np.testing.assert_array_equal(found if axis == 0 else found.T, expected)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 14, 15, 16, 17, 29, 30, 31, 32, 61, 65, 127, 129])
def test_signals_shorter_than_the_window_and_tiles_that_are_not_full(rows: int) -> None:
    samples = _samples("spectrogram", (rows, 5))
    # Not scipy here: with two or three rows its filter (1.17.1) reads memory that is not its own.
    mirrored = np.pad(samples, ((15, 15), (0, 0)), mode="symmetric")
    expected = np.median(np.lib.stride_tricks.sliding_window_view(mirrored, 31, axis=0), axis=-1)
    np.testing.assert_array_equal(_medians(samples), expected)


@pytest.mark.parametrize("first", [0, 1, 20, 150, 299])
def test_a_stretch_with_its_surroundings_is_enough(first: int) -> None:
    samples = _samples("spectrogram", (300, 40))
    stop = min(300, first + 70)
    base = max(0, first - 15)
    around = np.full((100, 41), np.nan, np.float32)  # more memory than is to be written to
    median31.running(samples[base : stop + 15], base, 300, first, around[: stop - first, :40])
    np.testing.assert_array_equal(around[: stop - first, :40], _medians(samples)[first:stop])
    assert np.isnan(around[stop - first :]).all()
    assert np.isnan(around[:, 40]).all()
