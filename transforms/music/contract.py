"""Where the published code and the paper part: every difference is a field, and two named sets of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from transforms.card import Parameter, Value

Padding = Literal["reflect", "constant"]
Delta = Literal["legacy", "savgol"]
Log = Literal["blocks", "energies"]
Tail = Literal["zeros", "whole"]


@dataclass(frozen=True)
class Contract:
    """What the 380 rows of a signal depend on, apart from the signal.

    Attributes
    ----------
    mel_rate_hz: sampling rate for which the mel filters are built; the signal has 12,000 Hz in any case.
    mfcc_n_fft, mfcc_mels: window and mel bands of the cepstral coefficients.
    cens_bins_per_octave: resolution of the constant-Q transform behind chroma_cens.
    delta: ``legacy`` (librosa before 0.6: the second order is the first one applied twice, four frames late) or
        ``savgol`` (Savitzky-Golay derivatives).
    padding: how the signal goes on beyond its ends, for every centred frame.
    log: ``blocks``: 10 log10 |.| of every block against its maximum, at most 80 dB down; ``energies``: only of the mel
        spectrogram (10 log10) and of the RMS (20 log10), everything else stays in its own unit.
    hpss_tail: ``zeros``: what lies after the last whole hop of the separation is silence, as librosa 0.5 left it;
        ``whole``: the separation reaches to the end.
    """

    mel_rate_hz: int
    mfcc_n_fft: int
    mfcc_mels: int
    cens_bins_per_octave: int
    delta: Delta
    padding: Padding
    log: Log
    hpss_tail: Tail

    @classmethod
    def of(cls, parameters: Mapping[str, Value]) -> Contract:
        """The fields out of a card's parameters in force."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls)})  # type: ignore[arg-type]


_SLIP = "a slip of the code, mended"

#: The published extractor, librosa 0.5.1 and its defaults (VM-NET repository, 2017-09-14).
CODE: dict[str, Parameter] = {
    "mel_rate_hz": Parameter(22_050, "code", "no rate is passed, so librosa's default holds", (22_050, 12_000)),
    "mfcc_n_fft": Parameter(2048, "code", "not passed, so librosa's default holds", (2048, 512)),
    "mfcc_mels": Parameter(128, "code", "not passed, so librosa's default holds", (128, 96)),
    "cens_bins_per_octave": Parameter(12, "code", "librosa's default until 0.8", (12, 36)),
    "delta": Parameter("legacy", "code", "librosa before 0.6", ("legacy", "savgol")),
    "padding": Parameter("reflect", "code", "librosa's default until 0.9", ("reflect", "constant")),
    "log": Parameter("blocks", "code", "every block in dB, even MFCC and slopes", ("blocks", "energies")),
    "hpss_tail": Parameter("zeros", "code", "the inverse STFT has no length: 256 samples are lost", ("zeros", "whole")),
    "resampling": Parameter("direct", "code", "from the track's rate to 12 kHz at once", ("direct", "via 22050")),
    "short": Parameter("pad", "code", "the silence behind a short track counts", ("pad", "mask")),
}

#: What the paper describes (section 'music features' and 'implementation details'), where it says anything else.
PAPER: dict[str, Parameter] = CODE | {
    "mel_rate_hz": Parameter(12_000, "review", _SLIP, (22_050, 12_000)),
    "mfcc_n_fft": Parameter(512, "review", f"{_SLIP}: every other block has 512", (2048, 512)),
    "mfcc_mels": Parameter(96, "review", f"{_SLIP}: the mel spectrogram has 96 bands", (128, 96)),
    "delta": Parameter("savgol", "paper", "first- and second-order differences", ("legacy", "savgol")),
    "log": Parameter("energies", "paper", "log-amplitude against underflow: of energies only", ("blocks", "energies")),
    "hpss_tail": Parameter("whole", "review", _SLIP, ("zeros", "whole")),
    "resampling": Parameter("via 22050", "paper", "from 22.05 kHz down to 12 kHz", ("direct", "via 22050")),
    "short": Parameter("mask", "review", "silence that is no music is left out", ("pad", "mask")),
}

#: Both, under the names that ``--set FEATURE.contract=`` takes.
CONTRACTS = {"code": CODE, "paper": PAPER}
#: The same for the frames themselves, of which none is left out.
FRAME_CONTRACTS = {
    name: {key: known for key, known in parameters.items() if key != "short"} for name, parameters in CONTRACTS.items()
}


def contract(name: str) -> Contract:
    """The contract of that name: ``code`` or ``paper``."""
    return Contract.of({key: parameter.value for key, parameter in CONTRACTS[name].items()})
