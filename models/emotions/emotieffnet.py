"""EmotiEffNet-B0: the expression of the largest face, from its colour picture of 224 x 224."""

from __future__ import annotations

import functools

import numpy as np

from models.checkpoint import Checkpoint
from models.emotions._expressions import load
from models.emotions._faces import YUNET, Box, cut
from models.emotions.base import Scorer

#: In the order of the network's outputs (code: emotiefflib 1.1.1, facial_analysis.py, idx_to_emotion_class).
LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
_SIDE_PX = 224
#: ImageNet's, for RGB of 0 to 1 (code: emotiefflib 1.1.1, facial_analysis.py).
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)


def prepare(picture: np.ndarray, face: Box) -> np.ndarray:
    """The part under a face's box as the network takes it: float32 [1, 3, 224, 224], normalised RGB.

    The box is stretched to a square, as the published code does (emotiefflib 1.1.1, ``_preprocess``).
    """
    import cv2

    resized = cv2.resize(np.ascontiguousarray(cut(picture, face)), (_SIDE_PX, _SIDE_PX))
    normal = (resized / 255 - np.array(_MEAN)) / np.array(_SPREAD)
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None], np.float32)


SCORER = Scorer(
    name="emotieffnet",
    version=1,
    about="expression of the largest face, 8 classes (EmotiEffNet-B0); pictures without a face have none",
    paper=(
        "Savchenko, Facial expression and attributes recognition based on multi-task learning of lightweight neural "
        "networks, SISY 2021, arXiv 2103.17107; code: EmotiEffLib"
    ),
    labels=LABELS,
    unit="probability",
    checkpoints={
        "face": YUNET,
        "expression": Checkpoint(
            name="enet_b0_8_best_vgaf",
            filename="enet_b0_8_best_vgaf.onnx",
            url=(
                "https://github.com/av-savchenko/hsemotion-onnx/raw/bd500bd3a685013d18883c349e8940d020cacd98"
                "/models/affectnet_emotions/onnx/enet_b0_8_best_vgaf.onnx"
            ),
            # the publisher states none: one public project recorded this after its own download of this commit's file
            sha256="00085f9a8ef0bf8fc24a645550185703768951a53aff9f141c8637529eba1840",
            licence="Apache-2.0 (code and files); trained on AffectNet, which is licensed for academic use",
            bytes=None,
            about="EfficientNet-B0 trained on VGGFace2, then AffectNet; chosen by its author on VGAF; ONNX opset 11",
        ),
    },
    load=functools.partial(load, prepare, (3, _SIDE_PX, _SIDE_PX), LABELS),
)
