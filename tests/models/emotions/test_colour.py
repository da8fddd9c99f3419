"""The colour scorer against numbers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.emotions import colour
from models.weights import load_scorer, scorer_files

score = load_scorer(scorer_files("colour", "auto"))


def plain(*rgb: int, height: int = 6, width: int = 10) -> np.ndarray:
    return np.full((height, width, 3), rgb, np.uint8)


@pytest.mark.parametrize(
    ("rgb", "valence", "arousal", "dominance", "brightness", "saturation"),
    [
        # a level of 51 of 255 is 0.2, which is -0.6 about mid-grey
        ((51, 51, 51), -0.414, 0.186, 0.456, 0.2, 0),
        ((255, 255, 255), 0.69, -0.31, -0.76, 1, 0),
        # 2 * 0.2126 - 1 = -0.5748, times .69, -.31, -.76, plus .22, .60, .32
        ((255, 0, 0), -0.396612 + 0.22, 0.178188 + 0.60, 0.436848 + 0.32, 0.2126, 1),
        # 0.2126 * 0.4 + 0.7152 * 0.8 + 0.0722 * 0.2 = 0.67164; 0.8 - 0.2 = 0.6
        ((102, 204, 51), 0.69 * 0.34328 + 0.132, -0.31 * 0.34328 + 0.36, -0.76 * 0.34328 + 0.192, 0.67164, 0.6),
    ],
)
def test_values_by_hand(
    rgb: tuple, valence: float, arousal: float, dominance: float, brightness: float, saturation: float
) -> None:
    found = score(plain(*rgb))
    assert found.values.dtype == np.float32
    assert found.seen
    np.testing.assert_allclose(found.values, [valence, arousal, dominance, brightness, saturation], atol=1e-6)
    # the largest distance is pure blue's: (-0.5903640 + 0.22, 0.2652360 + 0.60)
    assert found.score == pytest.approx(math.hypot(valence, arousal) / math.hypot(-0.370364, 0.865236), abs=1e-6)


def test_mid_grey_is_no_emotion_and_pure_blue_the_most() -> None:
    grey = plain(127, 127, 127)
    grey[::2] = 128  # 127.5 in the mean
    assert score(grey).score == pytest.approx(0, abs=1e-12)
    assert score(plain(128, 128, 128)).score < 0.005
    assert score(plain(0, 0, 255)).score == 1.0


def test_further_from_grey_is_more() -> None:
    away = [score(plain(128 + k, 128, 128 - k)).score for k in range(0, 128, 8)]
    assert away == sorted(set(away))
    darker = [score(plain(level, level, level)).score for level in range(127, 32, -8)]
    assert darker == sorted(set(darker))


def test_a_black_picture_shows_nothing_and_a_dark_one_does() -> None:
    grain = np.random.default_rng(0).integers(0, 33, (90, 160, 3)).astype(np.uint8)
    for black in (plain(0, 0, 0), plain(16, 16, 16), grain):
        found = score(black)
        assert not found.seen
        assert found.score == 0
        assert not found.values.any()
    night = grain.copy()
    night[40:50, 70:90] = 90  # one pixel in 72
    assert score(night).seen
    assert score(night).score > 0.5


def test_no_picture_is_past_the_largest() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        corners = rng.choice([0, 255], (4, 4, 3)).astype(np.uint8)
        assert 0 <= score(corners).score <= 1
        assert 0 <= score(rng.integers(0, 256, (1, 3, 3), dtype=np.uint8)).score < 1


def test_brighter_is_more_pleasant_and_less_arousing_whatever_the_saturation() -> None:
    for saturation in (0.0, 0.4, 1.0):
        dark, bright = colour.affect(0.2, saturation), colour.affect(0.8, saturation)
        assert bright[0] > dark[0]
        assert bright[1] < dark[1]
        assert bright[2] < dark[2]


def test_every_pixel_counts_wherever_it_is(pictures: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    picture = pictures[2]
    mixed = rng.permutation(picture.reshape(-1, 3)).reshape(picture.shape)
    assert score(mixed).values.tobytes() == score(picture).values.tobytes()
    assert score(np.asfortranarray(picture)).score == score(picture).score
    expected = picture.astype(np.float64) / 255
    brightness, saturation = colour.measure(picture)
    assert brightness == pytest.approx((expected @ [0.2126, 0.7152, 0.0722]).mean(), abs=1e-12)
    assert saturation == pytest.approx(np.ptp(expected, axis=2).mean(), abs=1e-12)
