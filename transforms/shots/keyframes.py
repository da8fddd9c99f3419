"""Which shots are key shots, and how many key pictures a network is given: pure functions on scores.

DPVM: the picture at a shot's boundary is scored, a threshold keeps the key shots, and each gives the picture that
differs most from the one before it. Two slips are avoided: the difference of a shot's first picture is the cut itself
and belongs to no shot; and where no shot passes, the best one stands in, so that every clip has a key picture.
"""

from __future__ import annotations

import numpy as np


def key_shots(scores: np.ndarray, gate: float) -> tuple[np.ndarray, bool]:
    """The shots that pass, in order.

    Parameters
    ----------
    scores: float32 [n], one a shot; n may be 0.
    gate: least score that passes.

    Returns
    -------
    (int64 [m], whether they pass): m is at least 1 where n is; where none passes, the earliest of the best.
    """
    passing = np.flatnonzero(scores >= np.float32(gate))
    if len(passing) or not len(scores):
        return passing, bool(len(passing))
    return np.array([np.argmax(scores)]), False


def spread(count: int, wanted: int) -> np.ndarray:
    """int64 [wanted]: which of ``count`` things in order stand for ``wanted``: evenly sampled, or evenly repeated.

    Place i gets the thing at the middle of its part of the whole, floor((i + 1/2) * count / wanted).

    Raises
    ------
    ValueError: there is nothing to sample.
    """
    if count < 1 or wanted < 0:
        raise ValueError(f"cannot spread {count} things over {wanted} places; expected at least one thing")
    return (2 * np.arange(wanted) + 1) * count // (2 * wanted) if wanted else np.zeros(0, np.int64)


def crop(picture: np.ndarray, size_px: int) -> np.ndarray:
    """uint8 [size, size, 3] of a picture [height, width, 3]: shrunk (or enlarged) until the shorter side is
    ``size_px`` * 8 / 7, as ViViT's 256 for 224, then the middle.
    """
    import cv2

    height, width = picture.shape[:2]
    short = round(size_px * 8 / 7)
    if min(height, width) != short:
        scale = short / min(height, width)
        to = (max(size_px, round(width * scale)), max(size_px, round(height * scale)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(picture, to, interpolation=method)
        height, width = picture.shape[:2]
    top, left = (height - size_px) // 2, (width - size_px) // 2
    return picture[top : top + size_px, left : left + size_px]


def thumbnail(picture: np.ndarray, longest_px: int, quality: int) -> bytes:
    """JPEG of an RGB picture [height, width, 3], its longer side at most ``longest_px``."""
    import cv2

    height, width = picture.shape[:2]
    scale = longest_px / max(height, width)
    if scale < 1:
        to = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, to, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {picture.shape} cannot be written as JPEG")
    return bytes(data)
