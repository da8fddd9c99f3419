"""Slopes over time: both kinds against the reference, the legacy one also against its closed form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from transforms.music import reference
from transforms.music.contract import Delta, contract
from transforms.music.delta import slopes


def _walk(frames: int = 200) -> np.ndarray:
    return np.cumsum(np.random.default_rng(2).standard_normal((frames, 20)), axis=0).astype(np.float32)


def _regression(values: np.ndarray) -> np.ndarray:
    """[frames - 8, rows]: slope of the line through nine neighbours, by least squares."""
    windows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float64), 9, axis=0)
    return windows @ np.arange(-4, 5) / 60


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kind", ["legacy", "savgol"])
@pytest.mark.parametrize("frames", [9, 200])
def test_slopes_are_those_of_the_reference(kind: Delta, order: int, frames: int) -> None:
    values = _walk(frames)
    agreed = dataclasses.replace(contract("code"), delta=kind)
    expected = reference.delta(values.T, agreed, order).T
    found = slopes(values, kind, order)
    assert found.shape == values.shape
    # librosa's Savitzky-Golay filter runs in float32
    np.testing.assert_allclose(found, expected, atol=1e-12 if kind == "legacy" else 3e-6 * np.ptp(expected))


def test_legacy_first_order_is_the_slope_over_nine_frames() -> None:
    values = _walk()
    np.testing.assert_allclose(slopes(values, "legacy")[4:-4], _regression(values), atol=1e-12)


def test_legacy_second_order_is_the_slope_of_the_slope_four_frames_late() -> None:
    values = _walk()
    twice = _regression(_regression(values))  # its row 0 belongs to frame 8
    np.testing.assert_allclose(slopes(values, "legacy", 2)[12:-4], twice, atol=1e-12)


def test_legacy_second_order_begins_with_the_swing_from_rest() -> None:
    constant = np.full((50, 1), 6.0, dtype=np.float32)
    second = slopes(constant, "legacy", 2)[:, 0]
    # From rest to 6 the slope swings over 8 frames, its slope over 16, of which 13 are cut off: what remains of
    # the product of the taps 4, 3, .. -4 (over 60) with their partial sums 4, 7, 9, 10, 10, 9, 7, 4.
    swing = [(-2 * 4 - 3 * 7 - 4 * 9), (-3 * 4 - 4 * 7), (-4 * 4)]
    np.testing.assert_allclose(second[:3], np.array(swing) * 6 / 60**2, atol=1e-12)
    np.testing.assert_array_equal(second[3:], 0)
    np.testing.assert_array_equal(slopes(constant, "legacy"), 0)
