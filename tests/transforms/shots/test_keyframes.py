"""Gate, fallback, sampling and pictures: pure functions, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.shots.keyframes import crop, key_shots, spread, thumbnail


@pytest.mark.parametrize(
    ("scores", "gate", "chosen", "passed"),
    [
        ([0.2, 0.6, 0.5, 0.9], 0.5, [1, 2, 3], True),
        ([0.2, 0.4, 0.4, 0.1], 0.5, [1], False),
        ([0.0, 0.0], 0.5, [0], False),
        ([0.0, 0.0], 0.0, [0, 1], True),
        ([], 0.5, [], False),
        # the gate is a decimal number, the scores are float32: the same number passes
        ([0.7], 0.7, [0], True),
    ],
)
def test_the_gate_and_what_stands_in_where_nothing_passes(
    scores: list[float], gate: float, chosen: list[int], passed: bool
) -> None:
    found, passing = key_shots(np.array(scores, np.float32), gate)
    assert found.tolist() == chosen
    assert passing is passed


@pytest.mark.parametrize(
    ("count", "wanted", "places"),
    [
        (4, 4, [0, 1, 2, 3]),
        (9, 3, [1, 4, 7]),
        (10, 4, [1, 3, 6, 8]),
        (1, 5, [0, 0, 0, 0, 0]),
        (2, 4, [0, 0, 1, 1]),
        (3, 4, [0, 1, 1, 2]),
        (5, 1, [2]),
        (5, 0, []),
    ],
)
def test_pictures_are_sampled_or_repeated_to_what_a_network_wants(count: int, wanted: int, places: list[int]) -> None:
    found = spread(count, wanted)
    assert found.tolist() == places
    assert found.dtype == np.int64


def test_spreading_keeps_order_and_uses_everything_it_can() -> None:
    for count in range(1, 40):
        for wanted in range(1, 70):
            found = spread(count, wanted)
            assert len(found) == wanted
            assert (np.diff(found) >= 0).all()
            assert found[0] >= 0
            assert found[-1] < count
            assert len(set(found.tolist())) == min(count, wanted)
            assert (found + found[::-1] == count - 1).all() or (
                count * (2 * np.arange(wanted) + 1) % (2 * wanted) == 0
            ).any()


def test_nothing_cannot_be_spread() -> None:
    with pytest.raises(ValueError, match="expected at least one"):
        spread(0, 3)


def test_the_middle_is_cut_out_at_the_networks_size() -> None:
    wide = np.zeros((256, 456, 3), np.uint8)
    wide[16:240, 116:340] = 200
    assert (crop(wide, 224) == 200).all(), "256 on the shorter side: nothing is scaled"
    assert crop(np.zeros((90, 160, 3), np.uint8), 224).shape == (224, 224, 3)
    assert crop(np.zeros((160, 90, 3), np.uint8), 112).shape == (112, 112, 3)
    assert crop(np.zeros((2, 200, 3), np.uint8), 64).shape == (64, 64, 3)


def test_thumbnails_are_small_jpegs_in_the_right_colours() -> None:
    import cv2

    picture = np.zeros((256, 456, 3), np.uint8)
    picture[:, :, 0] = 255
    data = thumbnail(picture, 320, 85)
    assert data[:2] == b"\xff\xd8"
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (180, 320, 3)
    assert decoded[90, 160] == pytest.approx([0, 0, 254], abs=3), "red, in OpenCV's order"
    small = cv2.imdecode(np.frombuffer(thumbnail(picture[:40, :60], 320, 85), np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape == (40, 60, 3), "not enlarged"
