"""PySceneDetect's HistogramDetector: correlation of histograms of luma alone, blind to a change of hue.

``threshold`` is its ``threshold`` (0.05 up to version 0.7.1, 0.20 since), ``min_length_s`` its ``min_scene_len``. Of
the fields of the view it reads no others.
"""

from __future__ import annotations

from transforms.shots.detector import Detector
from transforms.shots.detectors._scenedetect import Adapter
from transforms.views import ShotView


def make(view: ShotView) -> Detector:
    """A fresh detector."""
    from scenedetect import HistogramDetector

    detector = HistogramDetector(threshold=view.threshold, min_scene_len=float(view.min_length_s))
    return Adapter(detector, 0, view.min_length_s)
