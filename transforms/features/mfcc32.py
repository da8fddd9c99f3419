"""``mfcc32``: 32 cepstral coefficients of the first 192 frames of the track, as DPVM's music path has them."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.spectrograms import mfcc, track
from transforms.views import Sound, SoundView

CARD = Card(
    name="mfcc32",
    version=1,
    about="32 cepstral coefficients of the track's first 192 frames",
    paper="DPVM (Sensors 23(2):805), section 'content features'; librosa.feature.mfcc",
    layout="sequence",
    dims=mfcc.COEFFICIENTS,
    dtype="float32",
    unit="dB, by an orthonormal DCT",
    hop_s=mfcc.HOP / 14_440,
    # librosa in float32 and this agree to 1e-7 of the range on real music (measured)
    tolerance=3e-6,
    parameters={
        "rate_hz": Parameter(
            14_440,
            "paper",
            "as printed, and perhaps a slip of the pen, but the only number there is: 192 frames are 27.2 s, so that a "
            "clip of 15 s fits. 22050 is librosa's default (17.8 s); 44100 would cut after 8.9 s",
            (14_440, 14_400, 16_000, 22_050, 44_100),
        ),
        "coefficients": Parameter(mfcc.COEFFICIENTS, "paper", "the first ones, c0 included", (mfcc.COEFFICIENTS,)),
        "n_fft": Parameter(mfcc.N_FFT, "paper", "samples of a window", (mfcc.N_FFT,)),
        "hop": Parameter(mfcc.HOP, "paper", "samples from frame to frame: no overlap", (mfcc.HOP,)),
        "frames": Parameter(mfcc.FRAMES, "paper", "padded with masked rows of 0, or cut", (mfcc.FRAMES,)),
        "bands": Parameter(mfcc.BANDS, "code", "librosa's default, Slaney's mel scale and norm", (mfcc.BANDS,)),
        "top_db": Parameter(
            mfcc.TOP_DB, "code", "librosa's default range, here below the loudest of these frames", (mfcc.TOP_DB,)
        ),
        "padding": Parameter("constant", "code", "zeros around the track, librosa's default since 0.9", ("constant",)),
        "part": Parameter(
            "start", "ours", "the paper names no part; cutting to a length keeps the beginning", ("start",)
        ),
        "max_s": Parameter(
            60.0, "ours", "what is listened to from the clip's start; leaves room for a late track", minimum=1
        ),
    },
)


def hop_s(parameters: Parameters) -> float:
    """Seconds from frame to frame."""
    return mfcc.HOP / int(parameters["rate_hz"] or 0)


def view(parameters: Parameters) -> SoundView:
    """The beginning of the clip's sound at the rate of the frames."""
    return SoundView(rate_hz=int(parameters["rate_hz"] or 0), max_s=float(parameters["max_s"] or 0))


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """float32 [192, 32], row k centred k hops after the track's start (wherever that lies on the timeline).

    A track of n samples has 1 + n // 2048 frames; rows beyond them are 0 and masked. Silence is -100 dB in every band:
    c0 = -1131.4, the others 0. A track that starts after max_s gives masked rows only.
    """
    first, end = track(sound)
    values = np.zeros((mfcc.FRAMES, mfcc.COEFFICIENTS), dtype=np.float32)
    count = 0
    if first < end:
        found = mfcc.mfcc(sound.samples[first:end], sound.rate_hz)
        count = len(found)
        values[:count] = found
    start_s = (sound.origin + first) / sound.rate_hz
    times_s = start_s + np.arange(mfcc.FRAMES) * (mfcc.HOP / sound.rate_hz)
    return Rows(values, start_s, times_s, np.arange(mfcc.FRAMES) < count)


FEATURE = SoundExtractor(CARD, view=view, compute=compute, hop_s=hop_s)
