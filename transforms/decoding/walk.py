"""Packets in, pictures out: the loop that the sequential and the pruned decoding share."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from transforms.decoding.complaints import Complaints
from transforms.decoding.picture import IDENTITY, Matrix, display_matrix
from transforms.errors import RejectError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


#: What FFmpeg (libavutil, imgutils.c) and dav1d say of a picture above ``max_pixels``.
_TOO_LARGE = ("exceeds specified max pixel count", "exceeds limit")


class NotPrunable(Exception):
    """The pruned walk cannot promise the pictures of a sequential decode; the message says why."""


@dataclass
class Outcome:
    """What a walk gave besides the rows.

    Attributes
    ----------
    pictures: how many came out and are shown.
    errors: packets that the decoder refused, and pictures that it patched up.
    last_pts: of the last shown picture; ``last_error``: the decoder's words.
    matrix: display matrix of the first picture.
    """

    pictures: int = 0
    errors: int = 0
    last_pts: int | None = None
    last_error: str = ""
    matrix: Matrix = IDENTITY


def prepare(stream: VideoStream, max_pixels: int, strict: bool) -> VideoCodecContext:
    """Set a fresh decoder up: one thread, no picture above ``max_pixels``; ``strict`` turns damage into errors."""
    context = stream.codec_context
    context.thread_count = 1
    context.thread_type = "NONE"
    context.options = {"max_pixels": str(max_pixels)} | ({"err_detect": "explode"} if strict else {})
    return context


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raise ``too_many_pixels`` where a picture is larger than the limit."""
    if width * height > max_pixels:
        message = f"pictures of {width}x{height} = {width * height} pixels, the limit is {max_pixels}"
        raise RejectError("too_many_pixels", message, "decode")


class Taker(Protocol):
    """A view that is filled while pictures come out of the decoder."""

    @property
    def done(self) -> bool:
        """Whether it needs no more pictures."""
        ...

    @property
    def last_tick(self) -> int:
        """The last tick at which it shows a picture."""
        ...

    def push(self, pts: int, frame: VideoFrame) -> None:
        """The next picture; its pts is not before the last one's."""
        ...

    def finish(self) -> None:
        """No picture follows."""
        ...


class Clock:
    """Gives every picture a time: its pts, else its dts, else one spacing after the picture before."""

    def __init__(self, first_pts: int, spacing: int) -> None:
        self._next, self._spacing = first_pts, spacing

    def pts(self, frame: VideoFrame) -> int:
        """The picture's time in ticks of its stream."""
        pts = frame.pts if frame.pts is not None else frame.dts
        pts = self._next if pts is None else pts
        self._next = pts + max(1, frame.duration or self._spacing)
        return pts


def pictures(
    context: VideoCodecContext, packets: Iterable[Packet], outcome: Outcome, max_pixels: int, strict: bool
) -> Iterator[VideoFrame]:
    """Decode; a packet that the decoder refuses is counted and skipped.

    If ``strict``, that, a damaged picture or any complaint of the decoder raises :class:`NotPrunable` instead.
    """
    with Complaints() as complaints:
        for packet in itertools.chain(packets, [None]):
            yield from _decode(context, packet, outcome, max_pixels, strict, complaints)
        if strict and (messages := complaints.take()):
            raise NotPrunable(f"decoder complaint ({messages[0]})")


def _decode(
    context: VideoCodecContext,
    packet: Packet | None,
    outcome: Outcome,
    max_pixels: int,
    strict: bool,
    complaints: Complaints,
) -> list[VideoFrame]:
    import av

    try:
        frames = context.decode(packet)
    except av.error.EOFError:
        return []
    except av.error.FFmpegError as problem:
        # Decoders report a picture above the limit in many ways, lack of memory among them; their log is plain.
        if any(words in text for text in complaints.take() for words in _TOO_LARGE):
            message = f"pictures grow in mid-stream to more than the limit of {max_pixels} pixels"
            raise RejectError("too_many_pixels", message, "decode") from problem
        if problem.errno == errno.ENOMEM:
            raise MemoryError("the decoder wanted more memory than it may have") from problem
        if strict:
            raise NotPrunable(f"decode error ({problem.strerror})") from problem
        outcome.errors += 1
        outcome.last_error = problem.strerror or str(problem)
        return []
    for frame in frames:
        check_size(frame.width, frame.height, max_pixels)
        if frame.is_corrupt:
            if strict:
                raise NotPrunable("damaged picture")
            outcome.errors += 1
            outcome.last_error = "damaged picture"
    return frames


def show(frame: VideoFrame, pts: int, fillers: Sequence[Taker], outcome: Outcome) -> None:
    """Give a picture to every view."""
    if not outcome.pictures:
        outcome.matrix = display_matrix(frame)
    outcome.pictures += 1
    outcome.last_pts = pts
    for filler in fillers:
        filler.push(pts, frame)


def tick_spacing(stream: VideoStream, time_base: Fraction) -> int:
    """Ticks between pictures by the declared rate, one second where it is not known."""
    rate = stream.guessed_rate or stream.average_rate or 1
    return max(1, round(1 / (Fraction(rate) * time_base)))
