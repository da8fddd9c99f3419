"""What scores the emotion of one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.checkpoint import Checkpoint


class Emotion(NamedTuple):
    """What a scorer says of a picture.

    Attributes
    ----------
    values: float32 [len(labels)]; all 0 where nothing was seen (a face network without a face).
    score: 0 to 1, how emotional the picture is: what DPVM's gate compares with its threshold.
    seen: whether there was anything to score.
    """

    values: np.ndarray
    score: float
    seen: bool


#: uint8 [height, width, 3], RGB -> Emotion.
Score = Callable[[np.ndarray], Emotion]


@dataclass(frozen=True)
class Scorer:
    """One way to score pictures.

    Attributes
    ----------
    name: of its file in this folder; ``version`` grows whenever the same weights would give other numbers.
    about: one line; ``paper``: where it is described.
    labels: what the values are.
    unit: unit of the values.
    checkpoints: published files that it needs, by role (``face``, ``expression``); empty where it needs none.
    load: from the files by role to the function that scores; raises ``models.weights.WeightsError`` for a file that
        is not what it should be.
    """

    name: str
    version: int
    about: str
    paper: str
    labels: tuple[str, ...]
    unit: str
    checkpoints: Mapping[str, Checkpoint]
    load: Callable[[Mapping[str, Path]], Score]
