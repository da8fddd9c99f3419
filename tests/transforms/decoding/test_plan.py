"""The arithmetic of rows and of the pruned walk."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from transforms.decoding import plan
from transforms.views import FrameView


@pytest.mark.parametrize(
    ("duration_s", "rate_hz", "max_s", "rows"),
    [
        ("5", 1.0, 360.0, 5),
        ("5.000000001", 1.0, 360.0, 5),
        ("5.00001", 1.0, 360.0, 6),
        ("0.04", 1.0, 360.0, 1),
        ("0", 1.0, 360.0, 1),
        ("1000", 1.0, 360.0, 360),
        ("1000", 1.0, math.inf, 1000),
        ("10", 29.97, 360.0, 300),
        ("10", 0.5, 360.0, 5),
        ("10", 1 / 3, 360.0, 4),
    ],
)
def test_row_count(duration_s: str, rate_hz: float, max_s: float, rows: int) -> None:
    assert plan.row_count(Fraction(duration_s), FrameView(rate_hz=rate_hz, max_s=max_s)) == rows


def test_a_picture_on_the_second_belongs_to_it() -> None:
    base = Fraction(1, 30_000)
    pts = [1001 * k for k in range(3000)]
    rows = plan.make_rows(Fraction(0), base, 91, 1.0)
    assert plan.choose(rows, pts) == [1001 * math.floor(k * 30_000 / 1001) for k in range(91)]
    assert plan.choose(plan.make_rows(Fraction(1, 3), Fraction(1, 3), 3, 1.0), [1, 4, 7]) == [1, 4, 7]


def test_first_picture_inside_a_cell_fills_it() -> None:
    rows = plan.make_rows(Fraction(0), Fraction(1, 10), 4, 1.0)
    assert plan.choose(rows, [15, 18, 25]) == [None, 15, 18, 25]
    assert plan.choose(rows, [20, 25]) == [None, None, 20, 25]
    assert plan.choose(rows, []) == [None] * 4


def test_prune_drops_tails_and_keeps_references() -> None:
    #      I   P   B   B   I   P   B   I
    pts = [0, 3, 1, 2, 4, 6, 5, 7]
    restarts = [True, False, False, False, True, False, False, True]
    actions = plan.prune(pts, restarts, wanted=[1, 4])
    assert actions == [
        plan.NONREF,
        plan.NONREF,
        plan.DECODE,
        plan.DROP,
        plan.DECODE,
        plan.DROP,
        plan.DROP,
        plan.DROP,
    ]


def test_prune_never_cuts_before_a_wanted_picture() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        count = int(rng.integers(1, 40))
        pts = [int(p) for p in rng.permutation(count)]
        restarts = [bool(r) for r in rng.random(count) < 0.2]
        wanted = {int(p) for p in rng.integers(0, count, 3)}
        actions = plan.prune(pts, restarts, wanted)
        for index, time in enumerate(pts):
            assert (actions[index] == plan.DECODE) == (time in wanted)
            later = range(index, count)
            following = next((k for k in later if k > index and restarts[k]), count)
            needed = any(pts[k] in wanted for k in range(index, following))
            assert (actions[index] != plan.DROP) == needed
