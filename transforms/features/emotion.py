"""``emotion``: how emotional the pictures are that stand for each shot."""

from __future__ import annotations

import numpy as np

from models import emotions
from models.emotions.base import Score
from transforms.card import Card, Column, Parameter
from transforms.features.base import Parameters, Rows, ShotExtractor
from transforms.shots.parameters import CHOOSER, DPVM, METHODS, SHOTS, view
from transforms.views import Shots

#: DPVM names no network, and those that are published see faces only.
SCORER = Parameter(
    "colour",
    "ours",
    "what scores a picture; colour needs no weights and sees every picture, the networks see faces",
    emotions.names(),
)

CARD = Card(
    name="emotion",
    version=1,
    about="an emotion score for the first and for the most different picture of each shot",
    paper=DPVM + "; the picture network is not named there",
    layout="sequence",
    dims=len(emotions.get(str(SCORER.value)).labels),
    dtype="float32",
    unit="by the scorer: valence and arousal, or probabilities of expressions",
    hop_s=None,
    row="a picture: two a shot, its first and its most different one",
    tolerance=1e-4,
    parameters=SHOTS | {"scorer": SCORER},
    contracts=METHODS,
    chooser=CHOOSER,
    follows=("shots",),
    columns={
        "shots": Column("int64", "number of the shot, counted from 0"),
        "keys": Column("bool", "whether it is the shot's most different picture; else its first"),
        "frames": Column("int64", "number of the picture, counted from 0 as they are shown"),
        "scores": Column("float32", "how emotional it is, 0 to 1; 0 where nothing was seen (mask)"),
    },
)


def dims(parameters: Parameters) -> int:
    """As many as the scorer has labels."""
    return len(emotions.get(str(parameters["scorer"])).labels)


def compute(shots: Shots, parameters: Parameters, score: Score | None) -> Rows:
    """The pictures of n shots -> float32 [2n, D], a shot's first picture, then its most different one."""
    from transforms.shots.scoring import scored

    assert score is not None
    found = scored(shots, score, str(parameters["scorer"]), dims(parameters))
    count = 2 * len(shots)
    columns = {
        "shots": np.repeat(np.arange(len(shots)), 2),
        "keys": np.tile([False, True], len(shots)),
        "frames": shots.frames.reshape(count),
        "scores": found.scores.reshape(count),
    }
    values = found.values.reshape(count, dims(parameters))
    return Rows(values, times_s=shots.times_s.reshape(count), mask=found.seen.reshape(count), columns=columns)


FEATURE = ShotExtractor(CARD, view, compute, scorer=lambda parameters: str(parameters["scorer"]), dims=dims)
