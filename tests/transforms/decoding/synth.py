"""Clips made on the spot: every picture carries its own number as a bar code that survives scaling to 96 px."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from transforms.ffmpeg import executable

WIDTH, HEIGHT, BITS = 320, 176, 10


def picture(number: int) -> np.ndarray:
    """Grey picture [HEIGHT, WIDTH]: the number in ten vertical bars above a moving texture."""
    image = np.empty((HEIGHT, WIDTH), dtype=np.uint8)
    for bit in range(BITS):
        image[: HEIGHT // 2, bit * 32 : bit * 32 + 32] = 220 if number >> bit & 1 else 30
    y, x = np.mgrid[: HEIGHT // 2, :WIDTH]
    image[HEIGHT // 2 :] = (128 + 60 * np.sin((x + 3 * number) / 9) * np.cos((y - number) / 7)).astype(np.uint8)
    return image


def number_in(pixels: np.ndarray) -> int:
    """The number that a decoded square picture [size, size, 3] carries."""
    size = len(pixels)
    bars = pixels[: size // 3].mean(axis=(0, 2)).reshape(-1)
    centres = [round((bit + 0.5) * size / BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, centre in enumerate(centres) if bars[centre - 1 : centre + 2].mean() > 125)


def ffmpeg(*arguments: str | Path, data: bytes = b"") -> None:
    """Run FFmpeg; its complaint becomes the test's."""
    command = [executable(), "-nostdin", "-y", "-v", "error", *map(str, arguments)]
    if data:
        command.remove("-nostdin")
    ended = subprocess.run(command, input=data, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()


def encode(
    out: Path,
    frames: int,
    rate: str = "25",
    codec: Sequence[str] = ("-c:v", "libx264", "-bf", "3", "-g", "50", "-preset", "veryfast"),
    extra: Sequence[str] = (),
    first: int = 0,
) -> Path:
    """A clip of numbered pictures; ``extra`` are FFmpeg's output options."""
    raw = b"".join(picture(number).tobytes() for number in range(first, first + frames))
    source = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", rate, "-i", "-")
    ffmpeg(*source, "-pix_fmt", "yuv420p", "-threads", "2", *codec, *extra, out, data=raw)
    return out
