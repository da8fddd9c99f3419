"""The moving picture of a clip: a drifting gradient, shapes of the mood's families, cuts and pulses on the beat.

Pictures are drawn small (160x90) as float planes and leave as 8-bit planes; FFmpeg enlarges them and adds grain.
Coordinates: y runs from -1 (top) to 1, x from -16/9 to 16/9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.sample.mood import Look, Plan, generator

FPS = 25
WIDTH_PX, HEIGHT_PX = 160, 90
#: Frames drawn at once: large enough to hide Python's overhead, small enough to stay in the processor's cache.
BLOCK = 8
#: Families fainter than this are left out.
FAINT = 0.18

X = np.linspace(-16 / 9, 16 / 9, WIDTH_PX, dtype=np.float32)[None, None, :]
Y = np.linspace(-1, 1, HEIGHT_PX, dtype=np.float32)[None, :, None]

#: One layer of paint: opacity, broadcastable to [n, height, width], and the index of its colour in the palette.
Layer = tuple[np.ndarray, int]


@dataclass(frozen=True)
class Shot:
    """What stays the same between two cuts: where the light comes from, the crop, and the shapes' own numbers.

    Attributes
    ----------
    angle: direction of the ground's gradient in radians.
    zoom: relative size of everything.
    dice: float32 [64] in [0, 1), used by the shape families as they like.
    """

    angle: float
    zoom: float
    dice: np.ndarray


def soft_step(value: np.ndarray, width: float) -> np.ndarray:
    """0 below -width, 1 above width, linear between."""
    return np.clip(value * np.float32(0.5 / width) + np.float32(0.5), 0, 1)


def fraction(value: np.ndarray) -> np.ndarray:
    """The part after the decimal point, in [0, 1)."""
    return value - np.floor(value)


def bell(value: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """A soft bump of height 1 around 0."""
    return np.exp(-np.square(value / np.asarray(width, dtype=np.float32)))


def waves(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """Layers of slow hills, as of a sea."""
    for k in range(4):
        a, b, c = shot.dice[3 * k : 3 * k + 3]
        crest = np.sin((1.3 + 1.2 * a) / size * X + (0.5 + 0.4 * k) * t + 6.3 * b)
        crest = crest + 0.4 * np.sin((2.9 + c) / size * X - 0.8 * t + 6.3 * c)
        yield 0.75 * soft_step(Y - (-0.15 + 0.32 * k) - 0.13 * size * crest, 0.03), (2, 1, 2, 0)[k]


def orbs(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """Balls that bounce."""
    count = int(np.clip(round(9 / size), 5, 14))
    for k in range(count):
        a, b, c, d = shot.dice[4 * k : 4 * k + 4]
        x = 1.9 * np.sin(0.35 * t * (0.5 + c) + 6.3 * a)
        y = 0.75 - 1.35 * np.abs(np.sin(1.1 * t * (0.7 + 0.5 * d) + 3.1 * b)) * (0.5 + 0.5 * c)
        radius = size * (0.12 + 0.16 * d)
        yield 0.9 * soft_step(radius**2 - np.square(X - x) - np.square(Y - y), 0.012), (2, 3, 1)[k % 3]


def rain(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """Thin streaks that fall past dim lights."""
    for k in range(3):
        a, b, c = shot.dice[3 * k : 3 * k + 3]
        x = 1.6 * (2 * a - 1) + 0.1 * np.sin(0.3 * t + 6.3 * b)
        yield 0.45 * bell(X - x, 0.35 * size) * bell(Y - 1.4 * (c - 0.5), 0.35 * size), 2
    column = X * np.float32(13.0 / size) + Y * np.float32(0.9)
    lane = np.floor(column)
    dice = fraction(np.sin(lane * 12.9898 + 78.233 * shot.dice[10]) * 43.5453)
    fall = fraction(Y * 0.35 - t * (0.35 + 0.3 * dice) + dice * 7.0)
    yield 0.8 * bell(column - lane - 0.5, 0.18) * soft_step(fall - 0.72, 0.28), 3


def shards(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """Hard stripes that cross each other and jerk."""
    jerk = np.floor(3.0 * t) * 0.37 + 0.25 * t
    for k in range(2):
        a, b, c = shot.dice[3 * k : 3 * k + 3]
        angle = 3.1416 * a
        along = X * np.cos(angle) + Y * np.sin(angle)
        across = Y * np.cos(angle) - X * np.sin(angle)
        kink = np.abs(fraction(across * np.float32((0.5 + 0.5 * b) / size) + 0.2 * jerk) - 0.5)
        stripe = np.abs(fraction(along * np.float32((1.4 + c) / size) + kink + (0.5 - k) * jerk) - 0.5)
        yield 0.9 * soft_step(0.13 + 0.05 * k - stripe, 0.02), (2, 0)[k]
        yield 0.8 * soft_step(0.02 - stripe, 0.012), 3


def rays(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """A sun, its turning beams, and a skyline that dances."""
    a, b, c = shot.dice[:3]
    x, y = np.float32(1.2 * (a - 0.5)), np.float32(0.25 - 0.5 * b)
    distance = np.sqrt(np.square(X - x) + np.square(Y - y))
    beams = np.sin(np.arctan2(Y - y, X - x) * np.float32(round(9 / size)) + 0.9 * t + 6.3 * c)
    yield 0.65 * soft_step(beams, 0.35) * np.clip(1.15 - 0.45 * distance, 0, 1), 2
    yield soft_step(0.26 * size - distance + 0.02 * np.sin(4 * t), 0.02), 3
    bars = np.floor((X + 1.8) * np.float32(5 / size))
    height = 0.14 + 0.22 * np.abs(np.sin(bars * 2.4 + 6.3 * b + 1.3 * t * (1 + 0.3 * np.sin(bars))))
    yield 0.95 * soft_step(Y - 1 + size * height, 0.015), 0


def bokeh(t: np.ndarray, size: float, shot: Shot) -> Iterator[Layer]:
    """Large soft lights that drift among small stars that twinkle."""
    for k in range(6):
        a, b, c, d = shot.dice[4 * k : 4 * k + 4]
        x = 3.4 * (a - 0.5) + 0.35 * np.sin(0.6 * t * (0.5 + c) + 6.3 * b)
        y = 1.8 * (b - 0.5) + 0.3 * np.cos(0.5 * t * (0.5 + d) + 6.3 * a)
        width = size * (0.22 + 0.35 * d)
        yield 0.75 * bell(X - x, width) * bell(Y - y, width), (2, 1, 3)[k % 3]
    for k in range(10):
        a, b = shot.dice[24 + 2 * k : 26 + 2 * k]
        light = 0.5 + 0.5 * np.sin(2.5 * t + 20 * a)
        yield light * bell(X - 3.5 * (a - 0.5), 0.03 * size) * bell(Y - 1.9 * (b - 0.5), 0.03 * size), 3


FAMILIES: dict[str, Callable[[np.ndarray, float, Shot], Iterator[Layer]]] = {
    "waves": waves,
    "orbs": orbs,
    "rain": rain,
    "shards": shards,
    "rays": rays,
    "bokeh": bokeh,
}


def cuts(plan: Plan) -> list[int]:
    """Frame numbers at which a shot begins: every ``shot_beats`` beats, the first at 0."""
    step_s = plan.look.shot_beats * 60.0 / plan.tune.bpm
    # A shot shorter than half its length at the end would be a flash: it is joined to the one before.
    count = max(1, round(plan.duration_s / step_s))
    return [round(k * step_s * FPS) for k in range(count)]


def draw_block(look: Look, shot: Shot, t_s: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """float32 [n, 3, height, width] in [0, 1] at the times ``t_s`` [n] (seconds since the clip's start).

    ``beats`` [n] is the same time counted in beats.
    """
    t = (t_s * look.speed).astype(np.float32)[:, None, None]
    size = look.scale * shot.zoom
    slope = (X * np.cos(shot.angle) + Y * np.sin(shot.angle)).astype(np.float32)
    ground = 0.5 + 0.5 * np.sin(1.1 * slope / size + 0.25 * np.sin(1.7 * (X + Y) / size + 0.6 * t) + 0.5 * t)
    deep, light = look.palette[0], look.palette[1]
    image = deep[None, :, None, None] + ground[:, None] * (light - deep)[None, :, None, None]
    # The faintest family first, the mood's own family on top.
    for family, share in sorted(look.shapes.items(), key=lambda item: item[1]):
        if share < FAINT:
            continue
        for opacity, colour in FAMILIES[family](t, size, shot):
            opacity = (np.float32(share) * opacity)[:, None]
            for channel in range(3):
                plane = image[:, channel : channel + 1]
                plane += opacity * (look.palette[colour, channel] - plane)
    flash = 1.0 + look.pulse * (np.exp(-5.0 * fraction(beats)) - 0.3)
    corner = 1.0 - look.vignette * (np.square(X) / 3.2 + np.square(Y)) / 2.0
    image *= (flash.astype(np.float32)[:, None, None] * corner.astype(np.float32))[:, None]
    return image


def planes(plan: Plan) -> Iterator[bytes]:
    """The clip's frames in order as raw ``gbrp`` pictures (planes of green, blue, red), a few frames at a time."""
    rng = generator(plan.seed, plan.index, 2)
    starts = cuts(plan)
    total = round(plan.duration_s * FPS)
    for start, end in zip(starts, [*starts[1:], total], strict=True):
        shot = Shot(rng.uniform(0, 6.283), 2.0 ** rng.uniform(-0.2, 0.2), rng.random(64).astype(np.float32))
        for first in range(start, end, BLOCK):
            t_s = np.arange(first, min(first + BLOCK, end)) / FPS
            image = draw_block(plan.look, shot, t_s, t_s * plan.tune.bpm / 60.0)
            coded = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
            yield coded[:, [1, 2, 0]].tobytes()
