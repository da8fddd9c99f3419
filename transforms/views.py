"""Views: what decoding hands to the extractors.

A view names a way of looking at a clip (frames at one size and rate, or sound at one rate). Extractors that name
the same view share its data, so that a clip is decoded once however many features are computed from it.
Views are frozen and hashable: they are dictionary keys, and their fields are part of a feature's fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

#: YouTube-8M as used by VM-NET samples the first 360 s of a video (paper; the released extractor stops at 300).
PAPER_MAX_S = 360.0


@dataclass(frozen=True)
class FrameView:
    """Pictures on a regular grid of the clip's timeline.

    Row k holds the last frame whose pts is <= ``start + k / rate_hz``; where no frame is that early but the first one
    falls into the cell [k, k + 1) / rate_hz, row k holds that first frame.

    Parameters
    ----------
    size_px: side of the square picture in pixels; the aspect ratio is not kept (as in YouTube-8M's extractor).
    rate_hz: rows per second.
    max_s: rows at or after this second are not made.
    decoder: ``pyav`` (exact) or ``decord`` (by average frame rate, for comparison).
    resizer: ``swscale-bilinear`` straight from the coded picture, or ``rgb-antialias`` (full-size RGB first).
    """

    size_px: int = 299
    rate_hz: float = 1.0
    max_s: float = PAPER_MAX_S
    decoder: str = "pyav"
    resizer: str = "swscale-bilinear"


@dataclass(frozen=True)
class SoundView:
    """One channel of sound at one rate, on the clip's timeline: sample i is at ``i / rate_hz`` seconds.

    The channels are averaged (FFmpeg's own down-mix of stereo is sqrt(2) louder), then resampled with soxr HQ.

    Parameters
    ----------
    max_s: samples at or after this second are not made; None: to the clip's end.
    excerpt_s: only so many seconds around the middle of the track (of its extent on the timeline, as the packets
        declare it), or the whole track where it is shorter. None: the timeline from its start.
    via_hz: resampled to this rate first; None: directly.
    """

    rate_hz: int
    max_s: float | None = None
    excerpt_s: float | None = None
    via_hz: int | None = None


@dataclass(frozen=True)
class ShotView:
    """Every picture of the clip, cut into shots while it is decoded, and of each shot the pictures that stand for it.

    Parameters
    ----------
    method: a detector of :mod:`transforms.shots.detectors`.
    threshold: difference from which a picture may begin a shot, in the method's own measure.
    ratio: how many times the mean difference of its neighbours a cut has to reach; 0: not asked.
    window: neighbours on either side.
    floor: least difference that counts, whatever the ratio, in the method's own measure.
    min_length_s: no shot is shorter, but for the last one.
    flash_frames: a change that is gone after so many pictures makes no cut.
    gradual: whether dissolves are looked for.
    max_s: pictures at or after this second are not looked at.
    short_px: shorter side of the pictures that are handed on, whose aspect is kept; smaller ones are not enlarged.
    """

    method: str = "histogram"
    threshold: float = 0.08
    ratio: float = 3.5
    window: int = 3
    floor: float = 0.0
    min_length_s: float = 0.6
    flash_frames: int = 3
    gradual: bool = True
    max_s: float = PAPER_MAX_S
    short_px: int = 256


View = FrameView | SoundView | ShotView


@dataclass
class Frames:
    """The data of a :class:`FrameView`.

    Attributes
    ----------
    pixels: uint8 [n, size, size, 3], RGB, upright (the container's rotation is applied).
    times_s: float64 [n], the pts of the frame shown in each row, in seconds from the clip's start; 0 where masked.
    mask: bool [n], False where the timeline has no picture yet (the row is black then).
    """

    pixels: np.ndarray
    times_s: np.ndarray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass
class Sound:
    """The data of a :class:`SoundView`.

    Attributes
    ----------
    samples: float32 [n]; silence (0) where the track starts late, has a gap or ends early.
    rate_hz: samples per second.
    start_s, end_s: the part of the timeline, within these samples, that the decoded track really covers, half-open;
        equal where it covers none of them. samples[round(start_s * rate_hz) - origin : round(end_s * rate_hz) - origin]
        are sound, all else is silence but for the ringing of the resampler.
    origin: where on the timeline the first sample lies, in samples: 0 unless the view is an excerpt.
    shared: what features of the same clip compute in common, by a key of their own; gone with the sound.
    """

    samples: np.ndarray
    rate_hz: int
    start_s: float
    end_s: float
    origin: int = 0
    shared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


#: What stands for a shot (second axis of ``Shots.pictures``): its first settled picture, and the one that differs most
#: from the picture before it, among those after the first.
FIRST, KEY = 0, 1


@dataclass
class Shots:
    """The data of a :class:`ShotView`: n shots in order, each beginning where the one before ends.

    Pictures are counted from 0 in the order in which they are shown; times are seconds from the clip's start.

    Attributes
    ----------
    first_frames, end_frames: int64 [n], half-open.
    starts_s, ends_s: float64 [n], half-open; a shot begins with the pts of its first picture, the last one ends with
        the clip or at ``max_s``.
    gradual_s: float64 [n, 2]: the dissolve by which a shot begins, half-open; both are its start for a cut.
    jumps: float32 [n], histogram difference (0 to 1) between a shot's first picture and the one before; 0 at first.
    histograms: float32 [n, 128], mean colour histogram of each shot's pictures; sums to 1.
    frames, times_s: int64, float64 [n, 2], of the pictures that stand for a shot: :data:`FIRST` and :data:`KEY`. A
        dissolve is passed over; in a shot of one picture both are that one.
    differences: float32 [n, 2], histogram difference of each to the picture before it.
    pictures: uint8 [n, 2, height, width, 3], RGB, upright.
    shared: what features of the same clip compute in common, by a key of their own; gone with the pictures.
    """

    first_frames: np.ndarray
    end_frames: np.ndarray
    starts_s: np.ndarray
    ends_s: np.ndarray
    gradual_s: np.ndarray
    jumps: np.ndarray
    histograms: np.ndarray
    frames: np.ndarray
    times_s: np.ndarray
    differences: np.ndarray
    pictures: np.ndarray
    shared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.first_frames)


#: The arrays of :class:`Shots` besides the pictures.
SHOT_ARRAYS = tuple(each.name for each in fields(Shots) if each.name not in ("pictures", "shared"))


@dataclass
class VideoStream:
    """What the container says of the chosen picture stream (coded size, before rotation)."""

    index: int
    codec: str
    width_px: int
    height_px: int
    pix_fmt: str
    sample_aspect_ratio: str
    rotation_deg: int
    mirrored: bool
    average_fps: float | None
    hdr: bool


@dataclass
class AudioStream:
    """What the container says of the chosen sound stream."""

    index: int
    codec: str
    rate_hz: int
    channels: int


@dataclass
class ClipInfo:
    """One clip's timeline and streams.

    Attributes
    ----------
    start_s: the container's start on its own clock; every other time of the clip is relative to it.
    duration_s: length of the timeline in seconds.
    duration_source: ``container`` or ``packets`` (measured, where the header says nothing or nonsense).
    decoder: how the pictures were decoded: ``pyav-pruned``, ``pyav-sequential`` or ``decord``; empty if they were not.
    decoder_note: why it was not the default one, for example ``open GOP``.
    flags: short words for what a user may want to filter on, for example ``no_sound``, ``late_picture``.
    """

    container: str
    start_s: float
    duration_s: float
    duration_source: str
    video: VideoStream | None
    audio: AudioStream | None
    video_streams: int
    audio_streams: int
    decoder: str = ""
    decoder_note: str = ""
    flags: list[str] = field(default_factory=list)


@dataclass
class DecodedClip:
    """A clip with the data of every view that was asked for (a sound view is absent where there is no sound)."""

    info: ClipInfo
    views: dict[View, Frames | Sound | Shots]
    cpu_s: float = 0.0
