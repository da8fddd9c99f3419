"""The pictures that decoding hands on are those of a plain sequential decode, bit for bit, on real and made clips."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import av
import numpy as np
import pytest
import synth

from transforms.decoding import decode_clip
from transforms.decoding.picture import PictureMaker
from transforms.views import Frames, FrameView

SIZE = 96
#: A real clip of six minutes; the rest is shorter.
CAP_S = 40.0
VIEW = FrameView(size_px=SIZE, max_s=CAP_S)


def clips() -> list[str]:
    """Paths of the real clips, known only where the media is."""
    root = os.environ.get("REELSCORE_MEDIA")
    if not root or not (Path(root) / "MANIFEST.csv").is_file():
        return []
    with open(Path(root) / "MANIFEST.csv", newline="", encoding="utf-8") as file:
        return [row["path"] for row in csv.DictReader(file) if row["path"].startswith("clips/")]


def plain(path: Path, stream_index: int, start_s: float, rows: int) -> tuple[list[float | None], np.ndarray]:
    """Times (from the start) and pixels of the rows, by decoding everything and keeping the last frame <= k seconds."""
    best: list[tuple[float, av.VideoFrame] | None] = [None] * rows
    with av.open(str(path)) as container:
        stream = container.streams[stream_index]
        stream.codec_context.thread_type = "AUTO"
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError:
                continue
            for frame in decoded:
                time_s = frame.pts * float(frame.time_base) - start_s
                for k in range(rows):
                    if time_s <= k + 1e-6 or (best[k] is None and time_s < k + 1 - 1e-6):
                        best[k] = (time_s, frame)
            if decoded and time_s > CAP_S:
                break
    maker = PictureMaker(SIZE, "swscale-bilinear")
    pixels = np.zeros((rows, SIZE, SIZE, 3), dtype=np.uint8)
    for k, chosen in enumerate(best):
        if chosen is not None:
            pixels[k] = maker.make(chosen[1])
    return [chosen[0] if chosen else None for chosen in best], pixels


def check(path: Path) -> tuple[str, Frames]:
    """Compare one clip with the plain decode; returns which decoder was used."""
    clip = decode_clip(path, [VIEW])
    frames, info = clip.views[VIEW], clip.info
    assert isinstance(frames, Frames)
    assert info.video is not None
    assert len(frames) == max(1, math.ceil(min(info.duration_s, CAP_S) - 1e-6))
    times_s, pixels = plain(path, info.video.index, info.start_s, len(frames))
    assert frames.mask.tolist() == [time_s is not None for time_s in times_s]
    assert frames.times_s == pytest.approx([time_s or 0.0 for time_s in times_s], abs=2e-6)
    assert np.array_equal(frames.pixels, pixels)
    return info.decoder, frames


@pytest.mark.parametrize("name", clips())
def test_real_clip(media: Path, name: str) -> None:
    decoder, _ = check(media / name)
    with open(media / "MANIFEST.csv", newline="", encoding="utf-8") as file:
        codec = next(row["video_codec"] for row in csv.DictReader(file) if row["path"] == name)
    assert decoder == ("pyav-pruned" if codec == "h264" else "pyav-sequential")


X264 = "-x264-params"
MADE = {
    "cfr.mp4": ((), "pyav-pruned"),
    "cfr.ts": ((), "pyav-pruned"),
    "cfr.mkv": ((), "pyav-pruned"),
    "cfr.flv": ((), "pyav-pruned"),
    "open-gop.mp4": ((X264, "open-gop=1:keyint=30:min-keyint=30:scenecut=0"), "pyav-pruned"),
    "open-gop.ts": ((X264, "open-gop=1:keyint=30:min-keyint=30:scenecut=0"), "pyav-pruned"),
    "short-gops.mp4": ((X264, "keyint=7:min-keyint=7:scenecut=0"), "pyav-pruned"),
    "pyramid.mp4": ((X264, "b-pyramid=normal:ref=4:bframes=6:weightp=2"), "pyav-pruned"),
    "interlaced.mp4": ((X264, "interlaced=1"), "pyav-pruned"),
    "intra-refresh.mp4": ((X264, "intra-refresh=1:keyint=30"), "pyav-pruned"),
    "no-b.mp4": (("-profile:v", "baseline"), "pyav-pruned"),
    "bare.h264": ((), "pyav-sequential"),
}


@pytest.mark.parametrize("name", [name for name in MADE if not name.startswith("bare")])
def test_made_clip(tmp_path: Path, name: str) -> None:
    extra, expected = MADE[name]
    decoder, frames = check(synth.encode(tmp_path / name, 135, extra=extra))
    assert decoder == expected
    assert [synth.number_in(pixels) for pixels in frames.pixels] == [0, 25, 50, 75, 100, 125]


def test_bare_stream_gets_times_from_its_rate(tmp_path: Path) -> None:
    clip = decode_clip(synth.encode(tmp_path / "bare.h264", 60), [VIEW])
    frames = clip.views[VIEW]
    assert isinstance(frames, Frames)
    assert [synth.number_in(pixels) for pixels in frames.pixels] == [0, 25, 50]
    assert (clip.info.decoder, clip.info.decoder_note) == ("pyav-sequential", "packets without pts")
    assert "sequential_fallback" in clip.info.flags


def test_other_rates_and_two_views_at_once(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.mp4", 100)
    fast, slow = FrameView(size_px=64, rate_hz=5.0), FrameView(size_px=96, rate_hz=0.5, max_s=3)
    clip = decode_clip(path, [fast, slow])
    assert [synth.number_in(p) for p in clip.views[fast].pixels] == list(range(0, 100, 5))  # type: ignore[union-attr]
    assert [synth.number_in(p) for p in clip.views[slow].pixels] == [0, 50]  # type: ignore[union-attr]


def test_groups_without_a_wanted_picture_are_skipped_exactly(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.mp4", 250, extra=(X264, "keyint=10:min-keyint=10:scenecut=0"))
    view = FrameView(size_px=96, rate_hz=0.25)
    clip = decode_clip(path, [view])
    assert clip.info.decoder == "pyav-pruned"
    assert [synth.number_in(p) for p in clip.views[view].pixels] == [0, 100, 200]  # type: ignore[union-attr]


def test_edit_list_hides_what_was_cut(tmp_path: Path) -> None:
    whole = synth.encode(tmp_path / "whole.mp4", 200)
    synth.ffmpeg("-ss", "2.52", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    decoder, frames = check(tmp_path / "cut.mp4")
    assert decoder == "pyav-pruned"
    assert [synth.number_in(pixels) for pixels in frames.pixels] == [63, 88, 113, 138, 163, 188]


def test_late_picture_is_black_until_its_cell(tmp_path: Path) -> None:
    picture = synth.encode(tmp_path / "picture.mp4", 50)
    tone = ("-f", "lavfi", "-i", "sine=duration=5")
    synth.ffmpeg(*tone, "-itsoffset", "1.6", "-i", picture, "-c:v", "copy", "-c:a", "aac", tmp_path / "late.mkv")
    clip = decode_clip(tmp_path / "late.mkv", [VIEW])
    frames = clip.views[VIEW]
    assert isinstance(frames, Frames)
    assert "late_picture" in clip.info.flags
    assert frames.mask.tolist() == [False, True, True, True, True, True][: len(frames)]
    assert not frames.pixels[0].any()
    assert [synth.number_in(p) for p in frames.pixels[1:4]] == [0, 10, 35]
    assert frames.times_s[:3] == pytest.approx([0, 1.6, 2.0], abs=0.002)


def test_changed_parameters_fall_back(tmp_path: Path) -> None:
    first = synth.encode(tmp_path / "a.ts", 60)
    second = synth.encode(tmp_path / "b.ts", 60, first=60, extra=(X264, "cabac=0:ref=2"))
    synth.ffmpeg("-i", f"concat:{first}|{second}", "-c", "copy", tmp_path / "both.ts")
    clip = decode_clip(tmp_path / "both.ts", [VIEW])
    assert (clip.info.decoder, clip.info.decoder_note) == ("pyav-sequential", "parameter change")
    assert "sequential_fallback" in clip.info.flags
    assert [synth.number_in(p) for p in clip.views[VIEW].pixels] == [0, 25, 50, 75, 100]  # type: ignore[union-attr]


def packets_of(path: Path) -> list[tuple[int, int]]:
    """(position, size) of the picture packets in a file."""
    with av.open(str(path)) as container:
        return [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None and p.size]


def spoil(path: Path, position: int, size: int) -> None:
    """Overwrite a stretch of a file with noise."""
    data = bytearray(path.read_bytes())
    data[position : position + size] = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8).tobytes()
    path.write_bytes(data)


def test_lost_transport_packets_fall_back(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.ts", 250)
    spoil(path, path.stat().st_size // 2, 4000)
    clip = decode_clip(path, [VIEW])
    numbers = [synth.number_in(p) for p in clip.views[VIEW].pixels]  # type: ignore[union-attr]
    assert (clip.info.decoder, clip.info.decoder_note) == ("pyav-sequential", "damaged packets")
    assert {"sequential_fallback", "read_errors"} <= set(clip.info.flags)
    assert numbers[:3] == [0, 25, 50]
    assert numbers[-2:] == [200, 225]


def test_a_refused_packet_costs_only_its_group(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.mp4", 250)
    position, size = packets_of(path)[50]  # the key picture of the second group
    spoil(path, position + 4, size - 4)
    clip = decode_clip(path, [VIEW])
    numbers = [synth.number_in(p) for p in clip.views[VIEW].pixels]  # type: ignore[union-attr]
    assert clip.info.decoder == "pyav-sequential"
    assert {"sequential_fallback", "decode_errors"} <= set(clip.info.flags)
    assert numbers[:2] == [0, 25]
    assert numbers[-5:] == [125, 150, 175, 200, 225]


def test_decoding_that_dies_early_is_told(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.mp4", 250)
    for position, size in packets_of(path)[60:]:
        spoil(path, position, size)
    clip = decode_clip(path, [VIEW])
    numbers = [synth.number_in(p) for p in clip.views[VIEW].pixels]  # type: ignore[union-attr]
    assert "picture_ends_early" in clip.info.flags
    assert len(numbers) == 10
    assert numbers[:3] == [0, 25, 50]


def test_a_clip_too_large_to_keep_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.decoding.timeline.KEEP_BYTES", 1000)
    decoder, frames = check(synth.encode(tmp_path / "clip.mp4", 135))
    assert decoder == "pyav-pruned"
    assert [synth.number_in(pixels) for pixels in frames.pixels] == [0, 25, 50, 75, 100, 125]


def test_reading_stops_after_the_cap(tmp_path: Path) -> None:
    path = synth.encode(tmp_path / "clip.mp4", 500)
    view = FrameView(size_px=96, max_s=3)
    clip = decode_clip(path, [view])
    assert clip.info.duration_s == pytest.approx(20)
    assert [synth.number_in(p) for p in clip.views[view].pixels] == [0, 25, 50]  # type: ignore[union-attr]


def test_name_is_only_a_name(tmp_path: Path) -> None:
    """Spaces, quotes, a leading dash, colons, percent signs, non-ASCII and even bytes that are no text."""
    made = synth.encode(tmp_path / "plain.mp4", 30)
    for name in ["a b.mp4", 'it\'s "x".mp4', "-dash.mp4", "http:x.mp4", "%03d.mp4", "[*]?.mp4", "naïve 映画.mp4"]:
        path = tmp_path / name
        path.write_bytes(made.read_bytes())
        assert len(decode_clip(path, [VIEW]).views[VIEW]) == 2  # type: ignore[arg-type]
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp4"))
    path.write_bytes(made.read_bytes())
    assert len(decode_clip(path, [VIEW]).views[VIEW]) == 2  # type: ignore[arg-type]
