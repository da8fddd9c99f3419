"""VGGish's front end against its published formulas, written out in plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transforms.spectrograms import vggish


def mel_weight(bin_hz: float, band: int) -> float:
    """Height of a band's triangle at a frequency: 66 edges equally far apart in mel, from 125 to 7500 Hz."""

    def mel(hz: float) -> float:
        return 1127.0 * math.log(1.0 + hz / 700.0)

    low, high = mel(125.0), mel(7500.0)
    lower, centre, upper = (low + (high - low) * (band + k) / 65 for k in range(3))
    return max(0.0, min((mel(bin_hz) - lower) / (centre - lower), (upper - mel(bin_hz)) / (upper - centre)))


WEIGHTS = np.array([[mel_weight(b * 16000 / 512, band) if b else 0.0 for b in range(257)] for band in range(64)])
DFT = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(400)) / 512)
HANN = np.array([0.5 * (1 - math.cos(2 * math.pi * i / 400)) for i in range(400)])


def reference(samples: np.ndarray) -> np.ndarray:
    """float64 [frames, 64]: every whole window, one after the other, by the definition of the transform."""
    rows = []
    start = 0
    while start + 400 <= len(samples):
        magnitude = np.abs(DFT @ (samples[start : start + 400].astype(np.float64) * HANN))
        rows.append([math.log(sum(m * w for m, w in zip(magnitude, band, strict=True)) + 0.01) for band in WEIGHTS])
        start += 160
    return np.array(rows)


def signal(samples: int) -> np.ndarray:
    rng = np.random.default_rng(samples)
    tone = np.sin(2 * np.pi * np.cumsum(np.linspace(100, 7900, samples)) / 16000)
    swell = np.geomspace(1e-5, 1, samples)
    return (swell * (tone * 0.5 + rng.standard_normal(samples) * 0.05)).astype(np.float32)


def test_filters_are_the_published_triangles() -> None:
    found = vggish.filters()
    np.testing.assert_allclose(found, WEIGHTS, rtol=0, atol=1e-12)
    assert found.shape == (64, 257)
    assert not found[:, 0].any()
    assert (found.max(axis=1) > 0).all(), "no band is empty"


@pytest.mark.parametrize("samples", [400, 559, 560, 6400])
def test_log_mel_equals_the_formulas(samples: int) -> None:
    found, wanted = vggish.log_mel(signal(samples)), reference(signal(samples))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_patches_are_frames_in_order() -> None:
    samples = signal(4 * 16_000)
    frames = vggish.log_mel(samples)
    for hop in (96, 100):
        found = vggish.patches(samples, hop)
        assert len(found) == 1 + (len(frames) - 96) // hop
        for k, patch in enumerate(found):
            assert np.array_equal(patch, frames[k * hop : k * hop + 96])
    assert len(vggish.patches(samples[:15_600])) == 1


@pytest.mark.parametrize(
    "hard",
    [np.zeros(4000), np.eye(1, 4000, 2000)[0], np.sign(np.sin(np.arange(4000) * 0.3)), np.full(4000, 1e-42)],
    ids=["silence", "impulse", "square wave", "denormal"],
)
def test_hard_signals(hard: np.ndarray) -> None:
    found = vggish.log_mel(hard.astype(np.float32))
    np.testing.assert_allclose(found, reference(hard.astype(np.float32)), rtol=0, atol=1e-6)
    assert found.min() >= np.float32(math.log(0.01))
