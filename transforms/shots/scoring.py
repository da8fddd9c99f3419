"""The emotion of the pictures that stand for a clip's shots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.emotions.base import Emotion, Score
from transforms.views import FIRST, KEY, Shots


class Scored(NamedTuple):
    """What a scorer says of the pictures of n shots (second axis: FIRST, KEY).

    Attributes
    ----------
    values: float32 [n, 2, D]; ``scores``: float32 [n, 2]; ``seen``: bool [n, 2].
    """

    values: np.ndarray
    scores: np.ndarray
    seen: np.ndarray


def scored(shots: Shots, score: Score, scorer: str, dims: int) -> Scored:
    """Score every picture once, however many features of the clip ask.

    Parameters
    ----------
    scorer: name of what scores; ``dims``: length of its values.
    """
    key = ("emotion", scorer)
    if key not in shots.shared:
        found = Scored(
            np.zeros((len(shots), 2, dims), np.float32),
            np.zeros((len(shots), 2), np.float32),
            np.zeros((len(shots), 2), bool),
        )
        for shot in range(len(shots)):
            for which in (FIRST, KEY):
                same = which == KEY and shots.frames[shot, KEY] == shots.frames[shot, FIRST]
                emotion = (
                    Emotion(found.values[shot, FIRST], found.scores[shot, FIRST], found.seen[shot, FIRST])
                    if same
                    else score(shots.pictures[shot, which])
                )
                found.values[shot, which], found.scores[shot, which], found.seen[shot, which] = emotion
        shots.shared[key] = found
    result: Scored = shots.shared[key]
    return result
