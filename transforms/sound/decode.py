"""One decode of a sound track for every view of it."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from transforms.sound.entering import Entry, find_entry
from transforms.sound.mixing import Mixer
from transforms.sound.placing import Placer
from transforms.sound.resampling import Allocate, Listener, begins
from transforms.sound.window import Window, window
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
    """Decode a track once for several views, until every view has its samples.

    Parameters
    ----------
    stream: an audio stream with an unused decoder; ``packets``: all of its packets in file order; a sequence may be
        entered in the middle, where that makes no difference to the samples.
    start_s, duration_s: of the clip's timeline, on the container's clock.
    track_s: where on the timeline the track begins and ends, as its packets declare it; excerpts go by that.
    allocate: makes zeroed arrays.

    Returns
    -------
    (views, flags): float32 samples [round(min(duration, max_s) * rate)] for each view, or those of its excerpt; no
    view at all, with the flag ``sound_error``, where the track cannot be decoded, and none of an excerpt in which
    nothing can. ``sound_decode_errors``: some packets were damaged, of those that were decoded.
    """
    import av
    from av.audio.frame import format_dtypes

    if stream.codec_context is None:
        return {}, ["sound_error"]
    stream.codec_context.thread_count = 1
    parts = [(view, window(view, duration_s, track_s)) for view in views]
    rate_hz, listeners = 0, list[Listener]()
    entry = _entry(stream, packets, start_s, parts)
    if entry is not None and isinstance(packets, Sequence):
        rate_hz = stream.codec_context.sample_rate
        listeners = [Listener(view, part, rate_hz, allocate) for view, part in parts]
        placer, mixer = Placer(start_s, rate_hz, packets[0].time_base, entry.position), Mixer(listeners)
        frames = _Frames(stream, islice(packets, entry.packet, None), entry.wanted - entry.packet)
    else:
        frames = _Frames(stream, packets)
    try:
        for frame in frames:
            if not listeners:
                rate_hz = frame.sample_rate
                listeners = [Listener(view, part, rate_hz, allocate) for view, part in parts]
                placer, mixer = Placer(start_s, rate_hz, frame.time_base), Mixer(listeners)
            if frame.sample_rate != rate_hz or frame.format.name not in format_dtypes:
                frames.errors += 1  # a change of rate inside a track, or 64-bit integers: left out, as silence
                continue
            silence, cut = placer.place(frame, mixer.position)
            if silence:
                mixer.silence(silence)
            begins = mixer.position
            mixer.add(frame, cut)
            for listener in listeners:
                listener.notice(begins, mixer.position)
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
        if listener.view.excerpt_s is not None and len(part) and not listener.noticed:
            continue
        covered_s = part.clip_s(placer.first / rate_hz, mixer.position / rate_hz)
        sounds[listener.view] = Sound(listener.samples, part.rate_hz, *covered_s, origin=part.first)
    return sounds, ["sound_decode_errors"] if frames.errors else []


def _entry(
    stream: PyAVAudioStream, packets: Iterable[Packet], start_s: Fraction, parts: Sequence[tuple[SoundView, Window]]
) -> Entry | None:
    """Where the track is entered, None: at its start."""
    if not isinstance(packets, Sequence) or not parts or not stream.codec_context.sample_rate:
        return None
    wanted = min(begins(view, part, stream.codec_context.sample_rate) for view, part in parts)
    return find_entry(stream.codec_context, packets, start_s, wanted)


class _Frames:
    """Decoded frames; damaged packets are counted and skipped.

    Parameters
    ----------
    lead: so many packets only prepare the decoder; it may complain of what it has not seen.
    """

    def __init__(self, stream: PyAVAudioStream, packets: Iterable[Packet], lead: int = 0) -> None:
        self.errors = 0
        self._decoder, self._packets, self._lead = stream.codec_context, packets, lead

    def __iter__(self) -> Iterator[AudioFrame]:
        import av

        for number, packet in enumerate(chain(self._packets, [None])):
            try:
                yield from self._decoder.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError as problem:
                if problem.errno == errno.ENOMEM:
                    raise MemoryError("the sound decoder wanted more memory than it may have") from problem
                self.errors += number >= self._lead
