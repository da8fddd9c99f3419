"""Sounds: one note of an instrument, a drum, shaped noise, reverberation. Arrays of float32 at 44.1 kHz."""

from __future__ import annotations

import numpy as np

RATE_HZ = 44100
TABLE = 2048
#: Harmonics above this frequency are left out, so that no note aliases.
TOP_HZ = 15000.0


def hertz(midi: float) -> float:
    """Frequency of a MIDI note number (69 is 440 Hz)."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


def wavetable(frequency_hz: float, slope: float, hollow: float = 0.0) -> np.ndarray:
    """float32 [2048]: one period whose harmonic h has amplitude h^-slope.

    Parameters
    ----------
    slope: small is bright.
    hollow: 0 to 1, how far the even harmonics are taken away.
    """
    count = int(np.clip(TOP_HZ // frequency_hz, 1, 48))
    number = np.arange(1, count + 1)
    spectrum = np.zeros(TABLE // 2 + 1, dtype=complex)
    spectrum[1 : count + 1] = -1j * number ** (-slope) * np.where(number % 2 == 0, 1.0 - hollow, 1.0)
    wave = np.fft.irfft(spectrum)
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


def oscillate(frequency_hz: float, samples: int, table: np.ndarray, vibrato: float = 0.0) -> np.ndarray:
    """float32 [samples]: a table read at a pitch; ``vibrato`` is its depth in semitones, at 5.5 Hz."""
    phase = np.arange(samples) * (frequency_hz / RATE_HZ)
    if vibrato:
        turn = 2 * np.pi * 5.5 / RATE_HZ
        phase += frequency_hz * vibrato * 0.0578 / (2 * np.pi * 5.5) * np.sin(turn * np.arange(samples))
    return table[(phase * TABLE).astype(np.int64) & (TABLE - 1)]


def envelope(samples: int, attack_s: float, decay_s: float, release_s: float) -> np.ndarray:
    """float32 [samples]: a rise, an exponential decay of time constant ``decay_s``, and a release at the end."""
    t = np.arange(samples, dtype=np.float32) / RATE_HZ
    rise = np.minimum(t / np.float32(attack_s), 1)
    fall = np.minimum((samples / RATE_HZ - t) / np.float32(release_s), 1)
    return rise * fall * np.exp(-t / np.float32(decay_s))


def struck(frequency_hz: float, samples: int, slope: float) -> np.ndarray:
    """float32 [samples]: a bell, by frequency modulation with a ratio that is no whole number."""
    t = np.arange(samples, dtype=np.float64) / RATE_HZ
    depth = max(0.4, 3.0 - slope) * np.exp(-t / 0.5)
    wave = np.sin(2 * np.pi * frequency_hz * t + depth * np.sin(2 * np.pi * frequency_hz * 3.53 * t))
    return (1.4 * wave).astype(np.float32) * envelope(samples, 0.003, 0.9, 0.05)


def noise(samples: int, low_hz: float, high_hz: float, rng: np.random.Generator) -> np.ndarray:
    """float32 [samples]: noise of unit power between two frequencies, with soft edges."""
    spectrum = np.fft.rfft(rng.standard_normal(samples).astype(np.float32))
    frequency = np.fft.rfftfreq(samples, 1.0 / RATE_HZ) + 1.0
    spectrum *= 1.0 / (1.0 + (low_hz / frequency) ** 4) / (1.0 + (frequency / high_hz) ** 4)
    wave = np.fft.irfft(spectrum, samples)
    return (wave / (np.sqrt(np.mean(wave**2)) + 1e-9)).astype(np.float32)


def kick() -> np.ndarray:
    """float32: a drum whose pitch falls from 130 to 45 Hz."""
    t = np.arange(int(0.28 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * (45.0 * t + 85.0 * 0.035 * (1.0 - np.exp(-t / 0.035)))
    return (2.2 * np.sin(phase) * np.exp(-t / 0.09)).astype(np.float32) * envelope(len(t), 0.002, 10.0, 0.02)


def snare(rng: np.random.Generator) -> np.ndarray:
    """float32: a short noise over a low tone."""
    samples = int(0.2 * RATE_HZ)
    tone = np.sin(2 * np.pi * 190.0 * np.arange(samples) / RATE_HZ).astype(np.float32)
    return (noise(samples, 900, 7000, rng) + 0.6 * tone) * envelope(samples, 0.001, 0.06, 0.02)


def hat(rng: np.random.Generator) -> np.ndarray:
    """float32: a very short high noise."""
    samples = int(0.07 * RATE_HZ)
    return noise(samples, 7000, 13000, rng) * envelope(samples, 0.001, 0.02, 0.01)


def reverberate(stereo: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """float32 [2, n]: the sound with a room around it; ``share`` of 0 to 1 sets both its loudness and its length."""
    length = int((0.5 + 2.5 * share) * RATE_HZ)
    t = np.arange(length) / RATE_HZ
    tail = rng.standard_normal((2, length)) * np.exp(-t / (0.12 + 0.6 * share))
    tail /= np.sqrt(np.sum(tail**2, axis=1, keepdims=True))
    samples = stereo.shape[1]
    size = 1 << (samples + length - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(stereo, size) * np.fft.rfft(tail.astype(np.float32), size), size)[:, :samples]
    return ((1.0 - 0.6 * share) * stereo + 1.2 * share * wet).astype(np.float32)
