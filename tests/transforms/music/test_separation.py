"""The separation in blocks gives what librosa gives, bit by bit."""

from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest

from transforms.music import reference, separation
from transforms.music.contract import contract
from transforms.music.layout import EXCERPT_SAMPLES, RATE_HZ

CODE, PAPER = contract("code"), contract("paper")


def _music(samples: int) -> np.ndarray:
    """Chords that change, clicks, hiss, and a silence."""
    rng = np.random.default_rng(12)
    t = np.arange(samples) / RATE_HZ
    y = sum(0.1 * np.sin(2 * np.pi * hz * (1 + np.floor(t / 1.7) % 3 / 4) * t) for hz in (110, 277.18, 659.26, 1760))
    y = y + 0.003 * rng.standard_normal(samples)
    y[:: RATE_HZ // 3] += 0.6
    y[samples // 2 : samples // 2 + 6000] = 0
    return y.astype(np.float32)


def _special(kind: str, samples: int = 30_000) -> np.ndarray:
    y = np.zeros(samples, np.float32)
    if kind == "impulse":
        y[samples // 3] = 1
    elif kind == "first sample":
        y[0] = 1
    elif kind == "square":
        y[:] = np.where(np.arange(samples) // 50 % 2, 1, -1)
    elif kind == "constant":
        y[:] = 0.5
    elif kind == "denormal":
        y[:] = np.random.default_rng(3).integers(-90, 90, samples).astype(np.float32) * np.float32(1e-44)
    elif kind == "just above denormal":
        y[:] = np.random.default_rng(4).standard_normal(samples).astype(np.float32) * np.float32(1e-37)
    return y


def _assert_same(y: np.ndarray, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa remarks on short signals
        expected = reference.separate(y, contract(name))
    found = separation.separate(y, contract(name))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["code", "paper"])
def test_equals_librosa_bit_by_bit(name: str) -> None:
    _assert_same(_music(EXCERPT_SAMPLES), name)


@pytest.mark.parametrize(
    "samples",
    # fewer frames than a median is wide (scipy is wrong below four), a block and one more, a block and its halo
    [1536, 2049, 7_000, 63 * 512, 64 * 512, 79 * 512 + 256, 128 * 512 - 1, 50_001],
)
def test_any_length(samples: int) -> None:
    for name in ("code", "paper"):
        _assert_same(_music(samples), name)


@pytest.mark.parametrize(
    "kind", ["silence", "impulse", "first sample", "square", "constant", "denormal", "just above denormal"]
)
def test_signals_at_the_edge(kind: str) -> None:
    for name in ("code", "paper"):
        _assert_same(_special(kind), name)


def test_the_tail_of_the_contracts() -> None:
    y = _music(EXCERPT_SAMPLES)
    code, paper = separation.separate(y, CODE), separation.separate(y, PAPER)
    assert not code[:, -256:].any()
    assert (np.abs(paper[:, -256:]).max(axis=1) > 1e-3).all()


def test_the_components_add_up_to_the_signal() -> None:
    y = _music(100_000)
    np.testing.assert_allclose(separation.separate(y, PAPER).sum(axis=0), y, rtol=0, atol=1e-6)


def test_the_components_are_what_they_are_called() -> None:
    t = np.arange(60_000) / RATE_HZ
    tone = 0.2 * np.sin(2 * np.pi * 440 * t)
    clicks = np.zeros(60_000)
    clicks[2_000::4_000] = 0.8
    harmonic, percussive = separation.separate((tone + clicks).astype(np.float32), PAPER)
    inside = slice(4_000, -4_000)
    assert np.linalg.norm((harmonic - tone)[inside]) < 0.15 * np.linalg.norm(tone[inside])
    assert np.linalg.norm((percussive - clicks)[inside]) < 0.3 * np.linalg.norm(clicks[inside])


def test_memory_does_not_grow_with_the_spectrogram() -> None:
    y = _music(1_500_000)
    separation.separate(y[:10_000], CODE)
    tracemalloc.start()
    try:
        separation.separate(y, CODE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Result and padded copy are 12 bytes a sample; spectrum, magnitudes and medians of all frames would be 40 more.
    assert peak < 12 * len(y) + 12_000_000


def test_real_music(media: Path) -> None:
    tracks = sorted((media / "audio").rglob("*.ogg"))
    assert tracks
    for track in tracks[:2]:
        y, _ = librosa.load(track, sr=RATE_HZ, duration=30)
        _assert_same(y[: len(y) // 256 * 256], "code")
