"""The excerpt of a track that VM-NET looks at: 29.12 s around its middle, silence behind where the track is shorter."""

from __future__ import annotations

import numpy as np

from transforms.music import kernels
from transforms.music.contract import Contract
from transforms.music.layout import EXCERPT_FRAMES, EXCERPT_S, EXCERPT_SAMPLES, HOP, RATE_HZ
from transforms.views import Sound, SoundView


def view(contract_resampling: str) -> SoundView:
    """The samples that the excerpt's features read; ``direct`` or ``via 22050``."""
    return SoundView(RATE_HZ, excerpt_s=EXCERPT_S, via_hz=22_050 if contract_resampling == "via 22050" else None)


def extend(samples: np.ndarray, length: int) -> np.ndarray:
    """float32 [length]: the samples, then silence. The published code pads at the end only."""
    signal = np.zeros(length, dtype=np.float32)
    signal[: len(samples)] = samples
    return signal


def frames(sound: Sound, contract: Contract) -> tuple[np.ndarray, np.ndarray]:
    """All rows of the excerpt, computed once for the features that share them.

    Returns
    -------
    (float32 [1366, 380], bool [1366]): the frames, and which of them are centred on a sample of the track; the last
    one is centred right behind the excerpt, and counts where the track fills it.

    Raises
    ------
    ValueError: nothing of the track could be decoded there.
    """
    first, end = (round(edge_s * RATE_HZ) - sound.origin for edge_s in (sound.start_s, sound.end_s))
    if sound.start_s < sound.end_s:
        end = max(end, first + 1)  # less than a sample is one all the same
    if first >= end:
        raise ValueError("no sample of the sound track could be decoded in its middle")
    key = ("excerpt", contract)
    if key not in sound.shared:
        sound.shared[key] = kernels.frames(extend(sound.samples, EXCERPT_SAMPLES), contract)
    centres = np.arange(EXCERPT_FRAMES) * HOP
    return sound.shared[key], (centres >= first) & ((centres < end) | (end >= EXCERPT_SAMPLES))
