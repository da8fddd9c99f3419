"""Where decord, used as it usually is, shows another picture than the one on screen at that second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synth

from transforms.decoding import decode_clip
from transforms.errors import RejectError
from transforms.views import Frames, FrameView

EXACT = FrameView(size_px=96)
DECORD = FrameView(size_px=96, decoder="decord")


def numbers(path: Path) -> tuple[list[int], list[int], list[float]]:
    """The pictures that PyAV and decord return, by number, and PyAV's times."""
    clip = decode_clip(path, [EXACT, DECORD])
    exact, other = clip.views[EXACT], clip.views[DECORD]
    assert isinstance(exact, Frames)
    assert isinstance(other, Frames)
    assert len(exact) == len(other) == len(other.times_s)
    assert other.mask.all()
    return (
        [synth.number_in(p) for p in exact.pixels],
        [synth.number_in(p) for p in other.pixels],
        exact.times_s.tolist(),
    )


def test_constant_rate_agrees(tmp_path: Path) -> None:
    exact, other, _ = numbers(synth.encode(tmp_path / "clip.mp4", 135))
    assert exact == other == [0, 25, 50, 75, 100, 125]
    view = FrameView(size_px=96, decoder="decord", resizer="rgb-antialias")
    clip = decode_clip(tmp_path / "clip.mp4", [view])
    assert clip.info.decoder == "decord"
    pixels = clip.views[view].pixels.astype(int)  # type: ignore[union-attr]
    exact_view = FrameView(size_px=96, resizer="rgb-antialias")
    same = decode_clip(tmp_path / "clip.mp4", [exact_view]).views[exact_view].pixels  # type: ignore[union-attr]
    assert np.abs(pixels - same).mean() < 3  # two converters, one picture


def test_ntsc_rate_drifts(tmp_path: Path) -> None:
    exact, other, _ = numbers(synth.encode(tmp_path / "ntsc.mp4", 960, rate="30000/1001"))
    assert exact == [k * 30_000 // 1001 for k in range(len(exact))]
    assert [theirs - ours for ours, theirs in zip(exact, other, strict=True)][1:31] == [1] * 30


def test_edit_list_is_not_seen(tmp_path: Path) -> None:
    whole = synth.encode(tmp_path / "whole.mp4", 200)
    synth.ffmpeg("-ss", "2.52", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    exact, other, _ = numbers(tmp_path / "cut.mp4")
    assert exact == [63, 88, 113, 138, 163, 188]
    assert other != exact


def test_variable_rate_is_off_by_seconds(tmp_path: Path) -> None:
    # The first 50 pictures last 40 ms each, the next 25 last 200 ms each.
    timing = "settb=1/25,setpts='if(lt(N,50),N,50+5*(N-50))'"
    path = synth.encode(tmp_path / "vfr.mp4", 75, extra=("-vf", timing, "-fps_mode", "passthrough"))
    exact, other, times_s = numbers(path)
    assert exact == [0, 25, 50, 55, 60, 65, 70]
    assert times_s == pytest.approx(range(7))
    assert max(abs(theirs - ours) for ours, theirs in zip(exact, other, strict=True)) >= 5
    assert "vfr" in decode_clip(path, [EXACT]).info.flags


def test_its_failure_is_a_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import decord

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such luck\nsecond line")

    monkeypatch.setattr(decord, "VideoReader", fail)
    with pytest.raises(RejectError, match="no such luck") as caught:
        decode_clip(synth.encode(tmp_path / "clip.mp4", 5), [DECORD])
    assert caught.value.reason == "decode_error"
