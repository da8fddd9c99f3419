"""The 380 rows, exact and fast: the paper's thirteen blocks of the harmonic and of the percussive component.

The signal is separated once. Of each component one short-time Fourier transform (512 samples, hop 256) serves the
chroma, the mel bands and the shape of the spectrum, block by block while it lies in the cache.
``reference`` has the same rows as plain librosa calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.music.cens import chroma_cens
from transforms.music.chroma import chroma_stft
from transforms.music.contract import Contract
from transforms.music.decibels import scale
from transforms.music.delta import slopes
from transforms.music.layout import BLOCKS, COMPONENT_ROWS, HOP, N_FFT, RATE_HZ, ROWS
from transforms.music.mel import cepstrum, filters, mel
from transforms.music.separation import separate
from transforms.music.shape import Shape
from transforms.music.spectra import blocks, frame_count
from transforms.music.tuning import SIGNAL_HOP, SIGNAL_N_FFT, Peaks, inner_frames, outer_magnitudes, tuning_of_signal
from transforms.music.waveform import rms, zcr

#: Mel bands of the spectrogram (paper and code).
_MEL_BANDS = 96


@dataclass(frozen=True)
class Spectrum:
    """What one pass over the transform of a component gives.

    Attributes
    ----------
    power: float32 [frames, 257], squared magnitudes.
    mel: float32 [frames, 96], power in mel bands.
    shape: centroid, bandwidth, rolloff and polynomials of the magnitudes.
    """

    power: np.ndarray
    mel: np.ndarray
    shape: Shape


def spectrum(y: np.ndarray, contract: Contract) -> Spectrum:
    """The transform shared by the blocks of a component ``y`` (float32 [samples])."""
    frames = frame_count(len(y), HOP)
    bank = filters(contract.mel_rate_hz, N_FFT, _MEL_BANDS)
    found = Spectrum(
        power=np.empty((frames, 1 + N_FFT // 2), dtype=np.float32),
        mel=np.empty((frames, _MEL_BANDS), dtype=np.float32),
        shape=Shape.empty(frames),
    )
    for where, transform in blocks(y, N_FFT, HOP, contract.padding):
        magnitude = np.abs(transform)
        found.shape.fill(where, magnitude)
        found.power[where] = magnitude**2
        found.mel[where] = mel(found.power[where], bank)
    return found


def mfcc_and_tuning(y: np.ndarray, power: np.ndarray, contract: Contract) -> tuple[np.ndarray, float]:
    """float32 [frames, 20], the cepstral coefficients of a component, and its tuning for the constant-Q transform.

    The published code's MFCC has another window than all else, 2048 samples; the tuning is estimated with the same one
    at every second frame, so one pass serves both.

    Parameters
    ----------
    power: of the transform with 512 samples.
    """
    bank = filters(RATE_HZ, contract.mfcc_n_fft, contract.mfcc_mels)
    if contract.mfcc_n_fft != SIGNAL_N_FFT:
        return cepstrum(mel(power, bank)), tuning_of_signal(y, contract.cens_bins_per_octave)
    bands = np.zeros((len(power), contract.mfcc_mels), dtype=np.float32)
    peaks, every = Peaks(SIGNAL_N_FFT), SIGNAL_HOP // HOP
    inner = inner_frames(len(y))
    for where, transform in blocks(y, SIGNAL_N_FFT, HOP, contract.padding):
        magnitude = np.abs(transform)
        if not magnitude.any():
            continue  # silence has no energy and no peaks
        bands[where] = mel(magnitude**2, bank)
        first, stop = max(where.start, inner.start * every), min(where.stop, inner.stop * every)
        peaks.add(np.ascontiguousarray(magnitude[first - where.start : max(0, stop - where.start) : every]))
    peaks.add(outer_magnitudes(y))
    return cepstrum(bands), peaks.tuning(contract.cens_bins_per_octave)


def raw_blocks(y: np.ndarray, contract: Contract) -> Iterator[np.ndarray]:
    """[frames, rows] each: the thirteen blocks of a component before scaling, in the order of ``layout.BLOCKS``."""
    shared = spectrum(y, contract)
    cepstral, tuning = mfcc_and_tuning(y, shared.power, contract)
    yield chroma_stft(shared.power).T
    yield chroma_cens(y, contract.cens_bins_per_octave, contract.padding, tuning).T
    yield shared.mel
    yield cepstral
    yield slopes(cepstral, contract.delta)
    yield slopes(cepstral, contract.delta, order=2)
    yield rms(y, contract.padding)
    yield shared.shape.centroid
    yield shared.shape.bandwidth
    yield shared.shape.rolloff
    yield shared.shape.poly1
    yield shared.shape.poly2
    yield zcr(y)


def frames(y: np.ndarray, contract: Contract) -> np.ndarray:
    """float32 [1 + samples // 256, 380]: all rows of a signal, scaled by the contract.

    Parameters
    ----------
    y: float32 [samples] at 12 kHz, at least 2,048 samples.
    """
    rows = np.empty((frame_count(len(y), HOP), ROWS), dtype=np.float32)
    for component, start in zip(separate(y, contract), range(0, ROWS, COMPONENT_ROWS), strict=True):
        part = rows[:, start : start + COMPONENT_ROWS]
        for block, raw in zip(BLOCKS, raw_blocks(component, contract), strict=True):
            part[:, block.slice] = scale(block.name, raw, contract.log)
    return rows
