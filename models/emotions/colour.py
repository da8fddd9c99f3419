"""Valence and arousal from nothing but a picture's mean brightness and saturation: transparent, without weights.

Valdez and Mehrabian let people rate colour chips and fitted, for standardised variables (their abstract):

    pleasure = .69 B + .22 S      arousal = -.31 B + .60 S      dominance = -.76 B + .32 S

Machajdik and Hanbury took these over for whole pictures, with the means over the pixels. A picture has no population to
be standardised by. Here B is taken about mid-grey, over [-1, 1], and S over [0, 1]: mid-grey is 0 in all three.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.emotions.base import Emotion, Score, Scorer

#: Weights of brightness and saturation (paper: Valdez and Mehrabian 1994, abstract).
_VALENCE = (0.69, 0.22)
_AROUSAL = (-0.31, 0.60)
_DOMINANCE = (-0.76, 0.32)
#: Brightness as luminance, with saturation as max - min of the channels: Hanbury's IHLS space. Unlike HSV's saturation,
#: that one is not large for the noise of dark pixels.
_LUMINANCE = (0.2126, 0.7152, 0.0722)


#: A picture shows nothing where fewer than one pixel in so many has a channel above this (ours: black with grain).
_DARK, _ONE_IN = 32, 100


def is_black(picture: np.ndarray) -> bool:
    """Whether a picture (uint8 [height, width, 3]) shows nothing: the leader of a clip, the start of a fade."""
    bright = np.count_nonzero((picture > _DARK).any(axis=-1))
    return bright * _ONE_IN < picture.shape[0] * picture.shape[1]


def measure(picture: np.ndarray) -> tuple[float, float]:
    """Mean brightness and mean saturation of a picture, both 0 to 1.

    Parameters
    ----------
    picture: uint8 [height, width, 3], RGB. Every pixel counts; the sums are of integers, hence exact.
    """
    red, green, blue = (picture[..., channel] for channel in range(3))
    largest, smallest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    whole = 255 * red.size
    sums = (int(channel.sum(dtype=np.int64)) for channel in (red, green, blue))
    brightness = math.fsum(weight * total for weight, total in zip(_LUMINANCE, sums, strict=True)) / whole
    saturation = int((largest - smallest).sum(dtype=np.int64)) / whole
    return brightness, saturation


def affect(brightness: float, saturation: float) -> tuple[float, float, float]:
    """Valence, arousal and dominance of brightness and saturation (0 to 1 each)."""
    about_grey = 2 * brightness - 1
    valence, arousal, dominance = (b * about_grey + s * saturation for b, s in (_VALENCE, _AROUSAL, _DOMINANCE))
    return valence, arousal, dominance


def _distance(brightness: float, saturation: float) -> float:
    valence, arousal, _ = affect(brightness, saturation)
    return math.hypot(valence, arousal)


#: The largest distance that any picture has. It is that of a picture in one corner of the RGB cube (pure blue): between
#: the corners both means are linear in pieces, and a distance is largest at a corner of such a piece.
_LARGEST = max(_distance(*measure(np.array([[corner]], np.uint8))) for corner in itertools.product((0, 255), repeat=3))


def score(picture: np.ndarray) -> Emotion:
    """Score a picture by how far its valence and arousal are from those of mid-grey (ours), 1 being the largest.

    By the formula black would be as emotional as white, so a black picture is one in which nothing was seen.

    Parameters
    ----------
    picture: uint8 [height, width, 3], RGB.
    """
    if is_black(picture):
        return Emotion(np.zeros(5, np.float32), 0.0, False)
    brightness, saturation = measure(picture)
    values = (*affect(brightness, saturation), brightness, saturation)
    return Emotion(np.array(values, np.float32), min(1.0, _distance(brightness, saturation) / _LARGEST), True)


def _load(files: Mapping[str, Path]) -> Score:
    return score


SCORER = Scorer(
    name="colour",
    version=1,
    about="valence, arousal and dominance from mean brightness and saturation; no weights",
    paper=(
        "Valdez, Mehrabian, Effects of color on emotions, J. Exp. Psychology: General 123(4):394-409, 1994; "
        "for pictures: Machajdik, Hanbury, Affective image classification using features inspired by psychology and "
        "art theory, ACM Multimedia 2010"
    ),
    labels=("valence", "arousal", "dominance", "brightness", "saturation"),
    unit="brightness and saturation 0 to 1, the rest in units of the regression, 0 for mid-grey",
    checkpoints={},
    load=_load,
)
