"""FER+: the expression of the largest face, from its grey picture of 64 x 64."""

from __future__ import annotations

import functools

import numpy as np

from models.checkpoint import Checkpoint
from models.emotions._expressions import load
from models.emotions._faces import YUNET, Box, square
from models.emotions.base import Scorer

#: In the order of the network's outputs (code: model card of the ONNX model zoo).
LABELS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
_SIDE_PX = 64


def prepare(picture: np.ndarray, face: Box) -> np.ndarray:
    """The square about a face as the network takes it: float32 [1, 1, 64, 64], grey, 0 to 255 (code: model card)."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(square(picture, face)), cv2.COLOR_RGB2GRAY)
    # the card reads the picture with a smoothing filter; enlarging has none
    way = cv2.INTER_AREA if grey.shape[0] > _SIDE_PX else cv2.INTER_LINEAR
    return cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=way).astype(np.float32)[None, None]


SCORER = Scorer(
    name="ferplus",
    version=1,
    about="expression of the largest face, 8 classes (FER+); pictures without a face have none",
    paper=(
        "Barsoum, Zhang, Canton Ferrer, Zhang, Training deep networks for facial expression recognition with "
        "crowd-sourced label distribution, ICMI 2016, arXiv 1608.01041"
    ),
    labels=LABELS,
    unit="probability",
    checkpoints={
        "face": YUNET,
        "expression": Checkpoint(
            name="emotion-ferplus-8",
            filename="emotion-ferplus-8.onnx",
            url="https://huggingface.co/onnxmodelzoo/emotion-ferplus-8/resolve/main/emotion-ferplus-8.onnx",
            sha256="a2a2ba6a335a3b29c21acb6272f962bd3d47f84952aaffa03b60986e04efa61c",
            licence="MIT",
            bytes=35_040_571,
            about="VGG13 trained on FER2013 with FER+ labels, from the ONNX model zoo (opset 8)",
        ),
    },
    load=functools.partial(load, prepare, (1, _SIDE_PX, _SIDE_PX), LABELS),
)
