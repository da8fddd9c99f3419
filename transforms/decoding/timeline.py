"""A clip's own clock: where it starts, how long it is, which streams are used, and when each picture is shown.

One walk over the packets, without decoding, answers all of it. The packets are kept where they are few enough, so
that the file is opened and probed only once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from transforms.decoding import containers, describe, h264
from transforms.errors import RejectError
from transforms.views import ClipInfo

if TYPE_CHECKING:
    from av.audio.stream import AudioStream as PyAVAudio
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream as PyAVVideo

    AnyStream = PyAVVideo | PyAVAudio
    One = TypeVar("One", PyAVVideo, PyAVAudio)

DISPOSITION_DEFAULT, DISPOSITION_ATTACHED_PIC = 0x1, 0x400  # FFmpeg's avformat.h

#: A declared duration that differs from the packets' by more than this is not believed (ours).
DURATION_TRUST_S = 1
#: Packets are kept for the decoding walk up to this many bytes a clip, else the file is walked again (ours).
KEEP_BYTES = 192 << 20
#: Demuxing stops when every needed stream is this far behind the last wanted second, or one is so far behind that the
#: others must have ended (ours; containers interleave within about a second).
PAST_CAP_S, LOST_S = 2, 60


@dataclass(slots=True)
class Track:
    """What the walk saw of one stream, in decoding order; times are ticks of ``time_base``."""

    index: int
    time_base: Fraction
    pts: list[int | None] = field(default_factory=list)
    shown: list[bool] = field(default_factory=list)
    restarts: list[bool] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    first: int | None = None
    last: int | None = None
    end: int | None = None
    encrypted: bool = False
    damaged: bool = False

    def shown_pts(self) -> list[int]:
        """Sorted pts of the pictures that an edit list does not hide."""
        return sorted(pts for pts, shown in zip(self.pts, self.shown, strict=True) if shown and pts is not None)

    def add(self, packet: Packet) -> None:
        """Take one packet into the account."""
        pts = packet.pts  # each attribute is read once: PyAV makes a number of it every time
        hidden = packet.is_discard
        self.pts.append(pts)
        self.shown.append(not hidden)
        if packet.is_corrupt:
            self.damaged = True
        if pts is None:
            pts = packet.dts
            if pts is None:
                if self.first is None:  # a bare stream without times: as long as its packets together
                    self.end = (self.end or 0) + (packet.duration or 0)
                return
        if hidden:
            return
        last = self.last
        # A packet without a length counts as long as the gap before it.
        end = pts + (packet.duration or (pts - last if last is not None and pts > last else 0))
        if self.first is None or pts < self.first:
            self.first = pts
        if last is None or pts > last:
            self.last = pts
        if self.end is None or end > self.end:
            self.end = end


@dataclass
class Timeline:
    """The clip's clock and its chosen streams.

    Attributes
    ----------
    start_s, duration_s: exact seconds; ``start_s`` is on the container's clock.
    video, audio: the chosen streams' tracks, None where there is none.
    kept: whether the tracks hold their packets.
    """

    info: ClipInfo
    start_s: Fraction
    duration_s: Fraction
    video: Track | None
    audio: Track | None
    kept: bool


def read_timeline(container: InputContainer, cap_s: Fraction | None, wants_sound: bool) -> Timeline:
    """Walk the packets of an open container.

    Parameters
    ----------
    cap_s: the last second that any view wants; None where one wants all.
    wants_sound: whether sound packets up to the cap are needed.

    Raises
    ------
    RejectError: ``not_media`` where the container breaks before any packet.
    """
    pictures = [s for s in container.streams.video if not s.disposition & DISPOSITION_ATTACHED_PIC]
    sounds = list(container.streams.audio)
    streams: list[AnyStream] = [*pictures, *sounds]
    tracks = {s.index: Track(s.index, _time_base(s)) for s in streams}
    start_s = _start(container, streams)
    reading = _walk(container, tracks, start_s, cap_s, wants_sound)
    video, audio = _pick(pictures, tracks), _pick(sounds, tracks)
    if start_s is None:
        firsts = [t.first * t.time_base for t in tracks.values() if t.first is not None]
        start_s = min(firsts, default=Fraction(0))
    chosen = [tracks[stream.index] for stream in (video, audio) if stream is not None]
    duration_s, source = _duration(container, list(tracks.values()), chosen, start_s, reading.complete)
    info = ClipInfo(
        container=container.format.name,
        start_s=float(start_s),
        duration_s=float(duration_s),
        duration_source=source,
        video=describe.video_stream(video) if video else None,
        audio=describe.audio_stream(audio) if audio else None,
        video_streams=len(pictures),
        audio_streams=len(sounds),
    )
    picture = tracks[video.index] if video else None
    late_s = picture.first * picture.time_base - start_s if picture and picture.first is not None else Fraction(0)
    info.flags = describe.flags(info, late_s, sum(bool(tracks[s.index].pts) for s in pictures))
    if picture and describe.is_vfr(picture.shown_pts(), picture.time_base):
        info.flags.append("vfr")
    if reading.failed or any(track.damaged for track in chosen):
        info.flags.append("read_errors")
    return Timeline(info, start_s, duration_s, picture, tracks[audio.index] if audio else None, reading.kept)


def _time_base(stream: AnyStream) -> Fraction:
    return Fraction(stream.time_base) if stream.time_base else Fraction(1, 1_000_000)


def _start(container: InputContainer, streams: list[AnyStream]) -> Fraction | None:
    """The container's start, with the exact value of the stream that it was rounded from."""
    if container.start_time is None:
        return None
    rounded = Fraction(container.start_time, 1_000_000)
    for stream in streams:
        if stream.start_time is not None:
            start_s = stream.start_time * _time_base(stream)
            if abs(start_s - rounded) <= Fraction(1, 1_000_000):
                return start_s
    return rounded


