"""Card parameters that the musical features share, besides those of their contracts."""

from __future__ import annotations

from transforms.card import Parameter
from transforms.music.layout import EXCERPT_S, HOP, N_FFT, RATE_HZ

#: Paper and code alike, for every feature of the 380 rows.
FRAMES = {
    "rate_hz": Parameter(RATE_HZ, "paper", "sampling rate of the analysis", choices=(RATE_HZ,)),
    "n_fft": Parameter(N_FFT, "code", "window of a frame in samples, periodic Hann, centred", choices=(N_FFT,)),
    "hop": Parameter(HOP, "code", "samples between two frames", choices=(HOP,)),
    "resampler": Parameter("soxr HQ", "ours", "librosa's default since 0.10; the code had resampy", ("soxr HQ",)),
    "channels": Parameter("mean", "code", "one channel, the mean of all", choices=("mean",)),
}
#: For those that look at the middle of the track.
EXCERPT = FRAMES | {
    "excerpt_s": Parameter(
        EXCERPT_S,
        "paper",
        "seconds around the middle of the track: 349,440 samples, 1,366 frames",
        choices=(EXCERPT_S,),
    ),
}
PAPER = (
    "VM-NET (arXiv 1704.06761), section 'music feature extraction'; in its repository "
    "data/audio_feature_extractor/librosa_feature.py"
)
#: What the rows are measured in, by the contract.
UNIT = "dB below the block's largest magnitude (contract code); the block's own unit, energies in dB (paper)"
