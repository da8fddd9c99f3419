"""The 380 rows as plain librosa calls, one function a block: slow, and the measure of the fast path.

Each function takes one component ``y`` (float32 [samples] at 12 kHz) and gives [rows, frames] before scaling. Read it
beside the published extractor (VM-NET, data/audio_feature_extractor/librosa_feature.py); what differs between librosa
0.5.1 and 0.11 is put back where the contract asks for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import librosa
import numpy as np
import scipy.signal

from transforms.music.contract import Contract
from transforms.music.layout import (
    BLOCKS,
    COMPONENT_ROWS,
    HOP,
    HPSS_HOP,
    HPSS_KERNEL,
    HPSS_N_FFT,
    N_FFT,
    RATE_HZ,
)

#: Window of the slopes, in frames (librosa's default).
_DELTA_WIDTH = 9
#: Smallest magnitude whose logarithm is taken, and the range below the maximum (librosa's defaults).
_FLOOR, _RANGE_DB = 1e-10, 80.0


def separate(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Harmonic and percussive component, float32 [2, samples]."""
    components = np.stack(
        librosa.effects.hpss(
            y, kernel_size=HPSS_KERNEL, n_fft=HPSS_N_FFT, hop_length=HPSS_HOP, pad_mode=contract.padding
        )
    )
    if contract.hpss_tail == "zeros":
        components[:, len(y) // HPSS_HOP * HPSS_HOP :] = 0
    return components


def extended(y: np.ndarray, contract: Contract) -> np.ndarray:
    """The signal with half a window on either side, for frames that librosa need not centre itself.

    As librosa 0.5 did. Today's pads the end apart from the rest, and with this window and hop it mirrors the last frame
    around the wrong sample; under ``hpss_tail: zeros`` that frame is all but silent, and its centroid decides much.
    """
    return np.pad(y, N_FFT // 2, mode=contract.padding)


def chroma_stft(y: np.ndarray, contract: Contract) -> np.ndarray:
    """12 pitch classes of the power spectrogram."""
    return librosa.feature.chroma_stft(y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, center=False)


def chroma_cens(y: np.ndarray, contract: Contract) -> np.ndarray:
    """12 pitch classes, quantised and smoothed (Müller and Ewert, Chroma Toolbox, ISMIR 2011)."""
    bins = contract.cens_bins_per_octave
    constant_q = np.abs(
        librosa.cqt(
            y,
            sr=RATE_HZ,
            hop_length=HOP,
            fmin=librosa.note_to_hz("C1"),
            n_bins=7 * bins,
            bins_per_octave=bins,
            tuning=None,
            pad_mode=contract.padding,
        )
    )
    return librosa.feature.chroma_cens(C=constant_q, sr=RATE_HZ, hop_length=HOP, bins_per_octave=bins)


def mel(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Power in 96 mel bands; the filters may belong to another rate than the signal's."""
    power = np.abs(librosa.stft(extended(y, contract), n_fft=N_FFT, hop_length=HOP, center=False)) ** 2
    return librosa.feature.melspectrogram(S=power, sr=contract.mel_rate_hz, n_fft=N_FFT, n_mels=96)


def mfcc(y: np.ndarray, contract: Contract) -> np.ndarray:
    """20 cepstral coefficients."""
    n_fft = contract.mfcc_n_fft
    power = np.abs(
        librosa.stft(np.pad(y, n_fft // 2, mode=contract.padding), n_fft=n_fft, hop_length=HOP, center=False)
    )
    bands = librosa.feature.melspectrogram(S=power**2, sr=RATE_HZ, n_fft=n_fft, n_mels=contract.mfcc_mels)
    return librosa.feature.mfcc(S=librosa.power_to_db(bands), n_mfcc=20)


def delta(values: np.ndarray, contract: Contract, order: int = 1) -> np.ndarray:
    """Slope of [rows, frames] over 9 frames, ``order`` times.

    ``legacy`` is librosa 0.5: a causal filter from rest over the values with their edges repeated nine times, once for
    each order, and one cut at the end. So the second order comes four frames late and begins with the filter's swing.
    """
    if contract.delta == "savgol":
        return librosa.feature.delta(values, width=_DELTA_WIDTH, order=order)
    half = _DELTA_WIDTH // 2
    taps = np.arange(half, -half - 1, -1, dtype=np.float64)
    taps /= np.sum(taps**2)
    filtered = np.pad(values.astype(np.float64), [(0, 0), (_DELTA_WIDTH, _DELTA_WIDTH)], mode="edge")
    for _ in range(order):
        filtered = scipy.signal.lfilter(taps, 1, filtered, axis=-1)
    first = _DELTA_WIDTH + half
    return filtered[:, first : first + values.shape[1]]


def mfcc_delta(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Slope of the cepstral coefficients."""
    return delta(mfcc(y, contract), contract)


def mfcc_delta2(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Second-order slope."""
    return delta(mfcc(y, contract), contract, order=2)


def rms(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Root mean square of each frame's samples."""
    return librosa.feature.rms(y=y, frame_length=N_FFT, hop_length=HOP, pad_mode=contract.padding)


def centroid(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Spectral centroid in Hz."""
    return librosa.feature.spectral_centroid(
        y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, center=False
    )


def bandwidth(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Spectral bandwidth in Hz."""
    return librosa.feature.spectral_bandwidth(
        y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, center=False
    )


def rolloff(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Frequency below which 85 % of the magnitude lies, in Hz."""
    return librosa.feature.spectral_rolloff(
        y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, roll_percent=0.85, center=False
    )


def poly1(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Line through each frame's magnitude spectrum, highest power first."""
    return librosa.feature.poly_features(
        y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, order=1, center=False
    )


def poly2(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Parabola through each frame's magnitude spectrum, highest power first."""
    return librosa.feature.poly_features(
        y=extended(y, contract), sr=RATE_HZ, n_fft=N_FFT, hop_length=HOP, order=2, center=False
    )


def zcr(y: np.ndarray, contract: Contract) -> np.ndarray:
    """Share of samples at which the sign changes; librosa repeats the edge here, whatever the contract."""
    return librosa.feature.zero_crossing_rate(y, frame_length=N_FFT, hop_length=HOP)


def decibels(block: np.ndarray, factor: float = 10.0) -> np.ndarray:
    """``factor`` log10 |block| against the block's maximum, at most 80 dB down (librosa 0.5's logamplitude)."""
    magnitude = np.abs(block)
    scaled = factor * np.log10(np.maximum(_FLOOR, magnitude))
    scaled -= factor * np.log10(max(_FLOOR, magnitude.max()))
    return np.maximum(scaled, scaled.max() - _RANGE_DB)


def scale(name: str, block: np.ndarray, contract: Contract) -> np.ndarray:
    """A block as it is stored, by the contract's ``log``."""
    if contract.log == "blocks" or name == "mel":
        return decibels(block)
    return decibels(block, 20.0) if name == "rms" else block


_FUNCTIONS: dict[str, Callable[[np.ndarray, Contract], np.ndarray]] = {
    "chroma_stft": chroma_stft,
    "chroma_cens": chroma_cens,
    "mel": mel,
    "mfcc": mfcc,
    "mfcc_delta": mfcc_delta,
    "mfcc_delta2": mfcc_delta2,
    "rms": rms,
    "centroid": centroid,
    "bandwidth": bandwidth,
    "rolloff": rolloff,
    "poly1": poly1,
    "poly2": poly2,
    "zcr": zcr,
}


def raw_block(name: str, y: np.ndarray, contract: Contract) -> np.ndarray:
    """[rows, frames]: one block of one component before scaling."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa remarks on silence and on short signals
        return _FUNCTIONS[name](y, contract)


def frames(y: np.ndarray, contract: Contract) -> np.ndarray:
    """float64 [380, 1 + samples // 256]: all rows of a signal (float32 [samples] at 12 kHz), scaled."""
    rows = [
        scale(block.name, raw_block(block.name, component, contract), contract)
        for component in separate(y, contract)
        for block in BLOCKS
    ]
    found = np.concatenate(rows)
    assert len(found) == 2 * COMPONENT_ROWS
    return found
