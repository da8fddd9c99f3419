"""The derivations of VM-NET's chain by numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from transforms import features
from transforms.features import Derivation
from transforms.projections import Projection


def compute(
    name: str, values: object, mask: object, projection: Projection | None = None, **changes: str
) -> np.ndarray:
    feature = features.get(name)
    assert isinstance(feature, Derivation)
    parameters = {**feature.card.defaults(), **changes}
    found = None if mask is None else np.array(mask, bool)
    return feature.compute(np.array(values, np.float32), found, projection, parameters)


def projection(whiten: bool, epsilon: float) -> Projection:
    return Projection("p", np.array([1, 2, 3]), np.eye(3)[[2, 0]], np.array([3.9999, 0.25]), whiten, epsilon)


def test_wpca_divides_by_the_root_of_eigenvalue_plus_epsilon() -> None:
    found = compute("wpca", [[1, 2, 5], [2, 0, 3], [9, 9, 9]], [True, True, False], projection(True, 1e-4))
    np.testing.assert_allclose(found, [[1.0, 0.0], [0.0, 1 / np.sqrt(0.2501)], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("variant", ["round", "truncate"])
def test_wpca_in_eight_bits(variant: str) -> None:
    found = compute("wpca", [[1, 2, 5], [1, 2, -50]], [True, True], projection(True, 1e-4), quantiser=variant)
    assert found.dtype == np.uint8
    assert found[1, 0] == 0
    assert abs(int(found[0, 0]) - round((1 + 2) * 255 / 4)) <= 1


def test_statistics_are_mean_deviation_and_the_five_largest() -> None:
    rows = [[1, 10], [2, 20], [3, 30], [4, 40], [5, 50], [6, 60], [99, 99]]
    found = compute("wpca_stats", rows, [True] * 6 + [False])
    deviation = np.sqrt(35 / 12)
    expected = [3.5, 35, deviation, 10 * deviation, 6, 60, 5, 50, 4, 40, 3, 30, 2, 20]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_statistics_of_nothing_cannot_be_computed() -> None:
    with pytest.raises(ValueError, match="none of the 2 rows"):
        compute("wpca_stats", [[1, 2], [3, 4]], [False, False])


def test_video_vector_has_length_one_and_the_mean_itself_is_zero() -> None:
    plain = projection(False, 0.0)
    np.testing.assert_allclose(compute("wpca_video", [4, 2, 7], None, plain), [0.8, 0.6], rtol=1e-6)
    assert compute("wpca_video", [1, 2, 3], None, plain).tolist() == [0.0, 0.0]
    for scale in (1e-18, 1e18):
        given = np.array([1, 2, 3]) + np.array([3, 0, 4]) * scale
        if scale > 1:
            np.testing.assert_allclose(np.linalg.norm(compute("wpca_video", given, None, plain)), 1, rtol=1e-6)
