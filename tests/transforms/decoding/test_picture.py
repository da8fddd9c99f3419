"""Colours and orientation, against conversions that do not use swscale's own choices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synth

from transforms.decoding import decode_clip
from transforms.decoding.picture import orientation, shrink, upright
from transforms.views import Frames, FrameView

#: (a, b, c, d) of the eight right-angled display matrices.
MATRICES = [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1), (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0)]
MATRICES += [(0, -1, -1, 0)]


@pytest.mark.parametrize("matrix", MATRICES)
def test_upright_moves_every_point_where_the_matrix_says(matrix: tuple[int, int, int, int]) -> None:
    a, b, c, d = (65536 * value for value in matrix)
    coded = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    shown = {(a * x + c * y, b * x + d * y): coded[y, x, 0] for y in range(2) for x in range(3)}
    rows = sorted({y for _, y in shown})
    columns = sorted({x for x, _ in shown})
    expected = [[shown[x, y] for x in columns] for y in rows]
    assert upright(coded, (a, b, c, d))[..., 0].tolist() == expected


def test_all_eight_orientations_differ() -> None:
    assert len({orientation(matrix) for matrix in MATRICES}) == 8


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_container_orientation_is_applied(tmp_path: Path, turn: int, mirror: bool) -> None:
    plain = synth.encode(tmp_path / "plain.mp4", 5)
    # FFmpeg's -display_rotation is counterclockwise, and its -display_hflip flips what has been turned.
    flip = ["-display_hflip"] if mirror else []
    synth.ffmpeg("-display_rotation", str(-turn), *flip, "-i", plain, "-c", "copy", tmp_path / "turned.mp4")
    view = FrameView(size_px=96)
    want, clip = decode_clip(plain, [view]).views[view], decode_clip(tmp_path / "turned.mp4", [view])
    got = clip.views[view]
    assert isinstance(want, Frames)
    assert isinstance(got, Frames)
    expected = np.rot90(want.pixels[0], k=-turn // 90)
    expected = expected[:, ::-1] if mirror else expected
    assert np.array_equal(got.pixels[0], expected)
    video = clip.info.video
    assert video is not None
    again = want.pixels[0][:, ::-1] if video.mirrored else want.pixels[0]
    assert np.array_equal(got.pixels[0], np.rot90(again, k=-video.rotation_deg // 90))


#: Luma weights (red, blue) of ITU-R BT.601, BT.709 and BT.2020, and FFmpeg's names.
WEIGHTS = {
    "bt601": (0.299, 0.114, "smpte170m", "smpte170m", "smpte170m"),
    "bt709": (0.2126, 0.0722, "bt709", "bt709", "bt709"),
    "bt2020": (0.2627, 0.0593, "bt2020nc", "bt2020", "smpte2084"),
}
COLOURS = np.array([[200, 40, 30], [30, 180, 60], [40, 50, 210], [220, 210, 30], [128, 128, 128], [250, 250, 250]])


@pytest.mark.parametrize("resizer", ["swscale-bilinear", "rgb-antialias"])
@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("space", WEIGHTS)
def test_colours(tmp_path: Path, space: str, full: bool, depth: int, resizer: str) -> None:
    red, blue, matrix, primaries, transfer = WEIGHTS[space]
    rgb = COLOURS.repeat(32, axis=0)[None].repeat(48, axis=0) / 255.0
    luma = red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]
    chroma = [(rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)]
    top, unit = (1 << depth) - 1, 1 << (depth - 8)
    planes = [luma * top if full else (16 + 219 * luma) * unit]
    planes += [part * top + 128 * unit if full else (128 + 224 * part) * unit for part in chroma]
    kind = np.uint8 if depth == 8 else np.dtype("<u2")
    raw = b"".join(np.rint(plane).clip(0, top).astype(kind).tobytes() for plane in planes)
    pixel = "yuv444p" if depth == 8 else "yuv444p10le"
    height, width = luma.shape
    source = ("-f", "rawvideo", "-pix_fmt", pixel, "-s", f"{width}x{height}", "-r", "25")
    tags = ("-color_range", "pc" if full else "tv", "-colorspace", matrix)
    tags += ("-color_primaries", primaries, "-color_trc", transfer)
    out = tmp_path / "colours.mkv"
    synth.ffmpeg(*source, *tags, "-i", "-", "-c:v", "libx264", "-qp", "0", *tags, out, data=raw)
    view = FrameView(size_px=96, resizer=resizer)
    clip = decode_clip(out, [view])
    frames = clip.views[view]
    assert isinstance(frames, Frames)
    assert clip.info.video is not None
    assert clip.info.video.hdr == (transfer == "smpte2084") == ("hdr" in clip.info.flags)
    patches = frames.pixels[0][20:76, 8::16].astype(int)
    assert abs(patches - COLOURS).max() <= 3


def test_antialias_keeps_the_mean_of_fine_stripes() -> None:
    stripes = np.zeros((40, 900, 3), dtype=np.uint8)
    stripes[:, ::3] = 240
    small = shrink(stripes, 60)
    assert small.shape == (60, 60, 3)
    assert abs(small.astype(int) - 80).max() <= 1
