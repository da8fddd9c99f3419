"""Card parameters of what is made from shots."""

from __future__ import annotations

from collections.abc import Mapping

from transforms.card import Parameter, Value
from transforms.views import PAPER_MAX_S, ShotView

DPVM = "DPVM (Gu, Shen, Lv; Sensors 23(2):805, 2023), section on emotion key frames"
CHOOSER = (
    "method",
    "how shots are told apart, and with it the parameters below; each of them can also be set by itself",
)
#: How a clip is cut, whatever the method.
SHOTS = {
    "min_length_s": Parameter(0.6, "code", "PySceneDetect's default; no shot but the last is shorter", minimum=0),
    "max_s": Parameter(PAPER_MAX_S, "ours", "as far as the frame features look", minimum=1),
}
_NOTHING = "not used by this method"
_FLASH = Parameter(3, "ours", "a change that is gone after so many pictures is a flash", minimum=0)
_NO_FLASH = Parameter(0, "code", "the library has a rule of its own: what follows within the shortest length is merged")
_GRADUAL = Parameter(True, "ours", "dissolves are looked for")
_NO_GRADUAL = Parameter(False, "code", "the library's detectors tell no dissolves")
_UNUSED = Parameter(0.0, "ours", _NOTHING, minimum=0)
#: method -> what differs; PySceneDetect's values are the defaults of its release 0.7.2.
METHODS: dict[str, dict[str, Parameter]] = {
    "histogram": {
        "threshold": Parameter(
            0.08,
            "ours",
            "half the L1 distance of two colour histograms, 0 to 1; the least of a real cut was 0.09",
            minimum=0,
        ),
        "ratio": Parameter(3.5, "ours", "how many times the mean difference of its neighbours a cut is", minimum=0),
        "window": Parameter(3, "ours", "neighbours on either side", minimum=1),
        "floor": _UNUSED,
        "flash_frames": _FLASH,
        "gradual": _GRADUAL,
    },
    "adaptive": {
        "threshold": _UNUSED,
        "ratio": Parameter(3.0, "code", "PySceneDetect's adaptive_threshold", minimum=0),
        "window": Parameter(2, "code", "PySceneDetect's window_width", minimum=1),
        "floor": Parameter(15.0, "code", "PySceneDetect's min_content_val", minimum=0),
        "flash_frames": _NO_FLASH,
        "gradual": _NO_GRADUAL,
    },
    "content": {
        "threshold": Parameter(27.0, "code", "mean change of hue, saturation and value, 0 to 255", minimum=0),
        "ratio": _UNUSED,
        "window": Parameter(1, "ours", _NOTHING),
        "floor": _UNUSED,
        "flash_frames": _NO_FLASH,
        "gradual": _NO_GRADUAL,
    },
    "luma": {
        "threshold": Parameter(0.2, "code", "1 - correlation of two histograms of brightness", minimum=0),
        "ratio": _UNUSED,
        "window": Parameter(1, "ours", _NOTHING),
        "floor": _UNUSED,
        "flash_frames": _NO_FLASH,
        "gradual": _NO_GRADUAL,
    },
}
#: Shorter side of the pictures that stand for a shot: what ViViT's preparation shrinks to before it crops 224 (code).
SHORT_PX = 256


def view(parameters: Mapping[str, Value]) -> ShotView:
    """How the clip is cut; the same for every feature of shots, so that one decode serves all."""
    return ShotView(
        method=str(parameters["method"]),
        threshold=float(parameters["threshold"] or 0),
        ratio=float(parameters["ratio"] or 0),
        window=int(parameters["window"] or 0),
        floor=float(parameters["floor"] or 0),
        min_length_s=float(parameters["min_length_s"] or 0),
        flash_frames=int(parameters["flash_frames"] or 0),
        gradual=bool(parameters["gradual"]),
        max_s=float(parameters["max_s"] or 0),
        short_px=SHORT_PX,
    )
