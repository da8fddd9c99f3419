"""``hpss380_1s``: the 380 rows averaged over every second of the clip's timeline, aligned with the frame features."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.decoding.plan import exact, row_count
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.features.hpss380 import warm
from transforms.music.contract import FRAME_CONTRACTS, Contract
from transforms.music.layout import RATE_HZ, ROWS
from transforms.music.parameters import FRAMES, PAPER, UNIT
from transforms.views import PAPER_MAX_S, FrameView, Sound, SoundView

CARD = Card(
    name="hpss380_1s",
    version=1,
    about="the 380 harmonic and percussive rows of the whole clip, averaged over each second",
    paper=PAPER + "; the grid is ours",
    layout="sequence",
    dims=ROWS,
    dtype="float32",
    unit=UNIT,
    hop_s=1.0,
    one_second_grid=True,
    tolerance=1e-3,
    parameters=FRAMES
    | {"max_s": Parameter(PAPER_MAX_S, "ours", "as far as the frame features look, so that rows pair up", minimum=1)},
    contracts=FRAME_CONTRACTS,
)


def view(parameters: Parameters) -> SoundView:
    """The timeline at 12 kHz, up to ``max_s``."""
    via_hz = 22_050 if parameters["resampling"] == "via 22050" else None
    return SoundView(RATE_HZ, max_s=float(parameters["max_s"] or 0), via_hz=via_hz)


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """The timeline's samples -> float32 [ceil(duration), 380]; decibels are against the maximum over the whole clip."""
    from transforms.music.cells import cells

    count = row_count(exact(duration_s), FrameView(max_s=float(parameters["max_s"] or 0)))
    values, mask = cells(sound, count, Contract.of(parameters))
    return Rows(values, 0.0, np.arange(count, dtype=np.float64), mask)


FEATURE = SoundExtractor(CARD, view, compute, warm=warm)
