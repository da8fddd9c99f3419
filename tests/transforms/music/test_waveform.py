"""Root mean square and zero crossings against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from transforms.music.contract import Padding
from transforms.music.waveform import rms, zcr

SAMPLES = 256 * 60


def _signals() -> dict[str, np.ndarray]:
    noise = np.random.default_rng(3).standard_normal(SAMPLES)
    impulse = np.zeros(SAMPLES)
    impulse[5000] = -1
    around_zero = np.resize(np.array([-1.0, 0.0, -0.0, 1.0, -1e-10, 1e-10, -1.1e-10, 1e-45, -1e-45]), SAMPLES)
    past_threshold = np.nextafter(np.float32(-1e-10), np.float32(-1))
    return {
        "noise": noise,
        "square": np.where(np.arange(SAMPLES) // 50 % 2, 1.0, -1.0),
        "silence": np.zeros(SAMPLES),
        "impulse": impulse,
        "around zero": around_zero,
        "at the threshold": np.resize([1.0, -1e-10, 1.0, past_threshold], SAMPLES),
        "denormal": noise * 1e-40,
        "squares vanish": noise * 1e-30,
        "odd length": noise[: SAMPLES - 77],
    }


SIGNALS = {name: y.astype(np.float32) for name, y in _signals().items()}


@pytest.mark.parametrize("padding", ["reflect", "constant"])
@pytest.mark.parametrize("name", SIGNALS)
def test_rms_is_that_of_librosa(name: str, padding: Padding) -> None:
    y = SIGNALS[name]
    expected = librosa.feature.rms(y=y, frame_length=512, hop_length=256, pad_mode=padding).T
    found = rms(y, padding)
    assert found.shape == (1 + len(y) // 256, 1)
    np.testing.assert_allclose(found, expected, rtol=5e-7)


@pytest.mark.parametrize("name", SIGNALS)
def test_zero_crossings_are_those_of_librosa(name: str) -> None:
    y = SIGNALS[name]
    np.testing.assert_array_equal(zcr(y), librosa.feature.zero_crossing_rate(y, frame_length=512, hop_length=256).T)


def test_a_crossing_at_the_start_of_a_frame_belongs_to_the_frame_before() -> None:
    y = np.ones(SAMPLES, dtype=np.float32)
    y[2560 - 256 :] = -1  # the first sample of the frame centred on sample 2560, which is frame 10
    rates = zcr(y)[:, 0] * 512
    assert rates[8:12].tolist() == [0, 1, 0, 0]
