"""Clips to measure on, made from a seed: fine texture in motion, moving objects, cuts, grain, and AAC sound.

A test card would not do: flat areas cost a decoder next to nothing. The same machine and FFmpeg build give the same
bytes (one thread for each encoder, bit-exact flags).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np

from transforms.ffmpeg import executable

#: Side of a texture in pixels; larger than the largest picture, so that a shot can pan (ours).
TEXTURE_PX = 1536
#: Shortest and longest shot in seconds (ours: music videos and film trailers).
SHOT_S = (1.2, 6.0)
SEED = 20170520


@dataclass(frozen=True)
class Spec:
    """One generated clip.

    Attributes
    ----------
    rate: frames a second as a fraction, for example ``30000/1001``.
    bitrate: of the picture in bits a second.
    """

    name: str
    width_px: int
    height_px: int
    rate: str
    bitrate: int

    @property
    def frames_per_s(self) -> float:
        """The rate as a number."""
        over, _, under = self.rate.partition("/")
        return int(over) / int(under or 1)


#: Sizes and bit rates of what people upload (ours); the first has a whole number of frames a second.
SPECS = (
    Spec("640x360 at 25 fps", 640, 360, "25", 600_000),
    Spec("1280x720 at 29.97 fps", 1280, 720, "30000/1001", 2_000_000),
)


def make(spec: Spec, seconds: float, path: Path) -> None:
    """Write one clip: H.264 High with up to 3 B-frames, AAC in stereo at 44.1 kHz, MP4.

    Raises
    ------
    RuntimeError: FFmpeg failed; the message is its last line.
    """
    picture = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{spec.width_px}x{spec.height_px}", r=spec.rate
    )
    picture = picture.filter("format", "yuv420p").filter("noise", alls=8, allf="t", all_seed=SEED)
    output = ffmpeg.output(
        picture,
        _sound(seconds),
        str(path),
        vcodec="libx264",
        preset="faster",
        bf=3,
        video_bitrate=spec.bitrate,
        maxrate=2 * spec.bitrate,
        bufsize=4 * spec.bitrate,
        acodec="aac",
        audio_bitrate="128k",
        threads=1,
        t=seconds,
        fflags="+bitexact",
        map_metadata=-1,
        **{"flags:v": "+bitexact", "flags:a": "+bitexact"},
    )
    command = output.global_args("-v", "error", "-nostdin").compile(cmd=executable(), overwrite_output=True)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        for frame in frames(spec, seconds):
            process.stdin.write(frame)
        process.stdin.close()
    except BrokenPipeError:
        pass  # FFmpeg stopped reading; its exit code and last line say why
    except BaseException:
        process.kill()
        raise
    said = process.stderr.read().decode(errors="replace").strip().splitlines()
    if process.wait():
        raise RuntimeError(f"FFmpeg could not write {path.name}: {said[-1] if said else 'no message'}")


def _sound(seconds: float) -> ffmpeg.nodes.Stream:
    """Chords that change every two seconds, left and right a little apart, over pink noise."""
    root = "(110*pow(2,mod(7*floor(t/2),12)/12))"
    left = "+".join(f"0.12*sin(2*PI*{root}*{ratio}*t)" for ratio in (1, 1.26, 1.5, 3))
    right = "+".join(f"0.12*sin(2*PI*{root}*{ratio}*t)" for ratio in (1.003, 1.26, 1.503, 4))
    chords = ffmpeg.input(f"aevalsrc='{left}|{right}':s=44100:d={seconds}", f="lavfi")
    noise = ffmpeg.input(f"anoisesrc=color=pink:amplitude=0.2:seed={SEED}:r=44100:d={seconds}", f="lavfi")
    return ffmpeg.filter([chords, noise], "amix", inputs=2).filter("aformat", channel_layouts="stereo")


def frames(spec: Spec, seconds: float) -> Iterator[bytes]:
    """The clip's pictures as raw RGB."""
    import cv2

    cv2.setNumThreads(1)
    rng = np.random.default_rng([SEED, spec.width_px])
    textures = [_texture(rng) for _ in range(3)]
    total = round(seconds * spec.frames_per_s)
    done = 0
    while done < total:
        length = min(total - done, max(1, round(rng.uniform(*SHOT_S) * spec.frames_per_s)))
        yield from _shot(spec, textures, length, rng)
        done += length


def _texture(rng: np.random.Generator) -> np.ndarray:
    """uint8 [px, px, 3]: noise whose amplitude falls as 1/frequency, as that of photographs does."""
    across, down = np.fft.rfftfreq(TEXTURE_PX), np.fft.fftfreq(TEXTURE_PX)
    frequency = np.hypot(down[:, None], across[None, :])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        phase = np.exp(2j * np.pi * rng.random(frequency.shape))
        plane = np.fft.irfft2(phase / frequency, (TEXTURE_PX, TEXTURE_PX))
        planes.append(plane / plane.std())
    light, *colours = planes
    mixed = np.stack([light + 0.4 * colour for colour in (*colours, -colours[0])], axis=-1)
    return np.clip(128 + 45 * mixed, 0, 255).astype(np.uint8)


def _shot(spec: Spec, textures: list[np.ndarray], length: int, rng: np.random.Generator) -> Iterator[bytes]:
    """One shot: a camera that pans, zooms and turns over one texture, and three discs of another before it."""
    import cv2

    ground, paint = (textures[index] for index in rng.permutation(len(textures))[:2])
    width, height = spec.width_px, spec.height_px
    scale = width / 640
    start, angle = rng.uniform(0, TEXTURE_PX, 2), rng.uniform(0, 2 * np.pi)
    pan = rng.normal(0, 40, 2) * scale  # pixels a second
    zoom, turn = rng.normal(0, 0.06), rng.normal(0, 0.04)  # a second
    radius = int(height * rng.uniform(0.08, 0.2))
    yy, xx = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = xx**2 + yy**2 <= radius**2
    patches = [paint[o : o + len(disc), o : o + len(disc)] for o in rng.integers(0, TEXTURE_PX - len(disc), 3)]
    orbits = rng.uniform([0, 0, 0.3], [width - len(disc), height - len(disc), 1.5], (3, 3))
    for number in range(length):
        t = number / spec.frames_per_s
        size, a = np.exp(zoom * t), angle + turn * t
        turned = size * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        shift = start + pan * t - turned @ (width / 2, height / 2)
        matrix = np.column_stack([turned, shift])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(ground, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP)
        for patch, (x, y, speed) in zip(patches, orbits, strict=True):
            left = int(np.clip(x + 60 * scale * np.sin(speed * t), 0, width - len(disc)))
            top = int(np.clip(y + 40 * scale * np.cos(speed * t), 0, height - len(disc)))
            image[top : top + len(disc), left : left + len(disc)][disc] = patch[disc]
        yield image.tobytes()
