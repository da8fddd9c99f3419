"""Decoded frames into blocks of one channel: frames are only gathered, the arithmetic is done a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from transforms.sound.resampling import Listener

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

#: Samples gathered before they are mixed; neither 2^14 nor 2^16 is faster (ours, measured).
BLOCK = 1 << 15
#: A sample beyond so many times full scale is damage, not sound: it becomes silence, as what is no number does (ours;
#: floating-point tracks may exceed full scale, and soxr would spread infinities over their neighbours).
LOUDEST = 1e6


@np.errstate(over="ignore", invalid="ignore")
def mono(channels: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of the channels, arrays [n] of any of FFmpeg's formats -> float32 [n], full scale 1; summed in float64."""
    kind = channels[0].dtype
    total = channels[0].astype(np.float64)
    for channel in channels[1:]:
        total += channel.astype(np.float64)
    if kind == np.uint8:
        total -= 128 * len(channels)
    total /= len(channels) * (1 if kind.kind == "f" else 1 << (8 * kind.itemsize - 1))
    mean = total.astype(np.float32)
    if kind.kind == "f" and not (mean.min(initial=0) >= -LOUDEST and mean.max(initial=0) <= LOUDEST):
        mean[~(np.abs(mean) <= LOUDEST)] = 0
    return mean


class Mixer:
    """Takes frames and silence in the order of the timeline, and hands blocks of one channel to the listeners.

    What no listener wants is counted, but neither copied nor mixed.

    Attributes
    ----------
    position: samples on the timeline so far, at the track's rate.
    full: whether every listener has all it wants.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.position = 0
        self.full = all(listener.full for listener in listeners)
        self._listeners = listeners
        self._wanted = min(listener.begins for listener in listeners)
        self._kind: tuple[str, int] | None = None
        self._held: list[AudioFrame] = []
        self._begins = self._count = self._cut = 0

    def add(self, frame: AudioFrame, cut: int) -> None:
        """A frame, without its first ``cut`` samples."""
        count = frame.samples - cut
        if self.position + count > self._wanted and not self.full:
            kind = (frame.format.name, frame.layout.nb_channels)
            if kind != self._kind or cut:
                self.flush()
                self._kind = kind
            if not self._held:
                self._begins, self._cut = self.position, cut
            self._held.append(frame)
            self._count += count
            if self._count >= BLOCK:
                self.flush()
        self.position += count

    def silence(self, count: int) -> None:
        """So many zeros."""
        self.flush()
        end = self.position + count
        for begins in range(max(self.position, self._wanted), end, BLOCK):
            if self.full:
                break
            self._hand_on(begins, np.zeros(min(BLOCK, end - begins), dtype=np.float32))
        self.position = end

    def flush(self) -> None:
        """Hand on what is gathered."""
        if self._held:
            frames, self._held, self._count = self._held, [], 0
            channels = [channel[self._cut :] for channel in _channels(frames)]
            for at in range(0, len(channels[0]), 2 * BLOCK):
                self._hand_on(self._begins + at, mono([channel[at : at + 2 * BLOCK] for channel in channels]))

    def _hand_on(self, begins: int, block: np.ndarray) -> None:
        for listener in self._listeners:
            listener.hear(begins, block)
        self.full = all(listener.full for listener in self._listeners)


def _channels(frames: list[AudioFrame]) -> list[np.ndarray]:
    """Each channel's samples, of frames of one format."""
    from av.audio.frame import format_dtypes

    form = frames[0].format
    kind, many = np.dtype(format_dtypes[form.name]), frames[0].layout.nb_channels
    planes: list[Any] = [frame.planes for frame in frames]  # PyAV's stubs do not say that planes are buffers
    counts = [frame.samples for frame in frames]
    if not form.is_planar:
        parts = [np.frombuffer(own[0], kind, count * many) for own, count in zip(planes, counts, strict=True)]
        return list(np.concatenate(parts).reshape(-1, many).T)
    return [
        np.concatenate([np.frombuffer(own[k], kind, count) for own, count in zip(planes, counts, strict=True)])
        for k in range(many)
    ]
