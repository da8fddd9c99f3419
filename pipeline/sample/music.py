"""The music of a clip: chords, bass, melody and drums played from the tune of its mood."""

from __future__ import annotations

import numpy as np

from pipeline.sample import synth
from pipeline.sample.mood import Plan, Tune, generator
from pipeline.sample.synth import RATE_HZ

#: Semitones of the seven notes of each mode above the tonic.
MODES = {
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "aeolian": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "ionian": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
#: Scale degrees (0 is the tonic) of the chords of each named mood.
PROGRESSIONS = {
    "calm": (0, 3, 0, 4),
    "joyful": (0, 4, 5, 3),
    "melancholic": (0, 5, 3, 4),
    "tense": (0, 1, 0, 6),
    "epic": (0, 5, 2, 6),
    "dreamy": (3, 0, 4, 0),
}


class Desk:
    """A stereo mixing desk: float32 [2, n] to which sounds are added at a time, a gain and a place."""

    def __init__(self, duration_s: float) -> None:
        self.mix = np.zeros((2, round(duration_s * RATE_HZ)), dtype=np.float32)

    def add(self, at_s: float, sound: np.ndarray, gain: float, place: float = 0.0) -> None:
        """Add ``sound``; ``place`` is -1 for left to 1 for right. What reaches past the end is cut off."""
        first = round(at_s * RATE_HZ)
        piece = sound[: max(0, self.mix.shape[1] - first)]
        for side, share in enumerate((1.0 - place, 1.0 + place)):
            self.mix[side, first : first + len(piece)] += np.float32(gain * np.sqrt(0.5 * share)) * piece


def note(tune: Tune, degree: int) -> int:
    """MIDI number of a scale degree; degrees below 0 and above 6 are in the neighbouring octaves."""
    octave, step = divmod(degree, 7)
    return tune.tonic + 12 * octave + MODES[tune.mode][step]


def chord_beats(tune: Tune) -> int:
    """Beats per chord: two in slow tunes, so that a few seconds hold a change of harmony."""
    return 4 if tune.bpm > 95 else 2


def play_chords(desk: Desk, tune: Tune, duration_s: float) -> None:
    """Pad, bass and brass, one chord after another."""
    chord_s = chord_beats(tune) * 60.0 / tune.bpm
    for k in range(int(np.ceil(duration_s / chord_s))):
        root = PROGRESSIONS[tune.progression][k % 4]
        at_s = k * chord_s
        samples = int((chord_s + 0.25) * RATE_HZ)
        soft = synth.envelope(samples, 0.25, 60.0, 0.3)
        if tune.tremolo:
            t = np.arange(samples) / RATE_HZ
            shake = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * tune.bpm / 60.0 * t)
            soft = soft * (1.0 - tune.tremolo * shake).astype(np.float32)
        for voice, degree in enumerate((root, root + 2, root + 4)):
            # Chords lie within an octave below the melody, whatever their root.
            frequency = synth.hertz(note(tune, degree % 7) - 12)
            table = synth.wavetable(frequency, tune.slope + 0.4)
            pair = synth.oscillate(frequency * 1.003, samples, table) + synth.oscillate(
                frequency * 0.997, samples, table
            )
            desk.add(at_s, pair * soft, 0.16 * tune.pad, (voice - 1) * 0.5)
            if tune.brass > 0.05:
                blown = synth.oscillate(frequency, samples, synth.wavetable(frequency, 0.55 * tune.slope), 0.12)
                desk.add(at_s, blown * synth.envelope(samples, 0.05, 1.2, 0.2), 0.22 * tune.brass, (1 - voice) * 0.3)
        low = synth.hertz(note(tune, root % 7) - 24 - (12 if tune.tonic > 62 else 0))
        beat_s = 60.0 / tune.bpm
        step_s = beat_s if tune.drums > 0.4 else chord_s
        table = synth.wavetable(low, tune.slope + 0.3)
        for n in range(round(chord_s / step_s)):
            size = int(step_s * 1.02 * RATE_HZ)
            plucked = synth.oscillate(low, size, table) * synth.envelope(size, 0.012, 0.9 * step_s, 0.03)
            desk.add(at_s + n * step_s, plucked, 0.75 * tune.bass)


