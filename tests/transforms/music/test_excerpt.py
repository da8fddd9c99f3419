"""The excerpt: the constants of the paper, silence behind a short track, and work that is shared."""

from __future__ import annotations

import numpy as np
import pytest

from transforms import features
from transforms.features import SoundExtractor
from transforms.features.base import Rows
from transforms.music import excerpt, rows
from transforms.music.contract import contract
from transforms.music.layout import BLOCKS, COMPONENT_ROWS, EXCERPT_FRAMES, EXCERPT_SAMPLES, HOP_S, RATE_HZ, ROWS
from transforms.music.statistics import mean_variance_max
from transforms.views import Sound, SoundView

#: Rows that stand alone in their block; their largest value is their own maximum.
SINGLE = [block.start for block in BLOCKS if block.rows == 1]


def music(seconds: float, level: float = 0.25) -> np.ndarray:
    """Chords that change, a beat and noise at 12 kHz."""
    rng = np.random.default_rng(7)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    chord = np.floor(time_s * 2) % 4
    tones = sum(np.sin(2 * np.pi * f * 2 ** (chord / 12) * time_s) for f in (220.0, 277.2, 329.6))
    beat = rng.normal(size=len(time_s)) * np.exp(-30 * (time_s % 0.5))
    return (level * (0.3 * tones + beat + 0.01 * rng.normal(size=len(time_s)))).astype(np.float32)


def track(seconds: float, origin: int = 0, level: float = 0.25) -> Sound:
    """What decoding hands on for an excerpt's view."""
    samples = music(seconds, level)[:EXCERPT_SAMPLES]
    return Sound(samples, RATE_HZ, origin / RATE_HZ, (origin + len(samples)) / RATE_HZ, origin=origin)


def compute(name: str, sound: Sound, **changes: str | int) -> Rows:
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    return feature.compute(sound, 30.0, feature.card.values(changes))


def test_the_papers_numbers() -> None:
    assert (EXCERPT_SAMPLES, EXCERPT_FRAMES) == (349_440, 1366)
    assert (COMPONENT_ROWS, ROWS) == (190, 380)
    assert {n: features.get(n).card.dims for n in ("hpss380", "hpss1140", "hpss2660")} == {
        "hpss380": 380,
        "hpss1140": 1140,
        "hpss2660": 2660,
    }
    assert SINGLE == [180, 181, 182, 183, 189]
    assert excerpt.view("direct") == SoundView(12_000, excerpt_s=29.12)
    assert excerpt.view("via 22050") == SoundView(12_000, excerpt_s=29.12, via_hz=22_050)


def test_rows_lie_on_the_clips_timeline_and_silence_is_masked() -> None:
    found = compute("hpss380", track(10.0, origin=6_000))
    assert found.values.shape == (1366, 380)
    assert found.start_s == 0.5
    assert found.times_s is not None
    assert found.mask is not None
    assert found.times_s[:2] == pytest.approx([0.5, 0.5 + HOP_S])
    assert found.mask.tolist() == [number * 256 < 120_000 for number in range(1366)]


def test_ten_dimensions_of_the_code_contract_are_constant() -> None:
    constant = [760 + first + row for first in (0, 190) for row in SINGLE]
    loud, short = compute("hpss1140", track(29.12)).values, compute("hpss1140", track(3.0, level=0.01)).values
    assert loud.shape == (1140,)
    assert not loud[constant].any()
    assert not short[constant].any()
    assert loud.max() == pytest.approx(loud[380:760].max()), "every mean and maximum is at most 0 dB"
    # every block reaches 0 dB somewhere
    for first in (0, 190):
        for block in BLOCKS:
            assert loud[760 + first + block.start : 760 + first + block.start + block.rows].max() == 0


