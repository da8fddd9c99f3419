"""Small pictures: every pixel format against swscale, odd sizes, what a picture says of its colours."""

from __future__ import annotations

import av
import numpy as np
import pytest

from transforms.shots.reduce import LAYOUTS, Planes, halvings, small, tiny


def smooth(width: int, height: int) -> np.ndarray:
    """uint8 [height, width, 3], RGB: slow waves, so that no filter's kind matters."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    waves = [np.sin(5 * x + 2 * y), np.cos(4 * y - x), np.sin(3 * (x + y))]
    return (128 + 70 * np.stack(waves, axis=-1)).astype(np.uint8)


def frame(width: int, height: int, format: str) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(smooth(width, height), format="rgb24")
    return made if format == "rgb24" else made.reformat(format=format)


def expected(source: av.VideoFrame) -> list[np.ndarray]:
    """The planes by way of RGB and at the same size, limited range."""
    halved = (
        source.width >> halvings(source.width, source.height)[0],
        source.height >> halvings(source.width, source.height)[1],
    )
    planar = source.reformat(*halved, format="yuv444p", interpolation="AREA")
    return list(planar.to_ndarray())


@pytest.mark.parametrize(
    "format", [*sorted(LAYOUTS), "rgb24", "bgra", "gbrp", "yuva420p", "p010le", "yuv420p10be", "yuv411p"]
)
def test_every_format_agrees_with_swscale(format: str) -> None:
    source = frame(640, 360, format)
    planes = small(source)
    assert planes.luma.shape == planes.blue.shape == planes.red.shape == (45, 80)
    reference = expected(frame(640, 360, "rgb24"))
    full = planes.full
    for index, (one, other) in enumerate(zip(planes[:3], reference, strict=True)):
        values = one.astype(float)
        if full:
            values = values * 219 / 255 + 16 if index == 0 else (values - 128) * 224 / 255 + 128
        if format == "gray" and index:
            assert (one == 128).all()
            continue
        assert np.abs(values - other)[1:-1, 1:-1].max() <= 5, format
        assert abs((values - other).mean()) <= 1.5, format


@pytest.mark.parametrize(
    "size", [(2, 2), (1, 1), (3, 5), (63, 200), (127, 64), (128, 64), (321, 181), (2000, 2), (1919, 1079)]
)
@pytest.mark.parametrize("format", ["yuv420p", "yuv422p", "yuv444p", "nv12", "gray", "yuv420p10le", "rgb24"])
def test_any_size(size: tuple[int, int], format: str) -> None:
    source = frame(*size, format)
    planes = small(source)
    assert planes.luma.shape == planes.blue.shape == planes.red.shape
    assert planes.luma.dtype == planes.blue.dtype == np.uint8
    height, width = planes.luma.shape
    assert max(width, height) == max(size) if max(size) < 128 else 64 <= max(width, height) < 128
    assert tiny(planes).shape == (9, 16, 3)


def test_only_the_picture_is_read_not_what_pads_its_lines() -> None:
    source = frame(100, 50, "yuv420p")
    assert source.planes[0].line_size > 100
    whole = source.to_ndarray()
    assert (small(source).luma == whole[:50, :100]).all()


def test_matrix_and_range_are_as_said_or_by_size() -> None:
    assert small(frame(320, 180, "yuv420p"))[3:] == (601, False)
    assert small(frame(1280, 720, "yuv420p"))[3:] == (709, False)
    assert small(frame(320, 180, "yuvj420p"))[3:] == (601, True)
    said = frame(320, 180, "yuv420p")
    said.colorspace, said.color_range = 9, 2
    assert small(said)[3:] == (2020, True)


def test_tiny_averages() -> None:
    luma = np.zeros((45, 80), np.uint8)
    luma[:, 40:] = 200
    seen = tiny(Planes(luma, np.full_like(luma, 90), np.full_like(luma, 130), 601, False))
    assert (seen[:, :8, 0] == 0).all()
    assert (seen[:, 8:, 0] == 200).all()
    assert (seen[..., 1] == 90).all()
    assert (seen[..., 2] == 130).all()
