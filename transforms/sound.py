"""The sound of a clip: one channel on the clip's timeline at the rate a feature asks for, or the whole track as FLAC.

The track is decoded from its start: AAC's noise substitution depends on the decoder's state, so that seeking would not
give the same samples twice. Encoder delay and edit lists are removed by FFmpeg (its skip-samples side data).
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from transforms.errors import RejectError
from transforms.views import AudioStream, ClipInfo, Sound, SoundView

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream as PyAVAudioStream
    from av.packet import Packet

    from transforms.decoding.limits import Limits

#: Timestamps that stray less than this are rounding of the container, more is a gap or an overlap (ours; Matroska
#: rounds to 1 ms, an AAC frame of 1024 samples lasts 21 ms).
JITTER_S = 0.020

Allocate = Callable[[tuple[int, ...], type], np.ndarray]


def decode_sound(
    stream: PyAVAudioStream,
    packets: Iterable[Packet],
    start_s: Fraction,
    duration_s: Fraction,
    views: Sequence[SoundView],
    allocate: Allocate = np.zeros,
) -> tuple[dict[SoundView, Sound], list[str]]:
    """Decode a track once for several views.

    Parameters
    ----------
    stream: an audio stream with an unused decoder; ``packets``: all of its packets in file order.
    start_s, duration_s: of the clip's timeline, on the container's clock.
    allocate: makes zeroed arrays.

    Returns
    -------
    (views, flags): float32 samples [round(min(duration, max_s) * rate)] for each view; no view at all, with the flag
    ``sound_error``, where the track cannot be decoded. ``sound_decode_errors``: some packets were damaged.
    """
    import av

    if stream.codec_context is None:
        return {}, ["sound_error"]
    stream.codec_context.thread_count = 1
    ends = [duration_s if view.max_s is None else min(duration_s, Fraction(view.max_s)) for view in views]
    placer = _Placer(start_s, max(ends))
    resamplers: list[_Resampler] = []
    try:
        for frame in _frames(stream, packets, placer):
            if not resamplers:
                placer.rate_hz = frame.sample_rate
                resamplers = [
                    _Resampler(view, end, frame.sample_rate, allocate) for view, end in zip(views, ends, strict=True)
                ]
            for block in placer.place(frame):
                for resampler in resamplers:
                    resampler.push(block)
            if placer.full:
                break
    except av.error.FFmpegError:
        placer.errors += 1
    if not resamplers or not placer.covered:
        return {}, ["sound_error"]
    flags = ["sound_decode_errors"] if placer.errors else []
    spans = [(placer.first / placer.rate_hz, min(placer.position / placer.rate_hz, float(end))) for end in ends]
    made = {r.view: Sound(r.finish(), r.view.rate_hz, *span) for r, span in zip(resamplers, spans, strict=True)}
    return made, flags


def _frames(stream: PyAVAudioStream, packets: Iterable[Packet], placer: _Placer) -> Iterable[AudioFrame]:
    """Decoded frames; damaged packets are counted and skipped."""
    import av

    for packet in [*packets, None]:
        try:
            yield from stream.codec_context.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as problem:
            if problem.errno == 12:
                raise MemoryError("the sound decoder wanted more memory than it may have") from problem
            placer.errors += 1


def mono(frame: AudioFrame) -> np.ndarray:
    """Mean of the channels, float32 [samples] in -1..1; computed in float64."""
    data = frame.to_ndarray()
    channels = data if frame.format.is_planar else data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype == np.uint8:
        scaled = (channels.astype(np.float64) - 128) / 128
    elif data.dtype.kind == "i":
        scaled = channels.astype(np.float64) / 2.0 ** (8 * data.dtype.itemsize - 1)
    else:
        scaled = channels.astype(np.float64)
    return scaled.mean(axis=0).astype(np.float32)


class _Placer:
    """Puts decoded frames on the timeline at the native rate: silence in gaps, overlaps cut, nothing before second 0.

    Attributes
    ----------
    position: samples written so far; ``first``: where the track begins; both from the clip's start.
    """

    def __init__(self, start_s: Fraction, end_s: Fraction) -> None:
        self._start_s, self._end_s = start_s, end_s
        self.rate_hz = 0
        self.position = self.first = self.errors = 0
        self.covered = False

    @property
    def full(self) -> bool:
        """Whether every wanted second is there."""
        return self.position >= self._end_s * self.rate_hz

    def place(self, frame: AudioFrame) -> Iterable[np.ndarray]:
        """The blocks of samples that this frame adds, in order."""
        if frame.sample_rate != self.rate_hz:
            self.errors += 1  # a change of rate inside a track: left out, as silence
            return
        samples = mono(frame)
        if frame.pts is not None and frame.time_base is not None:
            time_s = frame.pts * Fraction(frame.time_base) - self._start_s
            ahead = round(time_s * self.rate_hz) - self.position
            if abs(ahead) > JITTER_S * self.rate_hz or not self.covered:
                if ahead < 0:
                    samples = samples[-ahead:]
                elif ahead > 0:
                    yield from self._silence(ahead)
        if len(samples):
            if not self.covered:
                self.covered, self.first = True, self.position
            self.position += len(samples)
            yield samples

    def _silence(self, count: int) -> Iterable[np.ndarray]:
        """``count`` zeros in blocks, but not past the end of what is wanted."""
        room = int(self._end_s * self.rate_hz) + 1 - self.position
        count = max(0, min(count, room))
        block = 1 << 16
        for _ in range(0, count, block):
            size = min(block, count)
            count -= size
            self.position += size
            yield np.zeros(size, dtype=np.float32)


class _Resampler:
    """soxr HQ from the native rate into a view's array, block by block."""

    def __init__(self, view: SoundView, end_s: Fraction, rate_hz: int, allocate: Allocate) -> None:
        import soxr

        self.view = view
        self._samples = allocate((round(end_s * view.rate_hz),), np.float32)
        self._filled = 0
        same = rate_hz == view.rate_hz
        self._stream = None if same else soxr.ResampleStream(rate_hz, view.rate_hz, 1, dtype="float32", quality="HQ")

    def push(self, block: np.ndarray) -> None:
        """The next samples at the native rate."""
        self._append(block if self._stream is None else self._stream.resample_chunk(block))

    def _append(self, block: np.ndarray) -> None:
        block = block[: len(self._samples) - self._filled]
        self._samples[self._filled : self._filled + len(block)] = block
        self._filled += len(block)

    def finish(self) -> np.ndarray:
        """The view's samples, silent after the track's end."""
        if self._stream is not None:
            self._append(self._stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True))
        return self._samples