def play_melody(desk: Desk, tune: Tune, duration_s: float, rng: np.random.Generator) -> None:
    """A walk over the scale: plucked strings and bells, on the eighths or sixteenths of the beat."""
    grid_s = 60.0 / tune.bpm / (4 if tune.notes_per_beat > 1.6 else 2)
    chance = tune.notes_per_beat * grid_s * tune.bpm / 60.0
    chord_s = chord_beats(tune) * 60.0 / tune.bpm
    degree = int(rng.integers(0, 5))
    for k in range(int(duration_s / grid_s)):
        at_s = k * grid_s
        degree = int(np.clip(degree + rng.integers(-2, 3), -2, 9))
        if k % round(chord_s / grid_s) == 0:
            # On a change of harmony the melody takes a note of the chord.
            degree = PROGRESSIONS[tune.progression][int(at_s / chord_s) % 4] % 7 + int(rng.choice([0, 2]))
        elif rng.random() > chance:
            continue
        frequency = synth.hertz(note(tune, degree) + 12)
        ring_s = float(np.clip(2.2 * grid_s, 0.25, 1.5))
        samples = int(2.0 * ring_s * RATE_HZ)
        place = float(rng.uniform(-0.6, 0.6))
        gain = float(rng.uniform(0.8, 1.1))
        table = synth.wavetable(frequency, tune.slope, hollow=0.6)
        tone = synth.oscillate(frequency, samples, table) * synth.envelope(samples, 0.004, 0.5 * ring_s, 0.05)
        desk.add(at_s, tone, 0.55 * tune.pluck * gain, place)
        if tune.bell > 0.08:
            desk.add(at_s, synth.struck(frequency * 2, int(1.6 * RATE_HZ), tune.slope), 0.4 * tune.bell * gain, -place)


def play_drums(desk: Desk, tune: Tune, duration_s: float, rng: np.random.Generator) -> None:
    """Kick, snare and hat on a grid of quarter beats; each stroke falls with a chance that grows with ``drums``."""
    if tune.drums < 0.05:
        return
    sounds = {"kick": synth.kick(), "snare": synth.snare(rng), "hat": synth.hat(rng)}
    step_s = 60.0 / tune.bpm / 4
    for k in range(int(duration_s / step_s)):
        quarter, sixteenth = divmod(k, 4)
        chances = {
            "kick": (1.0 if quarter % 2 == 0 or tune.drums > 0.6 else 0.0) if sixteenth == 0 else 0.25 * tune.drums**3,
            "snare": (1.0 if quarter % 2 == 1 and tune.drums > 0.3 else 0.0)
            if sixteenth == 0
            else 0.25 * tune.drums**3,
            "hat": 1.0 if sixteenth % 2 == 0 and tune.drums > 0.15 else 1.6 * tune.drums - 0.8,
        }
        for name, chance in chances.items():
            if rng.random() < chance:
                gain = {"kick": 0.9, "snare": 0.45, "hat": 0.22}[name] * tune.drums * rng.uniform(0.85, 1.1)
                desk.add(k * step_s, sounds[name], float(gain), {"kick": 0.0, "snare": 0.1, "hat": -0.3}[name])


def play_air(desk: Desk, tune: Tune, duration_s: float, rng: np.random.Generator) -> None:
    """Wind that comes and goes."""
    if tune.air < 0.03:
        return
    samples = round(duration_s * RATE_HZ)
    breath = 0.6 + 0.4 * np.sin(2 * np.pi * np.arange(samples) / RATE_HZ / 4.0 + rng.uniform(0, 6.283))
    for place in (-0.8, 0.8):
        desk.add(0.0, synth.noise(samples, 300, 2500, rng) * breath.astype(np.float32), 0.12 * tune.air, place)


def render(plan: Plan) -> np.ndarray:
    """int16 [n, 2] at 44.1 kHz, as long as the clip."""
    tune, rng = plan.tune, generator(plan.seed, plan.index, 3)
    desk = Desk(plan.duration_s)
    play_chords(desk, tune, plan.duration_s)
    play_melody(desk, tune, plan.duration_s, rng)
    play_drums(desk, tune, plan.duration_s, rng)
    play_air(desk, tune, plan.duration_s, rng)
    mix = synth.reverberate(desk.mix, tune.reverb, rng)
    samples = mix.shape[1]
    rise_db = tune.swell * (np.linspace(0.0, 1.0, samples) - 0.5)
    mix *= (10.0 ** (rise_db / 20.0)).astype(np.float32)
    fade = np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.03 * RATE_HZ)
    mix *= np.minimum(fade, 1.0).astype(np.float32)
    mix *= np.float32(10.0 ** (tune.level_db / 20.0) / (np.sqrt(np.mean(mix**2)) + 1e-9))
    # The hyperbolic tangent rounds peaks off instead of clipping them.
    return (np.tanh(mix.T) * 32000.0).astype(np.int16)
