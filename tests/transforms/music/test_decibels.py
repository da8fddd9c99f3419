"""The logarithmic scaling of the blocks."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.music import reference
from transforms.music.contract import contract
from transforms.music.decibels import decibels, scale
from transforms.music.layout import BLOCKS


@pytest.mark.parametrize("name", ["code", "paper"])
@pytest.mark.parametrize("block", [block.name for block in BLOCKS])
def test_scaling_is_that_of_the_reference(name: str, block: str) -> None:
    values = np.random.default_rng(4).standard_normal((300, 3)) ** 5
    agreed = contract(name)
    found = scale(block, values, agreed.log)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.scale(block, values, agreed), rtol=1e-6, atol=1e-5)


def test_signs_are_folded_and_the_largest_is_zero() -> None:
    np.testing.assert_allclose(decibels(np.array([[-100.0], [1.0], [-0.1]])), [[0], [-20], [-30]], atol=1e-5)


def test_nothing_lies_more_than_80_db_down() -> None:
    assert decibels(np.array([[1.0], [1e-30], [0.0]])).ravel().tolist() == [0, -80, -80]
    assert decibels(np.array([[1.0], [1e-30]]), 20.0).ravel().tolist() == [0, -80]


@pytest.mark.parametrize("level", [0.0, 1e-12, 1e-40])
def test_silence_is_its_own_maximum(level: float) -> None:
    np.testing.assert_array_equal(decibels(np.full((4, 2), level, dtype=np.float32)), 0)


def test_energies_leave_other_blocks_in_their_unit() -> None:
    values = np.array([[-3.0], [4.0]])
    np.testing.assert_array_equal(scale("mfcc", values, "energies"), values)
    np.testing.assert_allclose(scale("rms", np.array([[0.1], [1.0]]), "energies"), [[-20], [0]], atol=1e-5)
