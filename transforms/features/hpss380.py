"""``hpss380``: 190 rows each of the harmonic and the percussive component, frame by frame, of the track's middle."""

from __future__ import annotations

import numpy as np

from transforms.card import Card
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.music.contract import FRAME_CONTRACTS, Contract
from transforms.music.layout import HOP_S, RATE_HZ, ROWS
from transforms.music.parameters import EXCERPT, PAPER, UNIT
from transforms.views import Sound, SoundView

CARD = Card(
    name="hpss380",
    version=1,
    about="chroma, mel, MFCC and spectral shape of the harmonic and percussive parts of 29.12 s",
    paper=PAPER,
    layout="sequence",
    dims=ROWS,
    dtype="float32",
    unit=UNIT,
    hop_s=HOP_S,
    # the last bits of the FFT differ between processors, and decibels magnify them where |x| is next to nothing
    tolerance=1e-3,
    parameters=EXCERPT,
    contracts=FRAME_CONTRACTS,
)


def view(parameters: Parameters) -> SoundView:
    """29.12 s around the middle of the track at 12 kHz."""
    from transforms.music.excerpt import view

    return view(str(parameters["resampling"]))


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """The excerpt's samples -> float32 [1366, 380]; frames behind the end of a short track are computed but masked."""
    from transforms.music.excerpt import frames

    values, sounding = frames(sound, Contract.of(parameters))
    start_s = sound.origin / RATE_HZ
    return Rows(values, start_s, start_s + np.arange(len(values)) * HOP_S, sounding)


def warm() -> None:
    """Compile or load the kernels."""
    from transforms.music.kernels import warm

    warm()


FEATURE = SoundExtractor(CARD, view, compute, warm=warm)
