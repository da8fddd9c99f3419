"""PySceneDetect's ContentDetector: the mean change of hue, saturation and value from pixel to pixel.

``threshold`` is its ``threshold`` (its default 27), ``min_length_s`` its ``min_scene_len``. Of the fields of the view
it reads no others. Its own filter merges cuts that are closer than the minimum length into the last of them.
"""

from __future__ import annotations

import math

from transforms.shots.detector import Detector
from transforms.shots.detectors._scenedetect import Adapter
from transforms.views import ShotView

#: Cuts that are merged are told after the minimum length; up to this rate within ``delay`` pictures, above it later.
FASTEST_FPS = 60


def make(view: ShotView) -> Detector:
    """A fresh detector."""
    from scenedetect import ContentDetector

    detector = ContentDetector(threshold=view.threshold, min_scene_len=float(view.min_length_s))
    return Adapter(detector, math.ceil(view.min_length_s * FASTEST_FPS), view.min_length_s)