def test_the_statistics_are_those_of_the_frames() -> None:
    sound = track(12.0)
    frames = compute("hpss380", sound)
    exact = frames.values.astype(np.float64)
    code = compute("hpss1140", sound).values
    assert code == pytest.approx(np.concatenate([exact.mean(0), exact.var(0), exact.max(0)]), rel=1e-6, abs=1e-6)
    paper = compute("hpss380", sound, contract="paper")
    assert paper.mask is not None
    exact = paper.values[paper.mask].astype(np.float64)
    assert len(exact) == 563
    masked = compute("hpss1140", sound, contract="paper").values
    assert masked == pytest.approx(np.concatenate([exact.mean(0), exact.var(0), exact.max(0)]), rel=1e-6, abs=1e-6)
    seven = compute("hpss2660", sound, contract="paper").values.reshape(7, 380)
    assert seven[:2] == pytest.approx(np.stack([exact.mean(0), exact.std(0)]), rel=1e-5, abs=1e-6)
    assert seven[2:] == pytest.approx(np.sort(exact, axis=0)[::-1][:5], rel=1e-6)


def test_padding_is_part_of_the_code_contract_only() -> None:
    # five seconds and the same five seconds as the whole excerpt of a longer, silent track
    short = track(5.0)
    long = Sound(excerpt.extend(short.samples, EXCERPT_SAMPLES), RATE_HZ, 0.0, 29.12)
    assert compute("hpss1140", short).values.tobytes() == compute("hpss1140", long).values.tobytes()
    paper = [compute("hpss1140", sound, contract="paper").values for sound in (short, long)]
    assert np.abs(paper[0][:380] - paper[1][:380]).max() > 1
    # silence behind the track pulls the means of the code contract down
    masked = compute("hpss1140", short, short="mask").values
    assert (compute("hpss1140", short).values[24:120] < masked[24:120] - 10).all()


@pytest.mark.parametrize("gain", [0.5, 0.125])
def test_gain_does_not_matter_where_the_contract_says_so(gain: float) -> None:
    # MFCC and its slopes are against full scale; CENS quantises; everything else is against its own maximum
    plain, quiet = (compute("hpss380", track(29.12, level=level)).values for level in (0.25, 0.25 * gain))
    same = np.ones(ROWS, bool)
    for first in (0, 190):
        same[first + 120 : first + 180] = False
    # zero crossings have an absolute threshold of 1e-10, far below either level
    assert quiet[:, same] == pytest.approx(plain[:, same], abs=2e-3)
    assert np.abs(quiet[:, ~same] - plain[:, ~same]).max() > 0.5


def test_the_frames_are_computed_once_for_all_features(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = rows.frames
    monkeypatch.setattr(rows, "frames", lambda *given: calls.append(1) or real(*given))
    sound = track(2.0)
    for name in ("hpss380", "hpss1140", "hpss2660"):
        compute(name, sound)
    assert len(calls) == 1
    compute("hpss1140", sound, contract="paper")
    assert len(calls) == 2


def test_silence_and_one_sample() -> None:
    silence = compute("hpss1140", Sound(np.zeros(24_000, np.float32), RATE_HZ, 0.0, 2.0)).values
    expected = rows.frames(np.zeros(EXCERPT_SAMPLES, np.float32), contract("code"))
    assert silence.tobytes() == mean_variance_max(expected).tobytes()
    cepstral = ("mfcc", "mfcc_delta", "mfcc_delta2")
    for block in BLOCKS:
        values = expected[:, block.slice]
        assert set(np.unique(values)) == {0.0} or block.name in cepstral
    # of the coefficients only the first one, the level, is not nothing
    assert set(np.unique(expected[:, 120])) == {0.0}
    assert set(np.unique(expected[:, 121:140])) == {-80.0}
    one = compute("hpss1140", Sound(np.full(1, 0.5, np.float32), RATE_HZ, 0.0, 1 / RATE_HZ))
    assert np.isfinite(one.values).all()
    with pytest.raises(ValueError, match="could be decoded"):
        compute("hpss1140", Sound(np.zeros(0, np.float32), RATE_HZ, 0.0, 0.0))


def test_statistics_by_hand() -> None:
    frames = np.array([[1, -2], [3, -2], [5, 4]], np.float32)
    assert mean_variance_max(frames) == pytest.approx([3, 0, 8 / 3, 8, 5, 4])
