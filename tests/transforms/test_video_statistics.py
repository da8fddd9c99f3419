"""Video-level statistics against hand-worked cases and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.video_statistics import video_statistics


def test_hand_worked_layout() -> None:
    frames = np.array([[1, 10], [2, 60], [3, 20], [4, 50], [5, 30], [6, 40], [900, 900]], np.float32)
    mask = np.array([True] * 6 + [False])
    wanted = [3.5, 35, np.sqrt(35 / 12), np.sqrt(3500 / 12), 6, 60, 5, 50, 4, 40, 3, 30, 2, 20]
    np.testing.assert_allclose(video_statistics(frames, mask), np.array(wanted, np.float32), rtol=1e-6)


def test_fewer_than_five_frames_repeat_the_smallest() -> None:
    frames = np.array([[1.0], [3.0]])
    assert video_statistics(frames, np.ones(2, bool)).tolist() == [2, 1, 3, 1, 1, 1, 1]
    assert video_statistics(frames[1:], np.ones(1, bool)).tolist() == [3, 0, 3, 3, 3, 3, 3]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_equals_numpy_on_a_whole_clip(dtype: type) -> None:
    rng = np.random.default_rng(0)
    frames: np.ndarray = rng.standard_normal((360, 1024)).astype(dtype)
    mask = rng.random(360) < 0.8
    valid = frames[mask].astype(np.float64)
    parts = video_statistics(frames, mask).reshape(7, 1024)
    np.testing.assert_allclose(parts[0], valid.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(parts[1], np.sqrt(((valid - valid.mean(axis=0)) ** 2).mean(axis=0)), rtol=1e-6)
    for dim in (0, 511, 1023):
        assert parts[2:, dim].tolist() == sorted(frames[mask][:, dim].astype(np.float32).tolist(), reverse=True)[:5]
    assert parts.dtype == np.float32


def test_masked_rows_and_memory_order_leave_no_trace() -> None:
    rng = np.random.default_rng(1)
    frames, mask = rng.standard_normal((50, 33)).astype(np.float32), rng.random(50) < 0.5
    wanted = video_statistics(frames[mask], np.ones(mask.sum(), bool)).tobytes()
    other = np.asfortranarray(frames)
    other[~mask] = np.nan
    assert video_statistics(other, mask).tobytes() == wanted


def test_sums_are_kept_in_float64() -> None:
    # In float32 the squares of 10000 and 10001 differ by less than their rounding.
    frames = np.tile(np.array([[10000.0], [10001.0]], np.float32), (180, 1))
    assert video_statistics(frames, np.ones(360, bool))[:2].tolist() == [10000.5, 0.5]


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="none of the 4 rows"):
        video_statistics(np.zeros((4, 2)), np.zeros(4, bool))
    with pytest.raises(ValueError, match="none of the 0 rows"):
        video_statistics(np.zeros((0, 2)), np.zeros(0, bool))
    for frames, mask in [((4,), (4,)), ((4, 2), (3,))]:
        with pytest.raises(ValueError, match="expected"):
            video_statistics(np.zeros(frames), np.ones(mask, bool))
    with pytest.raises(ValueError, match="bool"):
        video_statistics(np.zeros((4, 2)), np.ones(4))
