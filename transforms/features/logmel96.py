"""``logmel96``: the log mel patches that VGGish looks at, 96 frames of 64 bands each."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.spectrograms import Tail, excerpt, row_count, rows_with_sound, track, vggish
from transforms.views import PAPER_MAX_S, Sound, SoundView

CARD = Card(
    name="logmel96",
    version=1,
    about="VGGish's input: log mel patches of 96 frames",
    paper="VGGish (arXiv 1609.09430; tensorflow/models, research/audioset/vggish); YouTube-8M and DPVM use it",
    layout="sequence",
    dims=vggish.FRAMES * vggish.BANDS,
    # values lie in -4.6..6, where float16 is off by 0.002 at most: a fifth of a percent of a magnitude
    dtype="float16",
    unit="natural logarithm of magnitude",
    hop_s=0.96,
    tolerance=5e-4,
    parameters={
        "rate_hz": Parameter(vggish.RATE_HZ, "code", "mono", (vggish.RATE_HZ,)),
        "window_s": Parameter(0.025, "code", "periodic Hann window, filled up with zeros to 512 samples", (0.025,)),
        "step_s": Parameter(0.01, "code", "from frame to frame; only whole windows, not centred", (0.01,)),
        "bands": Parameter(
            vggish.BANDS, "code", "HTK mel scale, triangles in mel, sums of magnitudes", (vggish.BANDS,)
        ),
        "min_hz": Parameter(vggish.MIN_HZ, "code", "lower edge of the first band", (vggish.MIN_HZ,)),
        "max_hz": Parameter(vggish.MAX_HZ, "code", "upper edge of the last band", (vggish.MAX_HZ,)),
        "log_offset": Parameter(vggish.LOG_OFFSET, "code", "added before the logarithm", (vggish.LOG_OFFSET,)),
        "frames": Parameter(vggish.FRAMES, "code", "of a patch", (vggish.FRAMES,)),
        "hop_s": Parameter(
            0.96, "code", "from patch to patch: 0.96 without a gap, or 1.0 as MediaPipe made YouTube-8M", (0.96, 1.0)
        ),
        "tail": Parameter(
            "drop",
            "code",
            "the last patch that is not whole; pad (ours) fills it up with silence, so that hop_s=1 gives one row for "
            "each second begun",
            ("drop", "pad"),
        ),
        "max_s": Parameter(PAPER_MAX_S, "ours", "as long as the pictures", minimum=1),
    },
)


def hop_s(parameters: Parameters) -> float:
    """Seconds from patch to patch."""
    return float(parameters["hop_s"] or 0)


def view(parameters: Parameters) -> SoundView:
    """The clip's sound at 16 kHz, up to ``max_s``."""
    return SoundView(rate_hz=int(parameters["rate_hz"] or 0), max_s=float(parameters["max_s"] or 0))


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """float32 [n, 6144]: patch k begins at k hops on the timeline, frame by frame, the 64 bands of a frame together.

    A patch covers 0.96 s and looks at 0.975 s of samples. A clip shorter than that gives one patch, filled up with
    silence. Silence is ln(0.01) = -4.605; rows that look at no sample of the track are 0 and masked.
    """
    hop_frames = round(hop_s(parameters) * vggish.RATE_HZ / vggish.STEP)
    hop = hop_frames * vggish.STEP
    tail: Tail = "pad" if parameters["tail"] == "pad" else "drop"
    rows = row_count(len(sound.samples), vggish.PATCH, hop, tail)
    heard = rows_with_sound(rows, vggish.PATCH, hop, *track(sound))
    values = np.zeros((rows, vggish.FRAMES * vggish.BANDS), dtype=np.float32)
    mask = np.zeros(rows, dtype=bool)
    mask[heard] = True
    if mask.any():
        found = vggish.patches(excerpt(sound.samples, heard, vggish.PATCH, hop), hop_frames)
        values[heard] = found.reshape(len(found), -1)
    start_s = sound.origin / sound.rate_hz
    return Rows(values, start_s, start_s + np.arange(rows) * hop / sound.rate_hz, mask)


FEATURE = SoundExtractor(CARD, view=view, compute=compute, hop_s=hop_s)
