"""The chromagram agrees with librosa's to the rounding of its float32 sums."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
from melodies import SAMPLES, melody

from transforms.music import chroma, reference, spectra
from transforms.music.contract import Contract, contract
from transforms.music.layout import EXCERPT_SAMPLES, HOP, N_FFT, RATE_HZ

CODE = contract("code")
#: librosa adds up 257 products in float32: up to 1.1e-6 away from the float64 sum on real music.
TOLERANCE = 2e-6


def power_of(y: np.ndarray) -> np.ndarray:
    """Powers of the whole signal, time-major."""
    return np.abs(spectra.stft(y, N_FFT, HOP, "reflect")) ** 2


def compare(y: np.ndarray, settings: Contract = CODE) -> np.ndarray:
    """The fast chromagram, after it was held to the reference."""
    expected = reference.raw_block("chroma_stft", y, settings)
    found = chroma.chroma_stft(power_of(y))
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == (12, 1 + len(y) // HOP)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    difference = np.abs(reference.decibels(found) - reference.decibels(expected)).max()
    assert difference < TOLERANCE * 80
    return found


@pytest.mark.parametrize("seed", range(4))
def test_melodies_equal_librosa(seed: int) -> None:
    found = compare(melody(seed))
    np.testing.assert_array_equal(found.max(axis=0), 1)


def test_one_note_is_its_pitch_class() -> None:
    a4 = np.sin(2 * np.pi * 440 * np.arange(SAMPLES) / RATE_HZ).astype(np.float32)
    # The first and the last frame see the tone turned around.
    assert (compare(a4)[:, 1:-1].argmax(axis=0) == 9).all()


def test_gain_changes_nothing() -> None:
    y = melody(1)
    np.testing.assert_array_equal(chroma.chroma_stft(power_of(y)), chroma.chroma_stft(power_of(y * np.float32(0.125))))


def test_silence_stays_silent_and_small_frames_stay_small() -> None:
    assert not compare(np.zeros(SAMPLES, dtype=np.float32)).any()
    y = melody(2)
    y[SAMPLES // 3 : SAMPLES // 2] = 0
    found = compare(y)
    silent = slice(SAMPLES // 3 // HOP + 2, SAMPLES // 2 // HOP - 2)
    assert not found[:, silent].any()
    # The powers are under the smallest normal number: librosa leaves such frames as they are.
    tiny = compare(melody(3) * np.float32(1e-23))
    assert np.isfinite(tiny).all()
    assert tiny.max() < 1e-37


def test_impulse_square_wave_and_denormals() -> None:
    impulse = np.zeros(SAMPLES, dtype=np.float32)
    impulse[SAMPLES // 2] = 1
    compare(impulse)
    compare(np.sign(np.sin(np.arange(SAMPLES) / 9)).astype(np.float32))
    assert np.isfinite(compare(np.full(SAMPLES, 1e-40, dtype=np.float32))).all()


def test_filters_are_librosas_at_every_tuning() -> None:
    for tuning in np.linspace(-0.5, 0.5, 101)[:-1]:
        expected = librosa.filters.chroma(sr=RATE_HZ, n_fft=N_FFT, tuning=tuning)
        np.testing.assert_array_equal(chroma.filter_bank(float(tuning)), expected)


def test_filters_are_shared_and_cannot_be_spoilt() -> None:
    filters = chroma._filters(0.07)
    assert filters is chroma._filters(0.07)
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1


def test_real_music(media: Path) -> None:
    files = sorted(path for path in (media / "audio").rglob("*") if path.is_file())
    assert files
    for path in files:
        y = librosa.util.fix_length(librosa.load(path, sr=RATE_HZ)[0], size=EXCERPT_SAMPLES)
        for component in reference.separate(y, CODE):
            compare(component)
