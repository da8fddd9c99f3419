"""``hpss2660``: mean, standard deviation and top-5 of the 380 rows over the excerpt, as the paper's figure has it."""

from __future__ import annotations

import numpy as np

from transforms.card import Card
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.features.hpss380 import view, warm
from transforms.music.contract import CONTRACTS, Contract
from transforms.music.layout import ROWS
from transforms.music.parameters import EXCERPT, PAPER, UNIT
from transforms.video_statistics import TOP, video_statistics
from transforms.views import Sound

CARD = Card(
    name="hpss2660",
    version=1,
    about="mean, standard deviation and top-5 of the 380 harmonic and percussive rows, as on the video side",
    paper=PAPER + ", figure 2",
    layout="clip",
    dims=(2 + TOP) * ROWS,
    dtype="float32",
    unit=UNIT,
    hop_s=None,
    tolerance=1e-4,
    parameters=EXCERPT,
    contracts=CONTRACTS,
)


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """The excerpt's samples -> float32 [2660]: 380 means, 380 standard deviations, the five largest, descending."""
    from transforms.music.excerpt import frames

    values, sounding = frames(sound, Contract.of(parameters))
    return Rows(video_statistics(values, sounding if parameters["short"] == "mask" else np.ones_like(sounding)))


FEATURE = SoundExtractor(CARD, view, compute, warm=warm)
