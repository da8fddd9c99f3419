"""One decode of a sound track for every view of it."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from transforms.sound.mixing import Mixer
from transforms.sound.placing import Placer
from transforms.sound.resampling import Allocate, Listener
from transforms.sound.window import window
from transforms.views import Sound, SoundView

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream as PyAVAudioStream
    from av.packet import Packet


def decode_sound(
    stream: PyAVAudioStream,
    packets: Iterable[Packet],
    start_s: Fraction,
    duration_s: Fraction,
    track_s: tuple[Fraction, Fraction],
    views: Sequence[SoundView],
    allocate: Allocate = np.zeros,
) -> tuple[dict[SoundView, Sound], list[str]]:
    """Decode a track once for several views, from its start until every view has its samples.

    Parameters
    ----------
    stream: an audio stream with an unused decoder; ``packets``: all of its packets in file order.
    start_s, duration_s: of the clip's timeline, on the container's clock.
    track_s: where on the timeline the track begins and ends, as its packets declare it; excerpts go by that.
    allocate: makes zeroed arrays.

    Returns
    -------
    (views, flags): float32 samples [round(min(duration, max_s) * rate)] for each view, or those of its excerpt; no
    view at all, with the flag ``sound_error``, where the track cannot be decoded. ``sound_decode_errors``: some packets
    were damaged, as far as the track was decoded.
    """
    import av
    from av.audio.frame import format_dtypes

    if stream.codec_context is None:
        return {}, ["sound_error"]
    stream.codec_context.thread_count = 1
    frames = _Frames(stream, packets)
    rate_hz, listeners = 0, list[Listener]()
    try:
        for frame in frames:
            if not listeners:
                rate_hz = frame.sample_rate
                wanted = [(view, window(view, duration_s, track_s)) for view in views]
                listeners = [Listener(view, part, rate_hz, allocate) for view, part in wanted]
                placer, mixer = Placer(start_s, rate_hz, frame.time_base), Mixer(listeners)
            if frame.sample_rate != rate_hz or frame.format.name not in format_dtypes:
                frames.errors += 1  # a change of rate inside a track, or 64-bit integers: left out, as silence
                continue
            silence, cut = placer.place(frame, mixer.position)
            if silence:
                mixer.silence(silence)
            mixer.add(frame, cut)
            if mixer.full and placer.first is not None:
                break
    except av.error.FFmpegError:
        frames.errors += 1
    if not listeners or placer.first is None:
        return {}, ["sound_error"]
    mixer.flush()
    sounds: dict[SoundView, Sound] = {}
    for listener in listeners:
        listener.finish()
        part = listener.window
        covered_s = part.clip_s(placer.first / rate_hz, mixer.position / rate_hz)
        sounds[listener.view] = Sound(listener.samples, part.rate_hz, *covered_s, origin=part.first)
    return sounds, ["sound_decode_errors"] if frames.errors else []


class _Frames:
    """Decoded frames; damaged packets are counted and skipped."""

    def __init__(self, stream: PyAVAudioStream, packets: Iterable[Packet]) -> None:
        self.errors = 0
        self._decoder, self._packets = stream.codec_context, packets

    def __iter__(self) -> Iterator[AudioFrame]:
        import av

        for packet in chain(self._packets, [None]):
            try:
                yield from self._decoder.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError as problem:
                if problem.errno == errno.ENOMEM:
                    raise MemoryError("the sound decoder wanted more memory than it may have") from problem
                self.errors += 1
