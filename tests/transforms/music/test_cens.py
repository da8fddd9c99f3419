"""Constant-Q transform and CENS are librosa's, bit for bit: no step of the quantisation is taken the other way."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
from melodies import SAMPLES, melody

from transforms.music import cens, constantq, reference
from transforms.music.contract import Contract, Padding, contract
from transforms.music.layout import EXCERPT_SAMPLES, HOP, RATE_HZ


def settings(bins: int, padding: Padding) -> Contract:
    """The code's contract with another resolution and padding."""
    return dataclasses.replace(contract("code"), cens_bins_per_octave=bins, padding=padding)


def compare(y: np.ndarray, bins: int = 12, padding: Padding = "reflect") -> np.ndarray:
    """The fast CENS, after it was held to the reference."""
    expected = reference.raw_block("chroma_cens", y, settings(bins, padding))
    found = cens.chroma_cens(y, bins, padding)
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == (12, 1 + len(y) // HOP)
    np.testing.assert_array_equal(found, expected)
    return found


@pytest.mark.parametrize("padding", ["reflect", "constant"])
@pytest.mark.parametrize("bins", [12, 36])
@pytest.mark.parametrize("seed", range(3))
def test_melodies_equal_librosa(seed: int, bins: int, padding: Padding) -> None:
    y = melody(seed)
    found = compare(y, bins, padding)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-6)
    transform = librosa.cqt(
        y, sr=RATE_HZ, hop_length=HOP, n_bins=7 * bins, bins_per_octave=bins, tuning=None, pad_mode=padding
    )
    np.testing.assert_array_equal(constantq.constant_q(y, bins, padding).T, np.abs(transform))


@pytest.mark.parametrize("frames", [1365, 1366, 1367, 1500])
def test_other_lengths(frames: int) -> None:
    compare(melody(5, frames * HOP))


def test_the_transform_at_every_tuning() -> None:
    # Half a second is enough where only the filters differ.
    y = melody(4, 32 * HOP)
    for step in range(-50, 50):
        tuning = np.linspace(-0.5, 0.5, 101)[step + 50]
        filters = constantq._filters(12, float(tuning))
        transform = librosa.cqt(y, sr=RATE_HZ, hop_length=HOP, n_bins=84, tuning=tuning)
        top = np.zeros((33, 12), dtype=np.complex64)
        windows = constantq._windows(y, filters.n_fft, HOP, "constant")
        spectrum = np.fft.rfft(windows.astype(np.float64), axis=-1)
        constantq._project(spectrum, filters.starts[72:], filters.columns, filters.weights, filters.gains[72:], top)
        np.testing.assert_array_equal(top.T, transform[72:])


def test_filters_of_lower_octaves_are_librosas() -> None:
    for bins, tuning in ((12, 0.31), (36, -0.2)):
        filters = constantq._filters(bins, tuning)
        dense = np.zeros((7 * bins, filters.n_fft // 2 + 1), dtype=np.complex64)
        for row, (start, end) in enumerate(zip(filters.starts[:-1], filters.starts[1:], strict=True)):
            dense[row, filters.columns[start:end]] = filters.weights[start:end]
        hz = librosa.cqt_frequencies(
            n_bins=7 * bins, fmin=librosa.note_to_hz("C1"), bins_per_octave=bins, tuning=tuning
        )
        for octave in range(7):
            rows, halving = slice(octave * bins, (octave + 1) * bins), 2 ** (6 - octave)
            basis, lengths = librosa.filters.wavelet(freqs=hz[rows], sr=RATE_HZ / halving)
            response = np.fft.fft(basis * lengths[:, None] / filters.n_fft)[:, : filters.n_fft // 2 + 1]
            sparse = librosa.util.sparsify_rows(response * np.sqrt(halving), quantile=0.01).toarray()
            np.testing.assert_array_equal(dense[rows] != 0, sparse != 0)
            np.testing.assert_allclose(dense[rows], sparse, rtol=0, atol=1e-6 * np.abs(sparse).max())


def test_filters_are_shared_and_cannot_be_spoilt() -> None:
    filters = constantq._filters(12, 0.05)
    assert filters is constantq._filters(12, 0.05)
    with pytest.raises(ValueError, match="read-only"):
        filters.weights[0] = 1


def test_silence_impulse_and_short_support() -> None:
    silence = np.zeros(SAMPLES, dtype=np.float32)
    assert not compare(silence).any()
    impulse = silence.copy()
    impulse[SAMPLES // 2] = 1
    compare(impulse)
    compare(impulse * np.float32(1e-30))
    compare(impulse * np.float32(1e-40))
    compare(np.sign(np.sin(np.arange(SAMPLES) / 9)).astype(np.float32))
    short = silence.copy()
    short[:9000] = melody(6, 9000)
    assert not compare(short)[:, -100:].any()
    late = silence.copy()
    late[-3000:] = melody(7, 3000)
    for padding in ("reflect", "constant"):
        compare(late, 12, padding)
        compare(late, 36, padding)


def test_a_length_that_is_no_multiple_of_the_hop_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 samples: expected a multiple of 256"):
        cens.chroma_cens(np.zeros(1000, dtype=np.float32))


def test_bins_are_folded_and_smoothed_as_librosa_does() -> None:
    for bins in (12, 36):
        fold = librosa.filters.cq_to_chroma(7 * bins, bins_per_octave=bins)
        np.testing.assert_array_equal(fold[cens._class_of_bin(bins), np.arange(7 * bins)], 1)
    window = librosa.filters.get_window("hann", 43, fftbins=False)
    np.testing.assert_array_equal(cens._taps(), window / window.sum())


def test_same_bytes_whatever_the_number_of_threads() -> None:
    script = (
        "import hashlib, numpy as np; from transforms.music import cens; "
        "y = np.random.default_rng(0).standard_normal(153600).astype(np.float32); "
        "print(hashlib.sha256(cens.chroma_cens(y).tobytes()).hexdigest())"
    )
    root = Path(cens.__file__).parents[2]
    found = set()
    for threads in ("1", "4"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
        )
        found.add(run.stdout)
    assert len(found) == 1


def test_real_music(media: Path) -> None:
    files = sorted(path for path in (media / "audio").rglob("*") if path.is_file())
    assert files
    for number, path in enumerate(files):
        y = librosa.util.fix_length(librosa.load(path, sr=RATE_HZ)[0], size=EXCERPT_SAMPLES)
        for component in reference.separate(y, contract("code" if number % 2 else "paper")):
            compare(component)
            compare(component, 36, "constant")
