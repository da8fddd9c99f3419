"""The speech spectrogram against scipy.signal's, its slopes against fitted lines."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.spectrograms import speech


def noise(samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    return (rng.standard_normal(samples) * np.geomspace(1e-6, 0.3, samples)).astype(np.float32)


def spectrogram(samples: np.ndarray, n_fft: int, bins: int) -> np.ndarray:
    out = np.full((1 + (len(samples) - 640) // 160, bins), np.nan, dtype=np.float32)
    speech.log_spectrogram(samples, n_fft, out)
    return out


def reference(samples: np.ndarray, n_fft: int, bins: int) -> np.ndarray:
    """scipy's short-time transform over whole windows only, scaled back to plain sums."""
    from scipy import signal

    window = signal.get_window("hamming", 640)
    _, _, found = signal.stft(
        samples.astype(np.float64), window=window, nperseg=640, noverlap=480, nfft=n_fft, boundary=None, padded=False
    )
    return np.log(np.abs(found.T[:, :bins]) * window.sum() + 1e-6)


@pytest.mark.parametrize(("n_fft", "bins"), [(1600, 400), (1600, 800), (800, 200)])
@pytest.mark.parametrize("samples", [640, 799, 800, 33_333])
def test_equals_scipy(samples: int, n_fft: int, bins: int) -> None:
    found, wanted = spectrogram(noise(samples), n_fft, bins), reference(noise(samples), n_fft, bins)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_the_window_is_scipys() -> None:
    from scipy import signal

    np.testing.assert_allclose(speech.hamming(), signal.get_window("hamming", 640), rtol=0, atol=1e-15)


def test_a_tone_stands_in_its_bin() -> None:
    tone = np.sin(2 * np.pi * 1230 * np.arange(16_000) / 16_000).astype(np.float32)
    found = spectrogram(tone, 1600, 400)
    assert (found.argmax(axis=1) == 123).all()
    np.testing.assert_allclose(found.max(axis=1), np.log(0.54 * 640 / 2), atol=1e-3)


@pytest.mark.parametrize(
    "hard",
    [np.zeros(6400), np.eye(1, 6400, 3200)[0], np.sign(np.sin(np.arange(6400) * 0.3)), np.full(6400, 1e-42)],
    ids=["silence", "impulse", "square wave", "denormal"],
)
def test_hard_signals(hard: np.ndarray) -> None:
    samples = hard.astype(np.float32)
    found = spectrogram(samples, 1600, 400)
    assert np.isfinite(found).all()
    if samples.any():
        assert found.min() >= np.float32(np.log(1e-6))
    else:
        assert (found == np.float32(np.log(1e-6))).all()


@pytest.mark.parametrize("reach", [1, 2, 4])
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_slope_is_that_of_the_fitted_line(rows: int, reach: int) -> None:
    values = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
    wide = np.full((rows, 9), 7.0, dtype=np.float32)
    speech.slope(values, reach, wide[:, 3:6])
    steps = np.arange(-reach, reach + 1)
    for row in range(rows):
        around = values[np.clip(row + steps, 0, rows - 1)].astype(np.float64)
        np.testing.assert_allclose(wide[row, 3:6], np.polyfit(steps, around, 1)[0], atol=1e-6)
    assert (wide[:, :3] == 7).all(), "nothing beside the slopes is written"
    assert (wide[:, 6:] == 7).all(), "nothing beside the slopes is written"
