"""The cepstral coefficients against librosa's."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from transforms.features.mfcc32 import CARD
from transforms.spectrograms import mfcc

RATES = CARD.parameters["rate_hz"].choices


def reference(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """librosa's coefficients, padded to 192 frames or cut, time-major."""
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa remarks on signals shorter than a window
        found = librosa.feature.mfcc(y=samples[: mfcc.SAMPLES], sr=rate_hz, n_mfcc=32, n_fft=2048, hop_length=2048)
    return found.T[:192]


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """Pink-ish noise that swells, so that bands and frames differ by more than 80 dB."""
    rng = np.random.default_rng(seed)
    swell = np.geomspace(1e-6, 0.3, samples)
    return (np.cumsum(rng.standard_normal(samples)) * swell / np.sqrt(samples)).astype(np.float32)


def off(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference against the range."""
    assert found.shape == wanted.shape
    assert found.dtype == np.float32
    return float(np.abs(found - wanted).max() / np.ptp(wanted))


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("samples", [1024, 2047, 2048, 100_000, mfcc.SAMPLES, mfcc.SAMPLES + 5000])
def test_equals_librosa(samples: int, rate_hz: int) -> None:
    assert off(mfcc.mfcc(noise(samples), rate_hz), reference(noise(samples), rate_hz)) < 3e-6


def test_equals_librosa_on_real_music(media: Path) -> None:
    import librosa

    for path in sorted((media / "audio").rglob("*.ogg")):
        samples, _ = librosa.load(path, sr=14_440)
        assert off(mfcc.mfcc(samples, 14_440), reference(samples, 14_440)) < 3e-6, path.name


@pytest.mark.parametrize(
    "signal",
    [
        np.ones(1),
        np.eye(1, 5000, 2500)[0],
        np.sign(np.sin(np.arange(50_000) * 0.1)),
        np.full(5000, 1e-42),
        np.full(5000, -1.0),
    ],
    ids=["one sample", "impulse", "square wave", "denormal", "constant"],
)
def test_hard_signals_equal_librosa(signal: np.ndarray) -> None:
    samples = signal.astype(np.float32)
    found = mfcc.mfcc(samples, 14_440)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, reference(samples, 14_440), atol=3e-6 * np.abs(found).max(), rtol=0)


def test_silence_is_a_hundred_decibels_down() -> None:
    found = mfcc.mfcc(np.zeros(10_000, np.float32), 14_440)
    np.testing.assert_allclose(found[:, 0], -100 * np.sqrt(128), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-9)


def test_frames_and_what_they_look_at() -> None:
    assert [len(mfcc.mfcc(noise(n), 14_440)) for n in (1, 2047, 2048, 4096, 10**6)] == [1, 1, 2, 3, 192]
    long = noise(mfcc.SAMPLES + 100_000)
    louder = long.copy()
    louder[mfcc.SAMPLES :] *= 1000
    assert mfcc.mfcc(louder, 14_440).tobytes() == mfcc.mfcc(long, 14_440).tobytes()


def test_gain_moves_the_first_coefficient_only() -> None:
    samples = noise(60_000)
    quiet, loud = mfcc.mfcc(samples, 14_440), mfcc.mfcc(samples * 10, 14_440)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], 20 * np.sqrt(128), atol=1e-3)
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-3)
