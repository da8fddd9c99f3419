"""What the methods share that are PySceneDetect's own detectors: pictures in, timecodes out, turned into frames."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from transforms.shots.detector import Boundary, Picture

if TYPE_CHECKING:
    from scenedetect.detector import SceneDetector

#: PySceneDetect's own clock for OpenCV's pictures: microseconds (code, backends/opencv.py).
_CLOCK_HZ = 1_000_000

#: Its detectors count in pts where these are given; the rate must be there but is not looked at.
_NOMINAL_FPS = Fraction(25)

#: Pictures that are remembered at least, however far apart they are.
_KEPT = 64


class Adapter:
    """One of PySceneDetect's detectors behind our interface.

    Parameters
    ----------
    detector: it must measure its minimum length in seconds (a float), so that clips of varying rate are cut by pts.
    delay: how many pictures after a cut it may be told.
    min_length_s: how long after a cut it may be told, in seconds.
    """

    wants_bgr = True

    def __init__(self, detector: SceneDetector, delay: int, min_length_s: float) -> None:
        self.delay = delay
        self._detector = detector
        self._memory_s = min_length_s
        self._pictures: deque[tuple[int, float, Any]] = deque()

    def push(self, picture: Picture) -> list[Boundary]:
        """The next picture."""
        from scenedetect.common import FrameTimecode, Timecode

        if picture.bgr is None:
            raise ValueError("this shot method needs Picture.bgr, which is None: hand it pictures as wants_bgr says")
        pts = max(0, round(picture.time_s * _CLOCK_HZ))
        timecode = FrameTimecode(Timecode(pts=pts, time_base=Fraction(1, _CLOCK_HZ)), fps=_NOMINAL_FPS)
        self._pictures.append((picture.frame, picture.time_s, timecode))
        while len(self._pictures) > _KEPT and self._pictures[0][1] < picture.time_s - self._memory_s - 1:
            self._pictures.popleft()
        return self._boundaries(self._detector.process_frame(timecode, picture.bgr))

    def finish(self) -> list[Boundary]:
        """No picture follows."""
        if not self._pictures:
            return []
        return self._boundaries(self._detector.post_process(self._pictures[-1][2]))

    def _boundaries(self, timecodes: list[Any]) -> list[Boundary]:
        # The detectors hand back the very objects that they were given.
        found = sorted(next(frame for frame, _, known in self._pictures if known is told) for told in timecodes)
        return [Boundary(frame, (frame, frame)) for frame in found]
