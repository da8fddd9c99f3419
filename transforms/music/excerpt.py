"""The excerpt of a track that VM-NET looks at: 29.12 s around its middle, silence behind where the track is shorter."""

from __future__ import annotations

import numpy as np

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
    (float32 [1366, 380], bool [1366]): the frames, and which of them are centred on a sample of the track.

    Raises
    ------
    ValueError: the track has no sample.
    """
    if not len(sound.samples):
        raise ValueError("the sound track is shorter than a sample")
    key = ("excerpt", contract)
    if key not in sound.shared:
        from transforms.music.rows import frames as fast_frames

        sound.shared[key] = fast_frames(extend(sound.samples, EXCERPT_SAMPLES), contract)
    return sound.shared[key], np.arange(EXCERPT_FRAMES) * HOP < len(sound.samples)
