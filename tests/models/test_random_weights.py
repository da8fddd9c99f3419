"""Seeded weights have the same bits everywhere, and make a network whose output means something."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from models import backbones, random_weights

#: SHA-256 over name and little-endian bytes of every tensor of Inception with seed 0. A change here is a change of
#: :data:`models.random_weights.RECIPE`.
GOLDEN = "2411dc9eb0806809a19e7dc03d4ef18ddae75a86d6a2454c73c3b6446a6e17cf"


def test_all_tensors_are_the_recorded_ones() -> None:
    pytest.importorskip("torch")
    found = hashlib.sha256()
    for name, value in random_weights.state(backbones.get("inception").network(), 0).items():
        found.update(name.encode())
        found.update(value.numpy().tobytes())
    assert found.hexdigest() == GOLDEN


def test_another_process_makes_the_same_bits() -> None:
    call = "random_weights.tensor('a.weight', (5, 4, 3, 3), 9).tobytes()"
    code = f"import sys; from models import random_weights; sys.stdout.buffer.write({call})"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert there == random_weights.tensor("a.weight", (5, 4, 3, 3), 9).tobytes()


def test_seed_and_name_make_other_values() -> None:
    shape = (8, 4, 3, 3)
    first = random_weights.tensor("a.weight", shape, 0)
    assert not np.array_equal(first, random_weights.tensor("a.weight", shape, 1))
    assert not np.array_equal(first, random_weights.tensor("b.weight", shape, 0))
    assert random_weights.digest("inception", 0) != random_weights.digest("inception", 1)


def test_filters_have_the_stated_variance_and_half_their_mean() -> None:
    values = random_weights.tensor("a.weight", (256, 64, 3, 3), 0)
    fan_in = 64 * 9
    assert values.var() * fan_in == pytest.approx(random_weights.GAIN, rel=0.02)
    assert abs(values.mean()) < 1e-4
    # A mean of `fan_in` independent values would have variance GAIN / fan_in**2; half of it a quarter of that.
    assert values.mean(axis=(1, 2, 3)).var() * fan_in**2 == pytest.approx(random_weights.GAIN / 4, rel=0.3)


@pytest.mark.parametrize(
    ("name", "shape", "value"),
    [("bn.weight", (3,), 1), ("bn.bias", (3,), 0), ("bn.running_mean", (3,), 0), ("bn.running_var", (3,), 1)],
)
def test_normalisation_is_the_identity(name: str, shape: tuple[int, ...], value: float) -> None:
    assert np.array_equal(random_weights.tensor(name, shape, 0), np.full(shape, value, np.float32))


def test_features_are_finite_alive_and_differ_between_pictures(reference: np.ndarray) -> None:
    assert np.isfinite(reference).all()
    assert (reference == 0).all(axis=0).mean() < 0.05
    assert (np.linalg.norm(reference, axis=1) > 1).all(), "a picture became (nearly) a zero vector"
    unit = reference / np.linalg.norm(reference, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
    assert cosines.max() < 0.995
    assert cosines.min() < 0.93
