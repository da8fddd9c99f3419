"""One clip, once: open, read the timeline, decode pictures and sound for every view that is asked for."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from transforms.decoding import containers, decord_backend, describe, plan, pruned, sequential, timeline, walk
from transforms.decoding.limits import Limits
from transforms.decoding.picture import orientation
from transforms.decoding.rows import Allocate, RowFiller
from transforms.errors import RejectError
from transforms.sound import decode_sound
from transforms.views import DecodedClip, Frames, FrameView, Shots, ShotView, Sound, SoundView, View

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

    from transforms.shots.collect import Collector

DECODERS = ("pyav", "decord")


def decode_clip(
    path: str | os.PathLike[str],
    views: Iterable[View],
    limits: Limits | None = None,
    allocate: Allocate = np.zeros,
) -> DecodedClip:
    """Decode a clip in this process: no wall, CPU or memory limit (see :class:`DecoderProcess` for those).

    Parameters
    ----------
    views: what is wanted; all are served by one decode of the pictures and one of the sound. None: only ``info``.
    allocate: makes the zeroed arrays of the result.

    Returns
    -------
    DecodedClip with every FrameView and ShotView, and every SoundView unless the clip has no usable sound (flag
    ``no_sound`` or ``sound_error``).

    Raises
    ------
    RejectError: the clip cannot be used; the reason says why.
    MemoryError: not enough memory.
    ValueError: a view names an unknown decoder, resizer or shot method.
    """
    limits = limits or Limits()
    began = time.process_time()
    wanted = list(dict.fromkeys(views))
    frame_views = [view for view in wanted if isinstance(view, FrameView)]
    shot_views = [view for view in wanted if isinstance(view, ShotView)]
    sound_views = [view for view in wanted if isinstance(view, SoundView)]
    for view in frame_views:
        if view.decoder not in DECODERS:
            raise ValueError(f"unknown decoder {view.decoder!r}; known: {', '.join(DECODERS)}")
    path = os.path.abspath(os.fspath(path))
    done: dict[View, Frames | Sound | Shots] = {}
    with closing(containers.open_container(path)) as container:
        line = timeline.read_timeline(container, _cap(wanted), bool(sound_views))
        if line.duration_s > plan.exact(limits.max_duration_s):
            message = f"the clip lasts {float(line.duration_s):.0f} s, the limit is {limits.max_duration_s:.0f} s"
            raise RejectError("too_long", message, "probe")
        if frame_views or shot_views:
            done.update(_decode_pictures(path, container, line, frame_views, shot_views, limits, allocate))
        if sound_views and line.audio is not None:
            with _walk_again(path, container, line, line.audio) as walking:
                stream: Any = walking.container.streams[line.audio.index]
                track_s = _extent(line, line.audio)
                packets = line.audio.packets if line.kept else walking.packets()
                sounds, flags = decode_sound(
                    stream, packets, line.start_s, line.duration_s, track_s, sound_views, allocate
                )
            for sound_view, sound in sounds.items():
                done[sound_view] = sound
            line.info.flags.extend(flags)
    line.info.flags = sorted(set(line.info.flags))
    return DecodedClip(line.info, done, time.process_time() - began)


def _cap(views: Sequence[View]) -> plan.Fraction | None:
    """The last second that any view wants, None where one wants all."""
    ends = [view.max_s for view in views]
    if not ends or any(end is None or math.isinf(end) for end in ends):
        return None
    return max(plan.exact(end) for end in ends if end is not None)


def _extent(line: timeline.Timeline, track: timeline.Track) -> tuple[plan.Fraction, plan.Fraction]:
    """Where on the timeline a track begins and ends, as its packets declare it; the whole of it where they do not."""
    first_s = track.first * track.time_base - line.start_s if track.first is not None else plan.Fraction(0)
    end_s = track.end * track.time_base - line.start_s if track.end is not None else line.duration_s
    return first_s, end_s


class _walk_again:
    """The packets of one track: those that were kept, else a second reading with a decoder of its own.

    Parameters
    ----------
    fresh: read again in any case, because the first reading's decoder has been used.
    """

    def __init__(
        self,
        path: str,
        container: InputContainer,
        line: timeline.Timeline,
        track: timeline.Track,
        fresh: bool = False,
    ) -> None:
        self._track = track
        self._opened = None if line.kept and not fresh else containers.open_container(path)
        self.container = self._opened or container

    def __enter__(self) -> _walk_again:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def packets(self) -> Iterator[Packet]:
        """The track's packets in file order."""
        if self._opened is None:
            return iter(self._track.packets)
        return containers.packets(self._opened, [self._track.index])


