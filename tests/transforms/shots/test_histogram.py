"""The colour histogram: a distribution, continuous, blind to the hue of grey, and the same whoever computes it."""

from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest

from transforms.shots.histogram import BINS, distance, histogram
from transforms.shots.reduce import Planes


def plain(red: float, green: float, blue: float, size: tuple[int, int] = (36, 64)) -> Planes:
    """One colour (0 to 1 each), BT.601, full range."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    levels = (luma * 255, (blue - luma) / 1.772 * 255 + 128, (red - luma) / 1.402 * 255 + 128)
    return Planes(*(np.full(size, round(min(255, level)), np.uint8) for level in levels), 601, True)


def random(seed: int = 0, shape: tuple[int, int] = (45, 80)) -> Planes:
    made = np.random.default_rng(seed).integers(0, 256, (3, *shape)).astype(np.uint8)
    return Planes(*made, 709, False)


@pytest.mark.parametrize("planes", [random(), random(1, (1, 1)), random(2, (3, 5)), plain(1, 1, 1), plain(0, 0, 0)])
def test_sums_to_one(planes: Planes) -> None:
    found = histogram(planes)
    assert found.shape == (BINS,)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("hue", "rgb"), [(0, (1, 0, 0)), (4, (0, 1, 1)), (2, (0.5, 1, 0)), (6, (0.5, 0, 1))])
def test_a_pure_colour_lies_on_its_anchor(hue: int, rgb: tuple[float, float, float]) -> None:
    assert colorsys.rgb_to_hsv(*rgb)[0] * 8 == pytest.approx(hue)
    found = histogram(plain(*rgb)).reshape(8, 4, 4)
    assert found[hue, 3, 3] > 0.7


def test_black_grey_and_white_have_no_hue() -> None:
    assert histogram(plain(0, 0, 0)).reshape(8, 4, 4)[0, 0, 0] > 0.8
    assert histogram(plain(1, 1, 1)).reshape(8, 4, 4)[0, 0, 3] > 0.8
    grain = np.random.default_rng(3).integers(-1, 2, (2, 2, 45, 80))
    luma = np.full((45, 80), 120, np.uint8)
    one, other = (Planes(luma, *(128 + noise).astype(np.uint8), 601, False) for noise in grain)
    assert distance(histogram(one), histogram(other)) < 0.02


@pytest.mark.parametrize("rgb", [(1, 1, 1), (1, 0.2, 0.1), (0.1, 0.6, 0.6), (0.2, 0.9, 0.2)])
def test_a_fade_crosses_no_edge_at_once(rgb: tuple[float, float, float]) -> None:
    found = [histogram(plain(*(level / 255 * one for one in rgb))) for level in range(256)]
    steps = [distance(one, other) for one, other in itertools.pairwise(found)]
    # Only the rounding of a picture of one colour to 8 bits shows; noise would spread it.
    assert max(steps) < 0.26
    assert np.mean(steps) < 0.06


def test_a_little_more_light_is_a_little_distance() -> None:
    planes = random(5)
    soft = planes._replace(luma=planes.luma // 2 + 40, blue=planes.blue // 4 + 96, red=planes.red // 4 + 96)
    near, far = (distance(histogram(soft), histogram(soft._replace(luma=soft.luma + np.uint8(by)))) for by in (2, 60))
    assert near < 0.04
    assert far > 5 * near


def test_distance_is_a_metric_from_0_to_1() -> None:
    one, two, three = (histogram(random(seed)) for seed in range(3))
    assert distance(one, one) == 0
    assert distance(one, two) == distance(two, one)
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-7
    assert distance(histogram(plain(1, 1, 1)), histogram(plain(0, 0, 0))) > 0.9


def test_the_order_of_pixels_within_a_place_is_no_matter() -> None:
    planes = random(7, (40, 60))
    moved = planes._replace(
        **{name: np.roll(getattr(planes, name), (2, 4), (0, 1)) for name in ("luma", "blue", "red")}
    )
    assert (histogram(planes) == histogram(moved)).all()
