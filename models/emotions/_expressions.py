"""A face-expression network in an ONNX file, run by OpenCV: what FER+ and EmotiEffNet have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from models.emotions._faces import Box, Find, finder, reason
from models.emotions.base import Emotion, Score
from models.published import WeightsError

#: (picture uint8 [height, width, 3] RGB, its face) -> float32 [1, channels, side, side], as the network takes it.
Prepare = Callable[[np.ndarray, Box], np.ndarray]
#: float32 [1, channels, side, side] -> float64 [classes], probabilities.
Classify = Callable[[np.ndarray], np.ndarray]


def classifier(path: Path, shape: tuple[int, int, int], classes: int) -> Classify:
    """What turns a prepared face into probabilities: the network in `path`, then a softmax.

    Parameters
    ----------
    shape: channels, height and width of what the network takes.
    classes: how many logits it gives.

    Raises
    ------
    models.weights.WeightsError: the file is no such network.
    """
    import cv2

    one_at_a_time = threading.Lock()
    try:
        network = cv2.dnn.readNetFromONNX(np.fromfile(path, np.uint8))
        network.setInput(np.zeros((1, *shape), np.float32))
        logits = network.forward()
    except cv2.error as error:
        raise WeightsError(f"{path} is no network that this OpenCV can run: {reason(error)}") from error
    if logits.size != classes:
        raise WeightsError(f"{path} gives {logits.size} numbers for a face, expected {classes}")

    def classify(face: np.ndarray) -> np.ndarray:
        with one_at_a_time:
            network.setInput(face)
            logits = network.forward().astype(np.float64).ravel()
        powers = np.exp(logits - logits.max())
        return powers / powers.sum()

    return classify


def load(prepare: Prepare, shape: tuple[int, int, int], labels: Sequence[str], files: Mapping[str, Path]) -> Score:
    """The scorer of faces in its files, ``face`` and ``expression``; see :func:`classifier` and :func:`face_score`.

    Parameters
    ----------
    labels: of its classes; one of them is ``neutral``.
    """
    classify = classifier(files["expression"], shape, len(labels))
    return face_score(finder(files["face"]), prepare, classify, len(labels), labels.index("neutral"))


def face_score(find: Find, prepare: Prepare, classify: Classify, classes: int, neutral: int) -> Score:
    """Score a picture by the expression of its largest face: probabilities, and 1 - P(neutral).

    Parameters
    ----------
    classes, neutral: how many classes there are, and which of them means no emotion.
    """

    def score(picture: np.ndarray) -> Emotion:
        face = find(picture)
        if face is None:
            return Emotion(np.zeros(classes, np.float32), 0.0, False)
        probabilities = classify(prepare(picture, face))
        return Emotion(probabilities.astype(np.float32), float(1 - probabilities[neutral]), True)

    return score
