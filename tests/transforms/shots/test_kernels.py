"""The compiled kernels against plain numpy, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.shots import histogram, kernels, reduce, reference
from transforms.shots.reduce import Planes

SIZES = [(1, 1), (1, 7), (9, 16), (8, 15), (45, 80), (127, 71), (64, 127)]


def planes(seed: int, shape: tuple[int, int], matrix: int = 709, full: bool = False) -> Planes:
    made = np.random.default_rng(seed).integers(0, 256, (3, *shape)).astype(np.uint8)
    return Planes(*made, matrix, full)


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize(("halved_x", "halved_y"), [(0, 0), (1, 1), (2, 2), (3, 3), (5, 4), (4, 6), (0, 3), (2, 0)])
def test_averages(halved_x: int, halved_y: int, bits: int) -> None:
    shape = (5, 9)
    rows, columns = (shape[0] << halved_y) + 1, (shape[1] << halved_x) + 3
    kind = np.uint8 if bits == 8 else np.uint16
    noise = np.random.default_rng(bits).integers(0, 1 << bits, (rows, columns)).astype(kind)
    for samples in (noise, np.full_like(noise, (1 << bits) - 1), np.zeros_like(noise)):
        found = reduce._averaged(samples, halved_x, halved_y, bits - 8, shape)
        assert (found == reference.average(samples, halved_x, halved_y, bits - 8, shape)).all()


def test_the_largest_pictures_overflow_nothing() -> None:
    # 2^9 samples of 255 do not fit into 16 bits
    samples = np.full((1 << 9, 1 << 10), 255, np.uint8)
    assert (reduce._averaged(samples, 9, 9, 0, (1, 2)) == 255).all()


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize(("matrix", "full"), [(601, True), (709, False), (2020, False)])
def test_histograms(shape: tuple[int, int], matrix: int, full: bool) -> None:
    for seed in range(3):
        one = planes(seed, shape, matrix, full)
        assert histogram.histogram(one).tobytes() == reference.histogram(one).tobytes()
        calm = one._replace(luma=one.luma // 8 + 90, blue=one.blue // 16 + 120, red=one.red // 16 + 120)
        assert histogram.histogram(calm).tobytes() == reference.histogram(calm).tobytes()


@pytest.mark.parametrize("shape", SIZES)
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    for seed in range(3):
        one = planes(seed, shape)
        assert (reduce.tiny(one) == reference.tiny(one)).all()


def test_distances() -> None:
    one, other = (histogram.histogram(planes(seed, (45, 80))) for seed in (1, 2))
    expected = 0.5 * np.abs(one.astype(np.float64) - other.astype(np.float64)).sum()
    assert histogram.distance(one, other) == pytest.approx(expected, rel=1e-12)
    tiny, far = (reduce.tiny(planes(seed, (45, 80))) for seed in (1, 2))
    assert kernels.change(tiny, far) == np.abs(tiny.astype(int) - far.astype(int)).sum()
    assert kernels.level(tiny) == pytest.approx(tiny[..., 0].mean(), rel=1e-12)