def _decode_pictures(
    path: str,
    container: InputContainer,
    line: timeline.Timeline,
    views: list[FrameView],
    shot_views: list[ShotView],
    limits: Limits,
    allocate: Allocate,
) -> dict[View, Frames | Shots]:
    info, track = line.info, line.video
    if track is None or info.video is None:
        raise RejectError("no_video", "the file has no picture stream; a video was expected", "probe")
    walk.check_size(info.video.width_px, info.video.height_px, limits.max_pixels)
    if container.streams[track.index].codec_context is None:
        raise RejectError("no_frames", "this build of FFmpeg has no decoder for the picture stream", "decode")
    if track.encrypted:
        raise RejectError("no_frames", "the pictures are encrypted (common encryption); decrypt them first", "decode")
    if not track.pts:
        raise RejectError("no_frames", f"the {info.video.codec} stream is empty; is the file complete?", "decode")
    fillers = {
        v: RowFiller(v, line.start_s, line.duration_s, track.time_base, allocate) for v in views if v.decoder == "pyav"
    }
    collectors: dict[ShotView, Collector] = {}
    if shot_views:
        from transforms.shots.collect import Collector  # brings numba along

        collectors = {v: Collector(v, line.start_s, line.duration_s, track.time_base, allocate) for v in shot_views}
    if fillers or collectors:
        takers: list[RowFiller | Collector] = [*fillers.values(), *collectors.values()]
        outcome = _fill(path, container, line, track, takers, limits)
        _record(line, track, takers, outcome)
    done: dict[View, Frames | Shots] = {view: filler.frames() for view, filler in fillers.items()}
    done |= {shot_view: collector.shots() for shot_view, collector in collectors.items()}
    for view in views:
        if view.decoder == "decord":
            done[view] = decord_backend.decode(path, view, plan.row_count(line.duration_s, view), allocate)
            info.decoder = info.decoder or "decord"
    return done


def _fill(
    path: str,
    container: InputContainer,
    line: timeline.Timeline,
    track: timeline.Track,
    takers: list[RowFiller | Collector],
    limits: Limits,
) -> walk.Outcome:
    """The pruned walk where it is exact, else the sequential one."""
    info = line.info
    fillers = [taker for taker in takers if isinstance(taker, RowFiller)]
    every = len(fillers) < len(takers)
    prunable = info.video is not None and info.video.codec in pruned.CODECS and not every
    if prunable:
        try:
            with _walk_again(path, container, line, track) as walking:
                stream: Any = walking.container.streams[track.index]
                outcome = pruned.decode(stream, walking.packets(), track, fillers, limits.max_pixels)
            info.decoder = "pyav-pruned"
            return outcome
        except walk.NotPrunable as reason:
            info.decoder_note = str(reason)
            info.flags.append("sequential_fallback")
            for filler in fillers:
                filler.restart()
    else:
        info.decoder_note = "every picture" if every else f"codec {info.video.codec if info.video else 'unknown'}"
    info.decoder = "pyav-sequential"
    with _walk_again(path, container, line, track, fresh=prunable) as walking:
        stream = walking.container.streams[track.index]
        return sequential.decode(stream, walking.packets(), track, takers, limits.max_pixels)


def _record(
    line: timeline.Timeline, track: timeline.Track, takers: Sequence[walk.Taker], outcome: walk.Outcome
) -> None:
    """Note on the clip what decoding showed; a clip without one picture is turned away here."""
    info = line.info
    if not outcome.pictures or outcome.last_pts is None or info.video is None:
        words = f" ({outcome.last_error})" if outcome.last_error else ""
        message = f"not one picture of {len(track.pts)} {info.video.codec if info.video else ''} packets decodes{words}"
        raise RejectError("no_frames", message, "decode")
    info.video.rotation_deg, info.video.mirrored = orientation(outcome.matrix)
    if outcome.errors:
        info.flags.append("decode_errors")
    shown_pts = track.shown_pts()
    expected = describe.last_shown_before(shown_pts, max(taker.last_tick for taker in takers))
    if expected is not None:
        missing_s = float((expected - outcome.last_pts) * track.time_base)
        if missing_s > 1 + describe.spacing_s(shown_pts, track.time_base):
            info.flags.append("picture_ends_early")
