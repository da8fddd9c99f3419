"""The hidden variable of a clip, and how it becomes a look and a tune.

A mood is a point (valence, arousal, dominance) in [-1, 1]^3, the space of Mehrabian and Russell (1974). Clips lie
around six named moods; within a named mood they still differ, and both the look (:class:`Look`) and the tune
(:class:`Tune`) follow the point itself, so that picture and sound tell more about each other than the name does.
Every constant of this package is ours, chosen by eye and ear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mood:
    """A point of the mood space, each coordinate in [-1, 1], and the named mood it was drawn around."""

    name: str
    valence: float
    arousal: float
    dominance: float

    @property
    def point(self) -> np.ndarray:
        """float64 [3]: valence, arousal, dominance."""
        return np.array([self.valence, self.arousal, self.dominance])


@dataclass(frozen=True)
class Look:
    """What the picture is made of.

    Attributes
    ----------
    palette: float32 [4, 3], RGB in [0, 1]: deep ground, light ground, main shapes, accents.
    shapes: weight in [0, 1] of each family of :data:`SHAPES`.
    speed: motion, 1 is about a screen height in three seconds.
    scale: size of the shapes, 1 is medium.
    shot_beats: beats between two cuts.
    pulse: how much brighter a beat is, relative.
    vignette: how much darker the corners are, relative.
    grain: strength of the film grain (FFmpeg's ``noise`` filter, 0 to 100).
    """

    palette: np.ndarray
    shapes: dict[str, float]
    speed: float
    scale: float
    shot_beats: int
    pulse: float
    vignette: float
    grain: int


@dataclass(frozen=True)
class Tune:
    """What the music is made of.

    Attributes
    ----------
    bpm: beats a minute.
    tonic: MIDI number of the key note in the melody's register.
    mode: a name of ``music.MODES``, from dark to bright.
    progression: a name of ``music.PROGRESSIONS``.
    slope: how fast the harmonics fall (amplitude of harmonic h is h^-slope); small is bright.
    notes_per_beat: how busy the melody is.
    drums: loudness and density of the percussion, 0 to 1.
    bass, pad, pluck, bell, brass, air: gains, 0 to 1.
    tremolo: depth of the nervous shaking of the pad, 0 to 1.
    swell: growth of the loudness over the clip in decibels; negative fades.
    reverb: share of reverberation, 0 to 1.
    level_db: loudness, RMS in dBFS.
    """

    bpm: float
    tonic: int
    mode: str
    progression: str
    slope: float
    notes_per_beat: float
    drums: float
    bass: float
    pad: float
    pluck: float
    bell: float
    brass: float
    air: float
    tremolo: float
    swell: float
    reverb: float
    level_db: float


@dataclass(frozen=True)
class Plan:
    """Everything about clip ``index`` of the corpus ``seed`` before a pixel or a sample is made."""

    seed: int
    index: int
    mood: Mood
    duration_s: float
    look: Look
    tune: Tune


#: Centres of the named moods: valence, arousal, dominance.
MOODS: dict[str, tuple[float, float, float]] = {
    "calm": (0.45, -0.60, 0.25),
    "joyful": (0.65, 0.45, 0.15),
    "melancholic": (-0.65, -0.50, -0.20),
    "tense": (-0.60, 0.60, -0.30),
    "epic": (0.10, 0.75, 0.80),
    "dreamy": (0.15, -0.40, -0.75),
}
#: Standard deviation of a clip around its centre: neighbours overlap a little, so the six are no islands.
SPREAD = 0.24
#: Width of the blend between the named moods' palettes, shapes and instruments.
BLEND_WIDTH = 0.45
#: The shape family of each named mood.
SHAPES = {
    "calm": "waves",
    "joyful": "orbs",
    "melancholic": "rain",
    "tense": "shards",
    "epic": "rays",
    "dreamy": "bokeh",
}
#: OKLCH colours (lightness, chroma, hue in degrees) of each named mood: deep, light, main, accent.
PALETTES = {
    "calm": ((0.48, 0.08, 215), (0.86, 0.06, 190), (0.62, 0.10, 180), (0.90, 0.07, 120)),
    "joyful": ((0.66, 0.15, 45), (0.84, 0.13, 92), (0.64, 0.20, 25), (0.78, 0.14, 160)),
    "melancholic": ((0.22, 0.04, 265), (0.46, 0.06, 250), (0.56, 0.05, 240), (0.70, 0.04, 225)),
    "tense": ((0.12, 0.03, 20), (0.34, 0.14, 25), (0.55, 0.22, 28), (0.82, 0.05, 60)),
    "epic": ((0.24, 0.10, 310), (0.58, 0.16, 50), (0.80, 0.16, 80), (0.94, 0.08, 95)),
    "dreamy": ((0.42, 0.12, 300), (0.76, 0.10, 340), (0.82, 0.10, 320), (0.92, 0.06, 280)),
}
#: Modes from the darkest to the brightest: the order in which each raises one more note.
MODE_ORDER = ("phrygian", "aeolian", "dorian", "mixolydian", "ionian", "lydian")


def generator(seed: int, index: int, purpose: int) -> np.random.Generator:
    """Random numbers of one clip for one purpose; they depend on nothing else, so neither does the clip."""
    return np.random.Generator(np.random.PCG64([seed, index, purpose]))


def draw(seed: int, index: int) -> Mood:
    """The mood of one clip. Each block of six clips holds every named mood once, in an order drawn from the seed."""
    names = list(MOODS)
    block, place = divmod(index, len(names))
    # The block's order is offset by 2^32 so that it never shares its stream with a clip's own draws.
    name = names[int(generator(seed, block + 2**32, 0).permutation(len(names))[place])]
    point = np.array(MOODS[name]) + SPREAD * generator(seed, index, 0).standard_normal(3)
    valence, arousal, dominance = (float(x) for x in np.clip(point, -1.0, 1.0))
    return Mood(name, valence, arousal, dominance)


def blend(mood: Mood) -> dict[str, float]:
    """How much of each named mood a point holds; the weights are smooth in the point and sum to 1."""
    squared = np.sum((np.array(list(MOODS.values())) - mood.point) ** 2, axis=1)
    weights = np.exp(-squared / (2.0 * BLEND_WIDTH**2))
    return dict(zip(MOODS, (float(w) for w in weights / weights.sum()), strict=True))


def palette(mood: Mood) -> np.ndarray:
    """float32 [4, 3] RGB: the named palettes blended, then moved on by where the point lies between their centres."""
    parts = blend(mood)
    centre = sum((share * np.array(MOODS[name]) for name, share in parts.items()), np.zeros(3))
    valence, arousal, dominance = mood.point - centre
    lab = np.zeros((4, 3))
    for name, share in parts.items():
        lightness, chroma, hue = np.array(PALETTES[name], dtype=float).T
        angle = np.radians(hue)
        lab += share * np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    turn = np.radians(55.0 * valence)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    lab[:, 1:] = lab[:, 1:] @ rotation * (1.15 + 0.6 * arousal)
    # Dominance parts the ground from the shapes, valence lifts everything.
    lab[:, 0] += 0.14 * valence + 0.12 * dominance * np.array([-1.0, -0.4, 0.5, 1.0])
    return oklab_to_rgb(lab)


def oklab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """OKLab [n, 3] to gamma-coded sRGB float32 [n, 3], clipped to [0, 1] (B. Ottosson, "A perceptual color space")."""
    to_lms = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_rgb.T, 0.0, 1.0)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return coded.astype(np.float32)


def look_of(mood: Mood, rng: np.random.Generator) -> Look:
    """The look that belongs to a mood; ``rng`` adds what differs between two clips of one mood."""
    valence, arousal, dominance = mood.point
    parts = blend(mood)
    strongest = max(parts.values())
    tempo_share = 0.5 + 0.5 * arousal
    return Look(
        palette=palette(mood),
        shapes={SHAPES[name]: share / strongest for name, share in parts.items()},
        speed=float(2.0 ** (1.6 * arousal + rng.normal(0, 0.1))),
        scale=float(2.0 ** (0.75 * dominance + rng.normal(0, 0.05))),
        shot_beats=int(np.clip(round(2.0 ** (2.6 - 1.3 * arousal)), 2, 16)),
        pulse=float(0.02 + 0.22 * tempo_share**2),
        vignette=float(np.clip(0.28 - 0.30 * valence, 0.0, 0.6)),
        grain=int(np.clip(round(5 - 7 * valence + 4 * arousal), 0, 16)),
    )


def tune_of(mood: Mood, rng: np.random.Generator) -> Tune:
    """The tune that belongs to a mood; ``rng`` adds what differs between two clips of one mood."""
    valence, arousal, dominance = mood.point
    parts = blend(mood)
    names = list(parts)
    likely = np.array([parts[name] for name in names]) ** 2
    energy = 0.5 + 0.5 * arousal
    mode = int(np.clip(round(2.5 + 2.8 * valence + rng.normal(0, 0.25)), 0, len(MODE_ORDER) - 1))
    return Tune(
        bpm=float(100.0 * 2.0 ** (0.62 * arousal + rng.normal(0, 0.02))),
        tonic=round(63 + 9 * valence - 5 * dominance + rng.uniform(-2.5, 2.5)),
        mode=MODE_ORDER[mode],
        progression=names[int(rng.choice(len(names), p=likely / likely.sum()))],
        slope=float(np.clip(1.9 - 0.75 * arousal - 0.35 * valence, 0.7, 3.0)),
        notes_per_beat=float(np.clip(1.15 + 0.8 * arousal + 0.5 * valence, 0.3, 2.6)),
        drums=float(np.clip(0.42 + 0.75 * arousal + 0.15 * dominance, 0.0, 1.0)),
        bass=float(np.clip(0.5 + 0.5 * dominance, 0.03, 1.0)),
        pad=float(0.25 + 0.5 * (1.0 - energy) + 0.3 * parts["tense"]),
        pluck=float(0.15 + 0.7 * parts["joyful"] + 0.5 * parts["calm"] + 0.25 * parts["melancholic"]),
        bell=float(0.7 * parts["dreamy"] + 0.2 * parts["calm"]),
        brass=float(0.8 * parts["epic"] + 0.3 * parts["tense"]),
        air=float(np.clip(0.35 - 0.35 * dominance - 0.25 * arousal, 0.0, 1.0)),
        tremolo=float(np.clip(1.4 * parts["tense"] - 0.1, 0.0, 0.9)),
        swell=float(10.0 * parts["epic"] + 4.0 * parts["tense"] - 4.0 * parts["melancholic"]),
        reverb=float(np.clip(0.30 - 0.25 * dominance - 0.15 * arousal, 0.04, 0.7)),
        level_db=float(-22.5 + 5.5 * arousal + 1.5 * dominance),
    )


def plan(seed: int, index: int, seconds: float) -> Plan:
    """Plan clip ``index``: its mood, look, tune, and a length of 0.75 to 1.25 times ``seconds`` in whole frames."""
    mood = draw(seed, index)
    rng = generator(seed, index, 1)
    frames = max(1, round(seconds * rng.uniform(0.75, 1.25) * 25))
    return Plan(seed, index, mood, frames / 25.0, look_of(mood, rng), tune_of(mood, rng))
