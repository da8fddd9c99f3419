"""The largest face of a picture, found by YuNet through OpenCV's own detector."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.checkpoint import Checkpoint
from models.published import WeightsError

#: The digest and the size are those of the pointer that the publisher's repository holds for the file.
YUNET = Checkpoint(
    name="yunet",
    filename="face_detection_yunet_2023mar.onnx",
    url=(
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/47534e27c9851bb1128ccc0102f1145e27f23f98"
        "/models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
    ),
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    licence="MIT",
    bytes=232_589,
    about="YuNet, trained on WIDER FACE; Wu, Peng, Yu, YuNet: a tiny millisecond-level face detector, 2023",
)

#: A face counts from this score on, and hides another one from this overlap on (code: OpenCV's defaults).
_SCORE = 0.9
_OVERLAP = 0.3
_MOST = 5000
#: Longest side that is searched, in pixels (ours): the network was trained on faces of some 10 to 300 pixels.
_LONGEST_PX = 640


class Box(NamedTuple):
    """A face in pixels of its picture: left, top, width, height. It may reach beyond the picture."""

    x: float
    y: float
    width: float
    height: float


#: uint8 [height, width, 3], RGB -> its largest face, None where there is none.
Find = Callable[[np.ndarray], Box | None]


def finder(path: Path) -> Find:
    """What finds the largest face; of two that are equally large the upper, then the left one.

    Raises
    ------
    models.weights.WeightsError: the file is no network of this kind.
    """
    import cv2

    body = np.fromfile(path, np.uint8)
    level = cv2.utils.logging.getLogLevel()
    try:
        # it warns of a setting that only matters for graphics cards
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        nothing = np.zeros(0, np.uint8)
        detector = cv2.FaceDetectorYN.create("onnx", body, nothing, (64, 64), _SCORE, _OVERLAP, _MOST)
        detector.detect(np.zeros((64, 64, 3), np.uint8))
    except cv2.error as error:
        raise WeightsError(f"{path} is no YuNet that this OpenCV can run: {reason(error)}") from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    one_at_a_time = threading.Lock()

    def find(picture: np.ndarray) -> Box | None:
        height, width = picture.shape[:2]
        shrink = max(1.0, max(height, width) / _LONGEST_PX)
        small = picture
        if shrink > 1:
            size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        rows, columns = small.shape[:2]
        with one_at_a_time:
            detector.setInputSize((columns, rows))
            _, faces = detector.detect(cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2BGR))
        if faces is None or not len(faces):
            return None
        x, y, w, h = min((row[:4].tolist() for row in faces), key=lambda box: (-box[2] * box[3], box[1], box[0]))
        return Box(x * width / columns, y * height / rows, w * width / columns, h * height / rows)

    return find


def square(picture: np.ndarray, box: Box) -> np.ndarray:
    """The square about a face, as wide as its longer side; moved, and only then cut, to lie within the picture."""
    height, width = picture.shape[:2]
    side = max(1, min(round(max(box.width, box.height)), height, width))
    left = min(max(round(box.x + box.width / 2 - side / 2), 0), width - side)
    top = min(max(round(box.y + box.height / 2 - side / 2), 0), height - side)
    return picture[top : top + side, left : left + side]


def cut(picture: np.ndarray, box: Box) -> np.ndarray:
    """The part of the picture under a face's box, at least one pixel."""
    height, width = picture.shape[:2]
    left, top = min(max(round(box.x), 0), width - 1), min(max(round(box.y), 0), height - 1)
    right, bottom = min(round(box.x + box.width), width), min(round(box.y + box.height), height)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


def reason(error: Exception) -> str:
    """What OpenCV says of an error, on one line."""
    return " ".join(str(error).split())[:300]
