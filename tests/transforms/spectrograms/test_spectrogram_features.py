"""The three features on the clip's timeline: rows, masks, late and short tracks, parameters, storage."""

from __future__ import annotations

import math
import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from transforms.features import logmel96, mfcc32, speech_spectrogram
from transforms.spectrograms import mfcc, vggish
from transforms.views import Sound

MODULES = [mfcc32, logmel96, speech_spectrogram]
SECOND = {mfcc32: 14_440, logmel96: 16_000, speech_spectrogram: 16_000}


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(samples) * 0.1).astype(np.float32)


def on_timeline(rate_hz: int, duration_s: float, start_s: float, end_s: float) -> Sound:
    """Noise in [start_s, end_s), silence around it."""
    samples = np.zeros(round(duration_s * rate_hz), np.float32)
    first, end = round(start_s * rate_hz), round(end_s * rate_hz)
    samples[first:end] = noise(end - first)
    return Sound(samples, rate_hz, start_s, end_s)


def run(module: ModuleType, sound: Sound, **parameters: object) -> Any:
    """The feature's Rows, after what holds for every feature."""
    chosen = {**module.CARD.defaults(), **parameters}
    before = sound.samples.tobytes()
    found = module.compute(sound, len(sound.samples) / sound.rate_hz, chosen)
    assert sound.samples.tobytes() == before
    assert module.compute(sound, 0.0, chosen).values.tobytes() == found.values.tobytes()
    hop_s = module.FEATURE.hop_s(chosen) if module.FEATURE.hop_s else module.CARD.hop_s
    dims = module.FEATURE.dims(chosen) if module.FEATURE.dims else module.CARD.dims
    assert found.values.dtype == np.float32
    assert found.values.shape == (len(found.mask), dims)
    assert np.isfinite(found.values).all()
    assert not found.values[~found.mask].any(), "rows without sound are 0"
    assert found.times_s.dtype == np.float64
    np.testing.assert_allclose(found.times_s, found.start_s + np.arange(len(found.mask)) * hop_s, rtol=0, atol=1e-9)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_view_and_defaults(module: ModuleType) -> None:
    defaults = module.CARD.defaults()
    view = module.view(defaults)
    assert view.rate_hz == SECOND[module]
    assert view.max_s == defaults["max_s"]
    assert view.excerpt_s is None
    if module.FEATURE.hop_s:
        assert module.FEATURE.hop_s(defaults) == pytest.approx(module.CARD.hop_s, abs=1e-15)
    if module.FEATURE.dims:
        assert module.FEATURE.dims(defaults) == module.CARD.dims


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("samples", [0, 1, 300, 640, 15_599, 15_600])
def test_short_clips_have_defined_rows(module: ModuleType, samples: int) -> None:
    rate_hz = SECOND[module]
    found = run(module, Sound(noise(samples), rate_hz, 0.0, samples / rate_hz))
    expected = {mfcc32: 192, logmel96: 1, speech_spectrogram: max(1, 1 + (samples - 640) // 160)}[module]
    assert len(found.mask) == expected
    assert found.mask.any() == bool(samples)
    assert found.values.any() == bool(samples)


@pytest.mark.parametrize("module", MODULES)
def test_silence_is_sound(module: ModuleType) -> None:
    found = run(module, Sound(np.zeros(48_000, np.float32), SECOND[module], 0.0, 48_000 / SECOND[module]))
    floor = {mfcc32: -100 * math.sqrt(128), logmel96: math.log(0.01), speech_spectrogram: math.log(1e-6)}[module]
    np.testing.assert_allclose(found.values[found.mask][:, 0], floor, rtol=1e-6)


@pytest.mark.parametrize("module", MODULES)
def test_values_survive_storage(module: ModuleType) -> None:
    for duration_s in (0.5, 5.0):
        found = run(module, on_timeline(SECOND[module], duration_s, 0.1, duration_s - 0.1)).values
        kept = found.astype(module.CARD.dtype).astype(np.float64)
        assert np.abs(kept - found).max() <= module.CARD.tolerance * np.abs(found).max()


@pytest.mark.parametrize("module", MODULES)
def test_a_track_outside_of_the_view_is_masked(module: ModuleType) -> None:
    sound = Sound(np.zeros(32_000, np.float32), SECOND[module], 70.0, 2.0)
    assert not run(module, sound).mask.any()


@pytest.mark.parametrize("module", MODULES)
def test_sound_of_8_khz(module: ModuleType) -> None:
    import soxr

    samples = soxr.resample(noise(8000 * 3), 8000, SECOND[module], quality="HQ")
    found = run(module, Sound(samples, SECOND[module], 0.0, len(samples) / SECOND[module]))
    assert found.mask.any()
    if module is logmel96:
        bands = found.values.reshape(-1, 64)
        assert bands[:, 60].max() < math.log(0.02), "nothing above 4 kHz"
        assert bands[:, 20].min() > math.log(0.02)


# -- mfcc32 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [14_440, 22_050])
def test_mfcc_rows_begin_where_the_track_does(rate_hz: int) -> None:
    late, early = on_timeline(rate_hz, 20, 2.5, 17.5), on_timeline(rate_hz, 15, 0, 15)
    found, wanted = run(mfcc32, late, rate_hz=rate_hz), run(mfcc32, early, rate_hz=rate_hz)
    assert found.values.tobytes() == wanted.values.tobytes()
    assert found.start_s == pytest.approx(2.5, abs=1e-4)
    frames = 1 + 15 * rate_hz // 2048
    assert found.mask.tolist() == wanted.mask.tolist() == [True] * frames + [False] * (192 - frames)
    assert np.array_equal(found.values[:frames], mfcc.mfcc(early.samples, rate_hz))


def test_mfcc_of_a_long_track_is_cut() -> None:
    found = run(mfcc32, on_timeline(14_440, 40, 0, 40))
    assert found.mask.all()
    assert found.values.shape == (192, 32)
    assert found.times_s[-1] == pytest.approx(27.09, abs=0.01)


# -- logmel96 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "hop_s", "tail", "rows"),
    [
        (0.5, 0.96, "drop", 1),
        (0.96, 0.96, "drop", 1),
        (1.9, 0.96, "drop", 1),
        (1.935, 0.96, "drop", 2),
        (1.9, 0.96, "pad", 2),
        (15, 0.96, "drop", 15),
        (15, 0.96, "pad", 16),
        (15, 1.0, "drop", 15),
        (14.3, 1.0, "pad", 15),
    ],
)
def test_logmel_rows(seconds: float, hop_s: float, tail: str, rows: int) -> None:
    sound = on_timeline(16_000, seconds, 0, seconds)
    found = run(logmel96, sound, hop_s=hop_s, tail=tail)
    assert found.mask.tolist() == [True] * rows
    hop = round(hop_s * 16_000)
    for row in {0, rows - 1}:
        patch = sound.samples[row * hop : row * hop + vggish.PATCH]
        alone = vggish.log_mel(np.pad(patch, (0, vggish.PATCH - len(patch))))
        assert np.array_equal(found.values[row].reshape(96, 64), alone), "time-major, silence after the end"


def test_logmel_keeps_to_the_timeline() -> None:
    sound = on_timeline(16_000, 20, 4.0, 7.5)
    found = run(logmel96, sound)
    # patch k looks at [0.96 k, 0.96 k + 0.975) s
    assert np.flatnonzero(found.mask).tolist() == [k for k in range(20) if 0.96 * k + 0.975 > 4.0 and 0.96 * k < 7.5]
    everything = run(logmel96, Sound(sound.samples, 16_000, 0.0, 20.0))
    assert everything.mask.all()
    assert np.array_equal(found.values[found.mask], everything.values[found.mask])
    assert (everything.values[~found.mask] == np.float32(math.log(0.01))).all()


# -- speech_spectrogram ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_fft", "max_hz", "width"), [(1600, 4000, 400), (1600, 8000, 800), (800, 4000, 200)])
@pytest.mark.parametrize("deltas", [False, True])
def test_speech_dims_follow_the_parameters(n_fft: int, max_hz: int, width: int, deltas: bool) -> None:
    found = run(
        speech_spectrogram, on_timeline(16_000, 1, 0, 1), n_fft=n_fft, max_hz=max_hz, deltas=deltas, delta_frames=2
    )
    assert found.values.shape == (97, width * (3 if deltas else 1))
    if deltas:
        static, first, second = np.split(found.values, 3, axis=1)
        np.testing.assert_allclose(first[50], static[48:53].T @ (np.arange(-2, 3) / 10), atol=1e-5)
        np.testing.assert_allclose(second[50], first[48:53].T @ (np.arange(-2, 3) / 10), atol=1e-5)


def test_speech_keeps_to_the_timeline_and_slopes_to_the_track() -> None:
    sound = on_timeline(16_000, 3, 1.0, 2.0)
    found = run(speech_spectrogram, sound, deltas=True)
    # row k looks at [k, k + 4) * 10 ms
    assert np.flatnonzero(found.mask).tolist() == list(range(97, 200))
    around = Sound(np.pad(sound.samples[16_000:32_000], 480), 16_000, 0.0, 16_960 / 16_000)
    assert run(speech_spectrogram, around, deltas=True).values[:103].tobytes() == found.values[97:200].tobytes()
    plain = run(speech_spectrogram, sound)
    assert np.array_equal(plain.values, found.values[:, :400])


def test_cards_bring_nothing_heavy() -> None:
    code = (
        "import sys, transforms.features.mfcc32, transforms.features.logmel96, transforms.features.speech_spectrogram"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code + "\nprint(*sorted({'librosa', 'numba', 'scipy'} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == []
