"""``speech_spectrogram``: log spectrogram of 40 ms windows up to 4 kHz, a row every 10 ms, for FBP's audio path."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.spectrograms import excerpt, row_count, rows_with_sound, speech, track
from transforms.views import Sound, SoundView

CARD = Card(
    name="speech_spectrogram",
    version=1,
    about="log spectrogram of the low band, 100 rows a second",
    paper="FBP (arXiv 1901.04889), audio path; numbers: AFCN (arXiv 1806.01506), Satt et al. (Interspeech 2017)",
    layout="sequence",
    dims=400,
    # values lie in -13.8..6, where float16 is off by 0.004 at most: less than half a percent of a magnitude
    dtype="float16",
    unit="natural logarithm of magnitude",
    hop_s=0.01,
    tolerance=5e-4,
    parameters={
        "rate_hz": Parameter(speech.RATE_HZ, "review", "mono", (speech.RATE_HZ,)),
        "window_s": Parameter(0.04, "review", "Hamming window (periodic: ours)", (0.04,)),
        "hop_s": Parameter(0.01, "review", "from row to row; only whole windows, not centred", (0.01,)),
        "n_fft": Parameter(1600, "review", "points of the transform: a grid of 10 Hz, or 20 Hz with 800", (1600, 800)),
        "max_hz": Parameter(4000, "review", "the bins from 0 Hz up to but not at this one", (4000, 8000)),
        "scale": Parameter(
            "ln",
            "ours",
            "of the magnitude: log power and decibels differ by a factor that normalising removes",
            ("ln",),
        ),
        "log_offset": Parameter(
            speech.LOG_OFFSET, "ours", "added to the magnitude, far below 16 bits' rounding", (speech.LOG_OFFSET,)
        ),
        "deltas": Parameter(
            False, "code", "after the bins also their slopes and the slopes of these: three channels, as AlexNet has"
        ),
        "delta_frames": Parameter(2, "ours", "rows on either side for a slope (HTK's regression)", minimum=1),
        "max_s": Parameter(
            60.0, "ours", "longer than an utterance; a minute is 4.8 MB, or 14.4 MB with slopes", minimum=1
        ),
    },
)


def bins(parameters: Parameters) -> int:
    """Points of the frequency grid below ``max_hz``."""
    return int(parameters["max_hz"] or 0) * int(parameters["n_fft"] or 0) // speech.RATE_HZ


def dims(parameters: Parameters) -> int:
    """Values of a row: the bins, three times with slopes."""
    return bins(parameters) * (3 if parameters["deltas"] else 1)


def view(parameters: Parameters) -> SoundView:
    """The clip's sound at 16 kHz, up to ``max_s``."""
    return SoundView(rate_hz=int(parameters["rate_hz"] or 0), max_s=float(parameters["max_s"] or 0))


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """float32 [n, D]: row k looks at [k, k + 4) * 10 ms of the timeline; D bins, or bins, slopes and second slopes.

    A clip shorter than 40 ms gives one row, filled up with silence. Silence is ln(1e-6) = -13.8; rows that look at no
    sample of the track are 0 and masked, and slopes end where the track does.
    """
    width = bins(parameters)
    rows = row_count(len(sound.samples), speech.WINDOW, speech.HOP, "drop")
    heard = rows_with_sound(rows, speech.WINDOW, speech.HOP, *track(sound))
    values = np.zeros((rows, dims(parameters)), dtype=np.float32)
    mask = np.zeros(rows, dtype=bool)
    mask[heard] = True
    if mask.any():
        channels = np.split(values[heard], range(width, values.shape[1], width), axis=1)
        samples = excerpt(sound.samples, heard, speech.WINDOW, speech.HOP)
        speech.log_spectrogram(samples, int(parameters["n_fft"] or 0), out=channels[0])
        for before, out in pairwise(channels):
            speech.slope(before, int(parameters["delta_frames"] or 0), out)
    start_s = sound.origin / sound.rate_hz
    return Rows(values, start_s, start_s + np.arange(rows) * speech.HOP / sound.rate_hz, mask)


FEATURE = SoundExtractor(CARD, view=view, compute=compute, dims=dims)
