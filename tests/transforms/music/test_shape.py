"""Centroid, bandwidth, rolloff and polynomials against librosa, which is given the same magnitudes."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from transforms.music.shape import Shape

RATE_HZ, N_FFT, BINS = 12_000, 512, 257


def _shape(magnitude: np.ndarray) -> Shape:
    shape = Shape.empty(len(magnitude))
    for start in range(0, len(magnitude), 64):
        part = magnitude[start : start + 64]
        shape.fill(slice(start, start + len(part)), part)
    return shape


def _spectra() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    noise = generator.exponential(size=(150, BINS))
    flat = np.ones((5, BINS))
    return {
        "noise": noise,
        "falling": noise * np.geomspace(1e2, 1e-6, BINS),
        "one bin": np.eye(BINS),
        "silence": np.zeros((70, BINS)),
        "flat": flat,
        "almost silent": noise * 1e-41,  # adds up to less than the smallest normal float32
        "denormal": noise * 1e-39,
        "huge": noise * 1e33,
        "loud then silent": np.concatenate([flat, 0 * flat]),
    }


SPECTRA = {name: magnitude.astype(np.float32) for name, magnitude in _spectra().items()}


@pytest.mark.parametrize("name", SPECTRA)
def test_shape_is_that_of_librosa(name: str) -> None:
    magnitude = SPECTRA[name]
    found = _shape(magnitude)
    given = {"S": magnitude.T, "sr": RATE_HZ, "n_fft": N_FFT}
    expected = Shape(
        librosa.feature.spectral_centroid(**given).T,
        librosa.feature.spectral_bandwidth(**given).T,
        librosa.feature.spectral_rolloff(**given).T,
        librosa.feature.poly_features(**given, order=1).T,
        librosa.feature.poly_features(**given, order=2).T,
    )
    for field, mine, theirs in zip(Shape._fields, found, expected, strict=True):
        assert mine.shape == theirs.shape, field
        assert np.isfinite(mine).all(), field
        for column, wanted in zip(mine.T, theirs.T, strict=True):
            # each column against its own size: the coefficients of a parabola lie seven orders of magnitude apart.
            # A flat spectrum has slope 0, which librosa's solver meets up to its rounding: against the top value then.
            top = float(magnitude.max()) if field.startswith("poly") else 0.0
            size = max(float(np.abs(wanted).max()), 1e-6 * top)
            np.testing.assert_allclose(column, wanted, rtol=0, atol=1e-7 * size, err_msg=f"{name}: {field}")
    np.testing.assert_array_equal(found.rolloff, expected.rolloff)


def test_a_parabola_is_found_again() -> None:
    hz = np.linspace(0, RATE_HZ / 2, BINS)
    magnitude = (3e-8 * hz**2 - 2e-4 * hz + 5.0).astype(np.float32)[np.newaxis]
    np.testing.assert_allclose(_shape(magnitude).poly2[0], [3e-8, -2e-4, 5.0], rtol=1e-5)


def test_gain_changes_nothing_but_the_height_of_the_polynomials() -> None:
    magnitude = SPECTRA["falling"]
    loud, soft = _shape(magnitude), _shape(magnitude / 2)
    for field in ("centroid", "bandwidth", "rolloff"):
        np.testing.assert_array_equal(getattr(soft, field), getattr(loud, field))
    np.testing.assert_array_equal(soft.poly1 * 2, loud.poly1)
    np.testing.assert_array_equal(soft.poly2 * 2, loud.poly2)
