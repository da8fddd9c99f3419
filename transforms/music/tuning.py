"""How far a recording is tuned away from A = 440 Hz: librosa's estimate, bit for bit, in one pass over the peaks.

Spectral peaks are refined by a parabola, the louder half of them votes, and the fullest of 100 steps of a bin wins
(librosa.estimate_tuning over piptrack). The estimate picks filter banks, so it has to be the very same step: values
are rounded where librosa rounds them. What is saved is the work on everything that is no peak.
"""

from __future__ import annotations

import numba
import numpy as np

from transforms.music import spectra
from transforms.music.layout import RATE_HZ

#: Peaks are looked for from here to there, in Hz (librosa's defaults of piptrack).
_LOWEST_HZ, _HIGHEST_HZ = 150.0, 4000.0
#: A peak exceeds this share of its frame's largest value (librosa's default).
_SHARE = 0.1
#: Window and hop with which librosa looks at a signal (its defaults).
SIGNAL_N_FFT, SIGNAL_HOP = 2048, 512
#: Borders of the steps, in bins of the octave: 0.01 wide (librosa's default).
_STEPS = np.linspace(-0.5, 0.5, 101)
#: Octaves are counted from here (librosa.hz_to_octs).
_A0_HZ = 440.0 / 16


@numba.njit(cache=True, nogil=True)
def _peaks(spectrum: np.ndarray, floors: np.ndarray, first: int, last: int, rate: float, out: np.ndarray) -> int:
    """Write (frequency, height) of the peaks in bins first to last - 1 into ``out`` [2, n]; gives their number.

    A neighbour under the floor is smaller than a peak above it, so librosa's zeroing of it changes nothing.
    """
    n_fft = 2 * (spectrum.shape[1] - 1)
    found = 0
    for t in range(spectrum.shape[0]):
        for i in range(first, last):
            here, before, after = spectrum[t, i], spectrum[t, i - 1], spectrum[t, i + 1]
            if here > floors[t] and here > before and here >= after:
                # As in librosa: the parabola in float64, its shift in float32, the slope in float32.
                bend = np.float64(after + before) - 2.0 * here
                slope = np.float64(after - before) / 2.0
                shift = np.float32(0.0) if abs(slope) >= abs(bend) else np.float32(-slope / bend)
                gradient = (after - before) * np.float32(0.5)
                out[0, found] = (i + np.float64(shift)) * rate / n_fft
                out[1, found] = here + np.float32(0.5) * gradient * shift
                found += 1
    return found


def _fullest_step(frequencies: np.ndarray, bins_per_octave: int) -> float:
    """librosa.pitch_tuning: where between two bins most of the frequencies (float32, in Hz) lie.

    Written out, because calling it loads all of librosa's core, which takes longer than a second.
    """
    residual = np.mod(bins_per_octave * np.log2(frequencies / _A0_HZ), 1.0)
    residual[residual >= 0.5] -= 1.0
    counts, _ = np.histogram(residual, _STEPS)
    return float(_STEPS[np.argmax(counts)])


class Peaks:
    """The peaks of spectra that come block by block, in whatever order; what they vote for is the tuning.

    Parameters
    ----------
    n_fft: window of the transform in samples at 12 kHz.
    """

    def __init__(self, n_fft: int) -> None:
        in_hz = np.fft.rfftfreq(n_fft, 1 / RATE_HZ)
        self._first, self._last = (int(np.searchsorted(in_hz, edge)) for edge in (_LOWEST_HZ, _HIGHEST_HZ))
        self._parts: list[np.ndarray] = []

    def add(self, spectrum: np.ndarray) -> None:
        """Take float32 [frames, 1 + n_fft // 2], contiguous."""
        if not len(spectrum):
            return
        floors = np.float32(_SHARE) * spectrum.max(axis=1)
        # no two neighbours are peaks at once
        peaks = np.empty((2, len(spectrum) * ((self._last - self._first + 1) // 2)), dtype=np.float32)
        found = _peaks(spectrum, floors, self._first, self._last, float(RATE_HZ), peaks)
        self._parts.append(peaks[:, :found])

    def tuning(self, bins_per_octave: int) -> float:
        """Deviation from A = 440 Hz in fractions of a bin, -0.5 to 0.49 in steps of 0.01; 0 where there is no peak."""
        frequencies, heights = np.concatenate(self._parts, axis=1)
        if not len(frequencies):
            return 0.0
        return _fullest_step(frequencies[heights >= np.median(heights)], bins_per_octave)


def tuning_of_spectrum(spectrum: np.ndarray, bins_per_octave: int = 12) -> float:
    """The tuning of magnitudes or powers, as :meth:`Peaks.tuning` gives it.

    Equals ``librosa.estimate_tuning(S=spectrum.T, sr=12000, bins_per_octave=bins_per_octave)``.

    Parameters
    ----------
    spectrum: float32 [frames, 1 + n_fft // 2] of a signal at 12 kHz. Peaks of powers lie elsewhere between the bins
        than peaks of magnitudes do; librosa's chroma hands on powers.
    """
    peaks = Peaks(2 * (spectrum.shape[1] - 1))
    for start in range(0, len(spectrum), spectra.BLOCK):
        peaks.add(spectrum[start : start + spectra.BLOCK])
    return peaks.tuning(bins_per_octave)


def tuning_of_signal(y: np.ndarray, bins_per_octave: int = 12) -> float:
    """The same of a signal, from magnitudes of 2048 samples every 512, with silence beyond its ends.

    Equals ``librosa.estimate_tuning(y=y, sr=12000, bins_per_octave=bins_per_octave)``, as librosa.cqt calls it: the
    padding is always silence, whatever the transform's own.

    Parameters
    ----------
    y: float32 [samples] at 12 kHz.
    """
    peaks = Peaks(SIGNAL_N_FFT)
    for _, block in spectra.blocks(y, SIGNAL_N_FFT, SIGNAL_HOP, "constant"):
        peaks.add(np.abs(block))
    return peaks.tuning(bins_per_octave)


def inner_frames(samples: int) -> range:
    """Those frames of :func:`tuning_of_signal` that see nothing beyond the ends, whatever the padding."""
    return range(SIGNAL_N_FFT // 2 // SIGNAL_HOP, (samples - SIGNAL_N_FFT // 2) // SIGNAL_HOP + 1)


def outer_magnitudes(y: np.ndarray) -> np.ndarray:
    """float32 [frames, 1025]: magnitudes of the frames that :func:`inner_frames` leaves out."""
    inner = inner_frames(len(y))
    outer = [frame for frame in range(spectra.frame_count(len(y), SIGNAL_HOP)) if frame not in inner]
    extended = spectra.padded(y, SIGNAL_N_FFT, "constant")
    windows = np.stack([extended[frame * SIGNAL_HOP :][:SIGNAL_N_FFT] for frame in outer])
    return np.abs(spectra.transform(windows))
