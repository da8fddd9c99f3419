"""The one-second grid: which frames a cell averages, and what it does without any."""

from __future__ import annotations

import numpy as np
import pytest
from test_excerpt import music

from transforms import features
from transforms.features import SoundExtractor
from transforms.features.base import Rows
from transforms.music import rows
from transforms.music.contract import contract
from transforms.music.layout import HOP, RATE_HZ
from transforms.views import PAPER_MAX_S, Sound


def compute(samples: np.ndarray, duration_s: float, start_s: float = 0.0, end_s: float | None = None) -> Rows:
    feature = features.get("hpss380_1s")
    assert isinstance(feature, SoundExtractor)
    timeline = np.zeros(round(min(duration_s, PAPER_MAX_S) * RATE_HZ), np.float32)
    first = round(start_s * RATE_HZ)
    timeline[first : first + len(samples)] = samples[: len(timeline) - first]
    end_s = duration_s if end_s is None else end_s
    return feature.compute(Sound(timeline, RATE_HZ, start_s, end_s), duration_s, feature.card.defaults())


def test_a_cell_is_the_mean_of_the_frames_centred_in_it() -> None:
    samples = music(7.0)
    found = compute(samples, 7.0)
    # 84,000 samples are filled up to whole hops of the separation
    signal = np.zeros(165 * 512, np.float32)
    signal[:84_000] = samples
    frames = rows.frames(signal, contract("code")).astype(np.float64)
    centres = np.arange(len(frames)) * HOP
    for cell in range(7):
        inside = (centres >= cell * RATE_HZ) & (centres < (cell + 1) * RATE_HZ)
        assert inside.sum() in (46, 47)
        assert found.values[cell] == pytest.approx(frames[inside].mean(axis=0), abs=1e-5)
    assert found.mask is not None
    assert found.mask.all()
    assert found.times_s is not None
    assert found.times_s.tolist() == list(range(7))


@pytest.mark.parametrize(("duration_s", "count"), [(0.04, 1), (1.0, 1), (1.001, 2), (3.5, 4), (361.0, 360)])
def test_as_many_rows_as_the_pictures_have(duration_s: float, count: int) -> None:
    found = compute(music(min(duration_s, 5.0)), duration_s, end_s=min(duration_s, 5.0))
    assert len(found.values) == count
    assert found.mask is not None
    assert found.mask.sum() == min(count, 5)
    assert not found.values[~found.mask].any()


def test_a_late_track_masks_what_is_before_it_and_counts_only_its_own_frames() -> None:
    samples = music(3.0)
    found = compute(samples, 6.0, start_s=2.5, end_s=5.5)
    assert found.mask is not None
    assert found.mask.tolist() == [False, False, True, True, True, True]
    assert not found.values[:2].any()
    # the half cell is as loud as the whole ones: the silence before the track has no part in it
    loudness = found.values[2:, 180]
    assert np.ptp(loudness) < 6


def test_a_cell_that_the_track_hardly_touches_takes_the_nearest_frame() -> None:
    # 24,060 samples: five milliseconds in the third second, and no frame is centred on them
    found = compute(music(2.005), 2.005)
    assert found.mask is not None
    assert found.mask.tolist() == [True, True, True]
    assert found.values[2].any()


def test_a_track_outside_of_the_clip_gives_no_sound() -> None:
    found = compute(np.zeros(0, np.float32), 2.0, start_s=2.0, end_s=2.0)
    assert found.mask is not None
    assert not found.mask.any()
    assert not found.values.any()


def test_lengths_that_are_no_multiples_of_anything_change_no_earlier_cell_much() -> None:
    # one sample more must not be another analysis
    samples = music(9.0)
    one, other = (compute(samples[:count], count / RATE_HZ).values[:6] for count in (100_000, 100_001))
    assert one == pytest.approx(other, abs=0.5)
