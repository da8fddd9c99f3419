"""``shots``: where the clip cuts, and the mean colours of each shot."""

from __future__ import annotations

import numpy as np

from models.emotions.base import Score
from transforms.card import Card, Column
from transforms.features.base import Parameters, Rows, ShotExtractor
from transforms.shots.parameters import CHOOSER, DPVM, METHODS, SHOTS, view
from transforms.views import Shots

CARD = Card(
    name="shots",
    version=1,
    about="shots by colour-histogram difference, with the mean colour histogram of each",
    paper=DPVM + ", which leaves histogram, threshold and lengths open",
    layout="sequence",
    dims=128,
    dtype="float32",
    unit="share of the shot's pixels",
    hop_s=None,
    row="a shot, at its first picture",
    # counts of pixels of decoded pictures: nothing is rounded but the mean
    tolerance=1e-6,
    parameters=SHOTS,
    contracts=METHODS,
    chooser=CHOOSER,
    columns={
        "ends_s": Column("float64", "where the next shot begins, or the clip ends"),
        "first_frames": Column("int64", "number of the first picture, counted from 0 as they are shown"),
        "end_frames": Column("int64", "number of the next shot's first picture"),
        "gradual_start_s": Column("float64", "where the dissolve begins by which the shot comes; its start for a cut"),
        "gradual_end_s": Column("float64", "where that dissolve ends"),
        "jumps": Column("float32", "histogram difference to the picture before the shot, 0 to 1"),
    },
)


def compute(shots: Shots, parameters: Parameters, score: Score | None) -> Rows:
    """The shots -> float32 [n, 128]: hue (8) x chroma (4) x value (4) of the HSV cone, shared linearly by bins."""
    columns = {
        "ends_s": shots.ends_s,
        "first_frames": shots.first_frames,
        "end_frames": shots.end_frames,
        "gradual_start_s": shots.gradual_s[:, 0],
        "gradual_end_s": shots.gradual_s[:, 1],
        "jumps": shots.jumps,
    }
    every = np.ones(len(shots), dtype=bool)
    return Rows(shots.histograms, times_s=shots.starts_s, mask=every, columns=columns)


FEATURE = ShotExtractor(CARD, view, compute)
