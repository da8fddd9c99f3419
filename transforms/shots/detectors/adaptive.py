"""PySceneDetect's AdaptiveDetector: the change of content against the mean change of its neighbours.

``ratio`` is its ``adaptive_threshold`` (its default 3), ``window`` its ``window_width`` (2), ``floor`` its
``min_content_val`` (15), ``min_length_s`` its ``min_scene_len``. Of the fields of the view it reads no others.
"""

from __future__ import annotations

from transforms.shots.detector import Detector
from transforms.shots.detectors._scenedetect import Adapter
from transforms.views import ShotView


def make(view: ShotView) -> Detector:
    """A fresh detector."""
    from scenedetect import AdaptiveDetector

    detector = AdaptiveDetector(
        adaptive_threshold=view.ratio,
        min_scene_len=float(view.min_length_s),
        window_width=view.window,
        min_content_val=view.floor,
    )
    return Adapter(detector, view.window, view.min_length_s)