class _Reading(NamedTuple):
    """How the walk ended: at the file's end or at the cap; with the packets kept or not; by an error or not."""

    complete: bool
    kept: bool
    failed: bool


def _walk(
    container: InputContainer,
    tracks: dict[int, Track],
    start_s: Fraction | None,
    cap_s: Fraction | None,
    wants_sound: bool,
) -> _Reading:
    """Fill the tracks."""
    import av

    stoppable = cap_s is not None and container.duration is not None and start_s is not None
    if stoppable and Fraction(container.duration, 1_000_000) <= cap_s:  # type: ignore[operator,arg-type]
        stoppable = False
    h264_units: dict[int, h264.Units] = {}
    for stream in container.streams:
        if stream.index in tracks and stream.codec_context is not None and stream.codec_context.name == "h264":
            h264_units[stream.index] = h264.Units(stream.codec_context.extradata)
    held_bytes, kept = 0, True
    latest: dict[int, int] = {}
    past: dict[int, int] = {}  # the last tick that is not yet past the cap
    if stoppable:
        past = {i: (start_s + cap_s + PAST_CAP_S) // track.time_base for i, track in tracks.items()}  # type: ignore[operator]
    picture_indices = {stream.index for stream in container.streams.video} & tracks.keys()
    try:
        for packet in containers.packets(container, tracks):
            track = tracks[packet.stream_index]
            index = track.index
            if not track.pts:
                track.encrypted = packet.has_sidedata("encryption_info")
            track.add(packet)
            units = h264_units.get(index)
            track.restarts.append(bool(units and packet.is_keyframe and units.is_idr(packet)))
            if kept:
                held_bytes += packet.size
                track.packets.append(packet)
                if held_bytes > KEEP_BYTES:
                    kept = False
                    for each in tracks.values():
                        each.packets.clear()
            if stoppable and (dts := packet.dts) is not None:
                looks = dts > past[index] or index not in latest  # else nothing can have changed
                latest[index] = dts
                if looks:
                    reached = {i: dts * tracks[i].time_base - start_s - cap_s for i, dts in latest.items()}  # type: ignore[operator]
                    if _is_past(reached, picture_indices, wants_sound):
                        return _Reading(complete=False, kept=kept, failed=False)
    except av.error.FFmpegError as problem:
        if problem.errno == 12:
            raise MemoryError("a packet wants more memory than there is; the file may be damaged") from problem
        if not any(track.pts for track in tracks.values()):
            raise RejectError("not_media", f"no packet can be read: {problem.strerror}", "probe") from problem
        return _Reading(complete=True, kept=kept, failed=True)
    return _Reading(complete=True, kept=kept, failed=False)


def _is_past(reached: dict[int, Fraction], pictures: set[int], wants_sound: bool) -> bool:
    """Whether nothing before the cap can follow.

    Parameters
    ----------
    reached: how far each stream seen so far is past the cap, in seconds.
    pictures: indices of the picture streams; the others are sound.
    """
    needed = [past_s for index, past_s in reached.items() if index in pictures or wants_sound or not pictures]
    if pictures.isdisjoint(reached) and pictures:
        return False
    return bool(needed) and (min(needed) > PAST_CAP_S or max(needed) > LOST_S)


def _pick(streams: list[One], tracks: dict[int, Track]) -> One | None:
    """The first default-flagged stream that has packets, else the first with packets, else the first."""
    if not streams:
        return None
    return min(streams, key=lambda s: (not tracks[s.index].pts, not s.disposition & DISPOSITION_DEFAULT))


def _duration(
    container: InputContainer, tracks: list[Track], chosen: list[Track], start_s: Fraction, complete: bool
) -> tuple[Fraction, str]:
    """The declared length if the packets of the chosen streams, or of all, bear it out; else the measured one."""
    declared = Fraction(container.duration, 1_000_000) if container.duration is not None else None
    if not complete and declared is not None:
        return declared, "container"
    measured = [end - start_s for each in (chosen, tracks) if (end := _end(each)) is not None]
    if declared is not None and (
        not measured or any(abs(declared - length_s) <= DURATION_TRUST_S for length_s in measured)
    ):
        return declared, "container"
    return max([Fraction(0), *measured[:1]]), "packets"


def _end(tracks: list[Track]) -> Fraction | None:
    return max((track.end * track.time_base for track in tracks if track.end is not None), default=None)
