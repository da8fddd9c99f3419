"""The tuning is librosa's, to the very step: on detuned chords, on noise, on silence, on real music."""

from __future__ import annotations

import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest

from transforms.music import reference, spectra
from transforms.music.contract import contract
from transforms.music.layout import EXCERPT_SAMPLES, HOP, N_FFT, RATE_HZ
from transforms.music.tuning import inner_frames, outer_magnitudes, tuning_of_signal, tuning_of_spectrum

SAMPLES = 400 * HOP


def chord(tuning: float, noise: float = 0.0) -> np.ndarray:
    """Five notes with three overtones each, ``tuning`` semitones beside A = 440 Hz."""
    rng = np.random.default_rng(round(100 * tuning) + 50)
    seconds = np.arange(SAMPLES) / RATE_HZ
    y = noise * rng.standard_normal(SAMPLES)
    for note in rng.choice(np.arange(40, 84), 5, replace=False):
        hz = 440 * 2 ** ((note + tuning - 69) / 12)
        for overtone in (1, 2, 3):
            phase = rng.uniform(0, 2 * np.pi)
            y += rng.uniform(0.05, 0.3) / overtone * np.sin(2 * np.pi * hz * overtone * seconds + phase)
    return (0.7 * y / np.abs(y).max()).astype(np.float32)


def both(y: np.ndarray) -> tuple[list[float], list[float]]:
    """What librosa and what the fast path find: in the powers, in the signal at 12 and at 36 bins."""
    power = np.abs(spectra.stft(y, N_FFT, HOP)) ** 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # silence has no peaks
        expected = [librosa.estimate_tuning(S=power.T, sr=RATE_HZ)]
        expected += [librosa.estimate_tuning(y=y, sr=RATE_HZ, bins_per_octave=bins) for bins in (12, 36)]
    return expected, [tuning_of_spectrum(power), tuning_of_signal(y), tuning_of_signal(y, 36)]


@pytest.mark.parametrize("step", range(-50, 50))
def test_every_tuning_is_found_as_librosa_finds_it(step: int) -> None:
    # Exactly on the border of two steps: one bit decides.
    expected, found = both(chord(step / 100))
    assert found == expected


@pytest.mark.parametrize("tuning", [-0.41, -0.2, 0.0, 0.13, 0.37])
def test_the_tuning_of_a_chord_is_its_own(tuning: float) -> None:
    # The parabola through magnitudes is some hundredths of a semitone off by itself.
    assert abs(tuning_of_signal(chord(tuning)) - tuning) < 0.06


@pytest.mark.parametrize("seed", range(5))
def test_noise_equals_librosa(seed: int) -> None:
    expected, found = both(chord(0.003 * seed, noise=0.3))
    assert found == expected


def test_silence_and_an_impulse() -> None:
    silence = np.zeros(SAMPLES, dtype=np.float32)
    assert both(silence)[1] == [0.0, 0.0, 0.0]
    impulse = silence.copy()
    impulse[SAMPLES // 3] = 1.0
    square = np.sign(np.sin(np.arange(SAMPLES) / 7)).astype(np.float32)
    for y in (impulse, square, impulse * np.float32(1e-30)):
        expected, found = both(y)
        assert found == expected


def test_real_music(media: Path) -> None:
    files = sorted(path for path in (media / "audio").rglob("*") if path.is_file())
    assert files
    for path in files:
        y = librosa.util.fix_length(librosa.load(path, sr=RATE_HZ)[0], size=EXCERPT_SAMPLES)
        for component in reference.separate(y, contract("paper")):
            expected, found = both(component)
            assert found == expected, path.name


@pytest.mark.parametrize("samples", [2048, 4096 - 256, 20_480, EXCERPT_SAMPLES])
def test_inner_and_outer_frames_are_all_frames_of_a_signal(samples: int) -> None:
    y = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    whole = np.abs(spectra.stft(y, 2048, 512, "constant"))
    inner = inner_frames(samples)
    mirrored = np.abs(spectra.stft(y, 2048, 512, "reflect"))
    np.testing.assert_array_equal(mirrored[inner.start : inner.stop], whole[inner.start : inner.stop])
    outer = np.delete(whole, list(inner), axis=0)
    np.testing.assert_array_equal(outer_magnitudes(y), outer)
