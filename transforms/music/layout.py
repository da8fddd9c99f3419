"""The 380 rows: which block of which component stands where, and the constants of the excerpt.

The order is that of the published extractor (VM-NET's librosa_feature.py): thirteen blocks of the harmonic component,
then the same of the percussive one.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Sampling rate, window and hop of the frames (paper and code, after Choi et al.'s music tagger).
RATE_HZ, N_FFT, HOP = 12_000, 512, 256
#: Seconds around the middle of a track that are looked at (paper and code).
EXCERPT_S = 29.12
#: The excerpt in samples and frames: 349,440 and 1,366.
EXCERPT_SAMPLES = int(EXCERPT_S * RATE_HZ)
EXCERPT_FRAMES = 1 + EXCERPT_SAMPLES // HOP
#: librosa's defaults for the separation, which the published code leaves as they are (code).
HPSS_N_FFT, HPSS_HOP, HPSS_KERNEL = 2048, 512, 31
#: Seconds between two frames.
HOP_S = HOP / RATE_HZ
#: The components, in the order of the rows.
COMPONENTS = ("harmonic", "percussive")


@dataclass(frozen=True)
class Block:
    """One block of rows of a component.

    Attributes
    ----------
    start: first row within the component; ``rows``: how many.
    meaning: one line for people, with the unit before scaling.
    """

    name: str
    start: int
    rows: int
    meaning: str

    @property
    def slice(self) -> slice:
        """The block's rows within a component."""
        return slice(self.start, self.start + self.rows)


_SIZES = (
    ("chroma_stft", 12, "energy of the 12 pitch classes from the power spectrogram, largest of a frame = 1"),
    ("chroma_cens", 12, "energy of the 12 pitch classes, quantised and smoothed over 41 frames, unit length"),
    ("mel", 96, "power in 96 mel bands"),
    ("mfcc", 20, "cepstral coefficients of the mel spectrogram in dB"),
    ("mfcc_delta", 20, "slope of each coefficient over 9 frames, per frame"),
    ("mfcc_delta2", 20, "the same of the slope, per frame squared"),
    ("rms", 1, "root mean square of the samples, 1 = full scale"),
    ("centroid", 1, "spectral centroid in Hz"),
    ("bandwidth", 1, "spectral bandwidth (p = 2) in Hz"),
    ("rolloff", 1, "frequency below which 85 % of the magnitude lies, in Hz"),
    ("poly1", 2, "line fitted to the magnitude spectrum: slope per Hz, value at 0 Hz"),
    ("poly2", 3, "parabola fitted to it: per Hz squared, per Hz, value at 0 Hz"),
    ("zcr", 1, "share of samples at which the sign changes"),
)


def _blocks() -> tuple[Block, ...]:
    blocks, start = [], 0
    for name, rows, meaning in _SIZES:
        blocks.append(Block(name, start, rows, meaning))
        start += rows
    return tuple(blocks)


#: The thirteen blocks of a component, in order.
BLOCKS = _blocks()
#: Rows of one component and of both: 190 and 380.
COMPONENT_ROWS = BLOCKS[-1].start + BLOCKS[-1].rows
ROWS = COMPONENT_ROWS * len(COMPONENTS)
