"""What the spectrograms share: blocks of windows, counts of rows, and which rows hold sound."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.spectrograms import BLOCK, excerpt, row_count, rows_with_sound, spectra, track
from transforms.views import Sound


def sound(samples: int, start_s: float, end_s: float, origin: int = 0) -> Sound:
    return Sound(np.zeros(samples, np.float32), 1000, start_s, end_s, origin)


@pytest.mark.parametrize("frames", [1, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_blocks_are_the_transforms_of_the_windows_in_order(frames: int) -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(40 + 7 * (frames - 1) + 6).astype(np.float32)  # 6 samples are too few for one more
    window = rng.random(40)
    found = list(spectra(samples, window, 7, 50))
    assert [row for rows, _ in found for row in range(rows.start, rows.stop)] == list(range(frames))
    values = np.concatenate([spectrum for _, spectrum in found])
    for row in {0, frames // 2, frames - 1}:
        wanted = np.fft.rfft(samples[7 * row : 7 * row + 40].astype(np.float64) * window, 50)
        np.testing.assert_allclose(values[row], wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("width", "hop"), [(5, 2), (3, 3), (3, 4)])
def test_rows_against_counting(width: int, hop: int) -> None:
    for samples in range(1, 30):
        whole = [k for k in range(100) if k * hop + width <= samples]
        begun = [k for k in range(100) if k * hop < samples]
        assert row_count(samples, width, hop, "drop") == max(1, len(whole))
        assert row_count(samples, width, hop, "pad") == len(begun)
    assert row_count(0, width, hop, "drop") == row_count(0, width, hop, "pad") == 1


@pytest.mark.parametrize(("width", "hop"), [(5, 2), (3, 3), (3, 4)])
def test_rows_with_sound_against_looking_at_every_sample(width: int, hop: int) -> None:
    rows = 6
    for first in range(26):
        for end in range(first, 27):
            wanted = [k for k in range(rows) if set(range(k * hop, k * hop + width)) & set(range(first, end))]
            found = rows_with_sound(rows, width, hop, first, end)
            assert list(range(rows))[found] == wanted


def test_the_track_in_samples() -> None:
    assert track(sound(3000, 0.0, 3.0)) == (0, 3000)
    assert track(sound(3000, 0.2504, 2.9996)) == (250, 3000)
    assert track(sound(3000, 1.0, 9.0)) == (1000, 3000)
    assert track(sound(3000, 1.0, 1.0001)) == (1000, 1001), "a track of less than a sample has one"
    assert track(sound(500, 2.0, 2.5, origin=2000)) == (0, 500)
    for start_s, end_s in [(1.0, 1.0), (4.0, 3.0), (5.0, 6.0)]:
        first, end = track(sound(3000, start_s, end_s))
        assert first >= end, "nothing of the track is in the view"


def test_an_excerpt_goes_on_in_silence() -> None:
    samples = np.arange(1, 11, dtype=np.float32)
    assert excerpt(samples, slice(1, 3), 4, 2).tolist() == [3, 4, 5, 6, 7, 8]
    assert excerpt(samples, slice(3, 5), 4, 2).tolist() == [7, 8, 9, 10, 0, 0]