def write_flac(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    limits: Limits,
    info: ClipInfo | None = None,
) -> None:
    """Write a clip's sound track as FLAC, at its own rate and channels, from the track's own first sample on.

    Parameters
    ----------
    path: the clip; ``out``: the file to make; it appears by rename, complete or not at all.
    info: what decoding found, so that the same track is taken; without it, the file is opened to look.

    Raises
    ------
    RejectError: ``no_sound``, ``sound_error`` with FFmpeg's last line, ``wall_limit``, or what opening the clip raises.
    OSError: ``out`` cannot be written.
    """
    import ffmpeg

    from transforms.decoding.containers import ALLOWED_FORMATS, sniff
    from transforms.ffmpeg import executable

    path = os.path.abspath(os.fspath(path))
    sniff(path)
    audio = info.audio if info is not None else _find_audio(path)
    if audio is None:
        raise RejectError("no_sound", "the file has no sound stream", "sound")
    out = Path(out)
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex}.part")
    partial.touch(exist_ok=False)  # an unwritable folder is the caller's trouble, not the clip's
    try:
        source = ffmpeg.input(f"file:{path}", protocol_whitelist="file", format_whitelist=",".join(ALLOWED_FORMATS))
        command = (
            ffmpeg.output(
                source[str(audio.index)], f"file:{partial.resolve()}", format="flac", acodec="flac", map_metadata=-1
            )
            .global_args("-nostdin", "-loglevel", "error", "-threads", "1", "-fflags", "+bitexact")
            .overwrite_output()
            .compile(cmd=executable())
        )
        try:
            ended = subprocess.run(command, capture_output=True, timeout=limits.wall_s, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as problem:
            raise RejectError("wall_limit", f"FFmpeg took longer than {limits.wall_s:g} s", "sound") from problem
        if ended.returncode:
            lines = ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ended.returncode}"]
            raise RejectError("sound_error", f"FFmpeg cannot write the track as FLAC: {lines[-1]}", "sound")
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def _find_audio(path: str) -> AudioStream | None:
    from transforms.decoding.containers import open_container
    from transforms.decoding.timeline import read_timeline

    with open_container(path) as container:
        return read_timeline(container, Fraction(0), False).info.audio
