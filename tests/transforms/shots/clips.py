"""Clips with known shots, made by FFmpeg on the spot, and the loop that shows their pictures to a detector."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from transforms.ffmpeg import executable
from transforms.shots.detector import Boundary, Detector, Picture
from transforms.shots.detectors import make
from transforms.shots.histogram import distance, histogram
from transforms.shots.reduce import small, tiny
from transforms.views import ShotView

SIZE = "320x180"

#: Sources that look nothing like each other; ``{s}`` is the size and ``{r}`` the rate.
TESTSRC = "testsrc2=s={s}:r={r}"
MANDELBROT = "mandelbrot=s={s}:r={r}:start_scale=2"
BARS = "smptehdbars=s={s}:r={r}"
LIFE = "life=s={s}:r={r}:mold=10:ratio=0.3:seed=7:death_color=#C83232:life_color=#00ff00"
NOISE = "color=c=0x406080:s={s}:r={r},noise=alls=60:allf=t:all_seed=3"
GRADIENT = "gradients=s={s}:r={r}:c0=0x203010:c1=0xe0a040:nb_colors=2:seed=5:speed=0.00001"
CELLS = "cellauto=s={s}:r={r}:rule=110:seed=4,format=gray,negate"
RED, TEAL, WHITE, BLACK = (f"color=c={c}:s={{s}}:r={{r}}" for c in ("0xc03020", "0x208080", "white", "black"))


def source(template: str, rate: str = "25", size: str = SIZE, then: str = "") -> str:
    """A chain of filters that makes pictures without end."""
    return template.format(s=size, r=rate) + (f",{then}" if then else "")


def world(path: Path, seed: int, size: tuple[int, int] = (960, 540)) -> str:
    """A source that shows one large picture of coloured patches of all sizes; no two seeds look alike."""
    random = np.random.default_rng(seed)
    width, height = size
    mixed = np.zeros((height, width, 3))
    for cells, weight in ((3, 1.0), (8, 0.8), (24, 0.5), (90, 0.3)):
        grid = random.uniform(-1, 1, (max(2, cells * height // width), cells, 3)).astype(np.float32)
        mixed += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    tint = random.uniform(40, 215, 3)
    assert cv2.imwrite(str(path), np.clip(tint + 55 * mixed, 0, 255).astype(np.uint8))
    return f"movie={path},loop=loop=-1:size=1:start=0,setpts=N/({{r}})/TB"


def render(out: Path, graph: str, frames: int, codec: Sequence[str] = ()) -> Path:
    """Encode what a filter graph gives out as ``[out]``, every picture with the time that the graph gave it."""
    codec = codec or ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-g", "50")
    command = [executable(), "-nostdin", "-y", "-v", "error", "-filter_complex", graph, "-map", "[out]"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-video_track_timescale", "90000"]
    command += ["-frames:v", str(frames), "-pix_fmt", "yuv420p", "-threads", "1", *codec, str(out)]
    ended = subprocess.run(command, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    return out


def sequence(parts: Sequence[tuple[str, int]], rate: str = "25", size: str = SIZE, after: str = "") -> str:
    """A graph of shots one after another: (source, pictures) each."""
    chains = [
        f"{source(template, rate, size)},format=yuv420p,trim=end_frame={count},setpts=N/({rate})/TB,setsar=1[p{i}]"
        for i, (template, count) in enumerate(parts)
    ]
    joined = "".join(f"[p{i}]" for i in range(len(parts)))
    tail = f",{after}" if after else ""
    return ";".join(chains) + f";{joined}concat=n={len(parts)}:v=1:a=0,settb=1/90000,setpts=N/({rate})/TB{tail}[out]"


def starts(parts: Sequence[tuple[str, int]]) -> list[int]:
    """Where the shots of :func:`sequence` begin, but for the first."""
    return [int(total) for total in np.cumsum([count for _, count in parts])[:-1]]


def pictures(path: Path, with_bgr: bool = False) -> list[Picture]:
    """What a detector sees of a clip."""
    found: list[Picture] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        first: Fraction | None = None
        for frame in container.decode(stream):
            planes = small(frame)
            colours = histogram(planes)
            time = frame.pts * frame.time_base
            first = time if first is None else first
            difference = distance(found[-1].histogram, colours) if found else 0.0
            bgr = reduced_bgr(frame) if with_bgr else None
            found.append(Picture(len(found), float(time - first), colours, difference, tiny(planes), bgr))
    return found


def reduced_bgr(frame: av.VideoFrame) -> np.ndarray:
    """As PySceneDetect's SceneManager reduces pictures."""
    from scenedetect.scene_manager import compute_downscale_factor

    bgr = frame.to_ndarray(format="bgr24")
    factor = compute_downscale_factor(max(frame.width, frame.height))
    if factor <= 1:
        return bgr
    return cv2.resize(bgr, (max(1, round(frame.width / factor)), max(1, round(frame.height / factor))))


def detect(seen: Sequence[Picture], view: ShotView | None = None) -> list[Boundary]:
    """All boundaries, in the order in which they are told."""
    return told(seen, make(view or ShotView()))


def told(seen: Sequence[Picture], detector: Detector) -> list[Boundary]:
    """The same, of a detector; a cut that is told too late fails."""
    found: list[Boundary] = []
    for picture in seen:
        for boundary in detector.push(picture):
            assert boundary.span[0] != boundary.span[1] or picture.frame - boundary.frame <= detector.delay
            found.append(boundary)
    return found + detector.finish()


def cuts(found: Sequence[Boundary]) -> list[int]:
    """The first pictures of the shots that begin with a cut."""
    return [one.frame for one in found if one.span[0] == one.span[1]]


def f1(found: Sequence[int], true: Sequence[int]) -> float:
    """At tolerance 0."""
    hits = len(set(found) & set(true))
    return 2 * hits / (len(found) + len(true)) if found or true else 1.0
