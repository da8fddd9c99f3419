"""Which pictures stand for a shot: attribution, dissolves told late, bounds on what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest

from transforms.shots import collect, detectors
from transforms.shots.collect import BLOCK, BLOCKS, RECENT, Collector
from transforms.shots.detector import Boundary, Picture
from transforms.views import FIRST, KEY, SHOT_ARRAYS, Shots, ShotView

RATE = 25


class Told:
    """A detector that says what it is told to say: picture at which it speaks -> boundaries."""

    wants_bgr = False

    def __init__(self, told: Mapping[int, Sequence[Boundary]], delay: int = 3, last: Sequence[Boundary] = ()) -> None:
        self.delay, self._told, self._last = delay, told, last

    def push(self, picture: Picture) -> list[Boundary]:
        return list(self._told.get(picture.frame, ()))

    def finish(self) -> list[Boundary]:
        return list(self._last)


def cut(frame: int) -> Boundary:
    return Boundary(frame, (frame, frame))


def collected(
    monkeypatch: pytest.MonkeyPatch, levels: Sequence[int], detector: Told, view: ShotView | None = None
) -> Shots:
    """The shots of a clip of grey pictures, which are as far apart as their levels are."""
    from av.video.frame import VideoFrame

    monkeypatch.setattr(detectors, "make", lambda view: detector)
    view = view or ShotView()
    collector = Collector(view, Fraction(0), Fraction(len(levels), RATE), Fraction(1, RATE), np.zeros)
    for number, level in enumerate(levels):
        picture = np.full((36, 64, 3), level, np.uint8)
        collector.push(number, VideoFrame.from_ndarray(picture, format="rgb24"))
    collector.finish()
    return collector.shots()


def steps(*changes: int, start: int = 20) -> list[int]:
    """Levels of grey, each so much from the one before."""
    return [start, *(start + int(total) for total in np.cumsum(changes))]


def test_one_shot_has_its_first_and_its_most_different_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = collected(monkeypatch, steps(8, 16, 60, -60, 60, 16), Told({}))
    assert shots.first_frames.tolist() == [0]
    assert shots.end_frames.tolist() == [7]
    assert shots.starts_s.tolist() == [0.0]
    assert shots.ends_s.tolist() == [7 / RATE]
    assert shots.frames.tolist() == [[0, 3]], "the earliest of equals"
    assert shots.pictures[0, FIRST, 0, 0, 0] == pytest.approx(20, abs=2)
    assert shots.pictures[0, KEY, 0, 0, 0] == pytest.approx(104, abs=2)
    assert shots.jumps.tolist() == [0.0]


def test_the_cut_itself_is_nobodys_most_different_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = steps(8, 24, 8, 120, 8, 8, 24, 8)
    shots = collected(monkeypatch, levels, Told({7: [cut(4)]}))
    assert shots.first_frames.tolist() == [0, 4]
    assert shots.end_frames.tolist() == [4, 9]
    assert shots.frames.tolist() == [[0, 2], [4, 7]]
    assert shots.jumps[1] > 0.9
    assert shots.differences[1, KEY] < 0.5
    assert shots.gradual_s.tolist() == [[0, 0], [4 / RATE, 4 / RATE]]
    assert shots.ends_s.tolist() == [4 / RATE, 9 / RATE]


def test_a_shot_of_one_picture_is_represented_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = collected(monkeypatch, steps(1, 1, 100, 90, 1, 1), Told({5: [cut(3)], 6: [cut(4)]}))
    assert shots.first_frames.tolist() == [0, 3, 4]
    assert shots.frames[1].tolist() == [3, 3]
    assert (shots.pictures[1, FIRST] == shots.pictures[1, KEY]).all()


def test_cuts_told_at_the_very_end_count(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = collected(monkeypatch, steps(16, 8, 8, 100, 100), Told({}, last=[cut(4), cut(5)]))
    assert shots.first_frames.tolist() == [0, 4, 5]
    assert shots.frames.tolist() == [[0, 1], [4, 4], [5, 5]]


def test_pictures_of_a_dissolve_stand_for_no_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    # the largest difference of the first shot is picture 3; 40 to 60 dissolve, told at 64
    changes = [8, 8, 32, *[0] * 36, *[5] * 21, *[0] * 9, 24, *[0] * 10]
    shots = collected(monkeypatch, steps(*changes), Told({64: [Boundary(50, (40, 61))]}))
    assert shots.first_frames.tolist() == [0, 50]
    assert shots.end_frames.tolist() == [50, len(changes) + 1]
    assert shots.gradual_s[1].tolist() == [40 / RATE, 61 / RATE]
    assert shots.frames[0].tolist() == [0, 3]
    first, key = shots.frames[1].tolist()
    assert first == 61, "the first picture behind the dissolve that was still at hand"
    assert key == 70
    assert shots.histograms.sum(axis=1) == pytest.approx(1)


def test_the_mean_histogram_is_divided_where_the_shot_is(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [0] * 40 + [255] * 40
    shots = collected(monkeypatch, levels, Told({60: [Boundary(40, (36, 44))]}))
    dark, bright = shots.histograms.reshape(2, 8, 4, 4)[:, 0, 0]
    assert dark[0] == pytest.approx(1, abs=0.02)
    assert bright[3] == pytest.approx(1, abs=0.02)


def test_a_dissolve_before_a_cut_that_is_told_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = steps(*[0] * 20, *[6] * 10, *[0] * 5, 120, *[0] * 8)
    shots = collected(monkeypatch, levels, Told({39: [Boundary(25, (20, 31)), cut(36)]}))
    assert shots.first_frames.tolist() == [0, 25, 36]
    assert shots.frames[1, FIRST] >= 31
    assert shots.frames[1, FIRST] < 36
    assert shots.frames[2, FIRST] == 36


def test_told_too_late_or_twice_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = collected(monkeypatch, steps(*[1] * 40), Told({20: [cut(18)], 30: [cut(18), cut(10), cut(0)]}))
    assert shots.first_frames.tolist() == [0, 18]


def test_what_is_held_does_not_grow_with_the_shot(monkeypatch: pytest.MonkeyPatch) -> None:
    from av.video.frame import VideoFrame

    monkeypatch.setattr(detectors, "make", lambda view: Told({}))
    collector = Collector(ShotView(), Fraction(0), Fraction(1000), Fraction(1, RATE), np.zeros)
    frame = VideoFrame.from_ndarray(np.zeros((18, 32, 3), np.uint8), format="rgb24")
    for number in range(RECENT + 3 * BLOCK * BLOCKS):
        collector.push(number, frame)
        assert collector._shot is None or len(collector._shot.blocks) <= BLOCKS
        assert collector._shot is None or len(collector._shot.seen) <= RECENT
        assert len(collector._waiting) <= 3
    collector.finish()
    shots = collector.shots()
    assert shots.frames.tolist() == [[0, 1]]
    assert shots.histograms[0].sum() == pytest.approx(1)


def test_nothing_is_looked_at_behind_max_s(monkeypatch: pytest.MonkeyPatch) -> None:
    shots = collected(monkeypatch, steps(*[1] * 60), Told({}), ShotView(max_s=1.0))
    assert shots.end_frames.tolist() == [RATE]
    assert shots.ends_s.tolist() == [1.0]


def test_pictures_keep_their_aspect_and_are_never_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collected(monkeypatch, [0, 1], Told({})).pictures.shape == (1, 2, 36, 64, 3)
    assert collected(monkeypatch, [0, 1], Told({}), ShotView(short_px=18)).pictures.shape == (1, 2, 18, 32, 3)


def test_a_clip_whose_pictures_come_after_its_end_has_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "make", lambda view: Told({}))
    collector = collect.Collector(ShotView(), Fraction(0), Fraction(1), Fraction(1, RATE), np.zeros)
    collector.finish()
    empty = collector.shots()
    assert len(empty) == 0
    assert empty.pictures.shape == (0, 2, 1, 1, 3)
    assert empty.histograms.shape == (0, 128)


def test_neither_batches_nor_how_pictures_are_held_change_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = [int(level) for level in np.random.default_rng(0).integers(0, 256, 300)]
    told = {70: [Boundary(50, (40, 61))], 203: [cut(200)]}
    expected = collected(monkeypatch, levels, Told(told))
    for name, value in (("BATCH", 1), ("BATCH", 7), ("BATCH_PX", 1), ("LARGE_PX", 0)):
        with monkeypatch.context() as patch:
            patch.setattr(collect, name, value)
            found = collected(monkeypatch, levels, Told(told))
        for array in (*SHOT_ARRAYS, "pictures"):
            assert getattr(found, array).tobytes() == getattr(expected, array).tobytes(), (name, array)


def test_large_pictures_are_not_held_as_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    # bug: 16 pictures of 8K and 10 bits took more memory than the decoder may have
    from av.video.frame import VideoFrame

    monkeypatch.setattr(detectors, "make", lambda view: Told({}))
    monkeypatch.setattr(collect, "LARGE_PX", 18 * 32 - 1)
    collector = Collector(ShotView(), Fraction(0), Fraction(1000), Fraction(1, RATE), np.zeros)
    for number in range(5 * BLOCK):
        collector.push(number, VideoFrame.from_ndarray(np.zeros((18, 32, 3), np.uint8), format="rgb24"))
    assert collector._shot is not None
    assert all(isinstance(held.picture, np.ndarray) for held in collector._shot.blocks)
    assert len(collector._shot.blocks) >= 4
