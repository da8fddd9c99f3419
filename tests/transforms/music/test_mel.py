"""Mel bands and cepstral coefficients against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from transforms.music.mel import cepstrum, filters, mel

BANKS = [(22_050, 512, 96), (12_000, 512, 96), (12_000, 2048, 128)]


def _power(n_fft: int, frames: int = 70) -> np.ndarray:
    generator = np.random.default_rng(n_fft)
    falling = np.geomspace(1e2, 1e-9, 1 + n_fft // 2)
    return (falling * generator.exponential(size=(frames, 1 + n_fft // 2))).astype(np.float32)


@pytest.mark.parametrize(("rate_hz", "n_fft", "bands"), BANKS)
def test_bands_are_those_of_librosa(rate_hz: int, n_fft: int, bands: int) -> None:
    power = _power(n_fft)
    expected = librosa.feature.melspectrogram(S=power.T, sr=rate_hz, n_fft=n_fft, n_mels=bands).T
    np.testing.assert_allclose(mel(power, filters(rate_hz, n_fft, bands)), expected, rtol=1e-6)


@pytest.mark.parametrize(("rate_hz", "n_fft", "bands"), BANKS)
def test_a_run_holds_every_weight_of_its_filter(rate_hz: int, n_fft: int, bands: int) -> None:
    bank = filters(rate_hz, n_fft, bands)
    bins = np.eye(1 + n_fft // 2, dtype=np.float32)
    np.testing.assert_array_equal(mel(bins, bank).T, librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=bands))


def test_an_empty_filter_gives_an_empty_band() -> None:
    bank = filters(12_000, 512, 400)
    bands = mel(np.ones((3, 257), dtype=np.float32), bank)
    assert (np.diff(bank.ends) == 0).any()
    np.testing.assert_array_equal(bands[:, np.diff(bank.ends) == 0], 0)


@pytest.mark.parametrize("level", [1.0, 1e-7, 0.0])
def test_coefficients_are_those_of_librosa(level: float) -> None:
    bands = mel(np.float32(level) * _power(2048), filters(12_000, 2048, 128))
    expected = librosa.feature.mfcc(S=librosa.power_to_db(bands.T), n_mfcc=20).T
    found = cepstrum(bands)
    assert found.shape == (70, 20)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=3e-6 * max(1.0, np.ptp(expected)))


def test_frames_do_not_depend_on_their_neighbours() -> None:
    power, bank = _power(512), filters(12_000, 512, 96)
    whole = mel(power, bank)
    parts = [mel(power[start : start + 9], bank) for start in range(0, len(power), 9)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
