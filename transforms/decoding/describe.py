"""What the container says of its streams, and the words that a user may want to filter clips by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from transforms.views import AudioStream, ClipInfo, VideoStream

if TYPE_CHECKING:
    from av.audio.stream import AudioStream as PyAVAudio
    from av.video.stream import VideoStream as PyAVVideo

#: A picture spacing that differs from the median by more than this share and this time makes a clip ``vfr`` (ours).
VFR_SHARE, VFR_S = 0.12, 0.0025
#: Transfer characteristics of HDR: SMPTE 2084 (PQ) and ARIB STD-B67 (HLG), as in ITU-T H.273, table 3.
HDR_TRANSFERS = (16, 18)


def video_stream(stream: PyAVVideo) -> VideoStream:
    """The picture stream, coded; its orientation is known when the first picture has been decoded."""
    context = stream.codec_context
    aspect, rate = stream.sample_aspect_ratio, stream.average_rate
    transfer = context.color_trc if context else None
    return VideoStream(
        index=stream.index,
        codec=_codec_name(stream),
        width_px=context.width if context else 0,
        height_px=context.height if context else 0,
        pix_fmt=(context.pix_fmt or "") if context else "",
        sample_aspect_ratio=f"{aspect.numerator}:{aspect.denominator}" if aspect else "1:1",
        rotation_deg=0,
        mirrored=False,
        average_fps=float(rate) if rate else None,
        hdr=transfer is not None and int(transfer) in HDR_TRANSFERS,
    )


def audio_stream(stream: PyAVAudio) -> AudioStream:
    """The sound stream."""
    context = stream.codec_context
    return AudioStream(
        index=stream.index,
        codec=_codec_name(stream),
        rate_hz=context.sample_rate if context else 0,
        channels=context.channels if context else 0,
    )


def _codec_name(stream: PyAVVideo | PyAVAudio) -> str:
    """The codec's own name (``av1``), not the decoder's (``libdav1d``)."""
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def flags(info: ClipInfo, late_s: Fraction, filled_pictures: int) -> list[str]:
    """Flags that need no decoding.

    Parameters
    ----------
    late_s: how long after the clip's start the first picture is shown.
    filled_pictures: picture streams that hold packets.
    """
    found = {
        "no_sound": info.audio is None,
        "duration_measured": info.duration_source == "packets",
        "several_pictures": filled_pictures > 1,
        "hdr": info.video is not None and info.video.hdr,
        "late_picture": late_s >= 1,
    }
    return [flag for flag, holds in found.items() if holds]


def spacing_s(shown_pts: Sequence[int], time_base: Fraction) -> float:
    """Median seconds between pictures, 0 for fewer than two."""
    return float(np.median(np.diff(shown_pts))) * float(time_base) if len(shown_pts) > 1 else 0.0


def is_vfr(shown_pts: Sequence[int], time_base: Fraction) -> bool:
    """Whether the pictures are unevenly spaced."""
    if len(shown_pts) < 3:
        return False
    gaps_s = np.diff(np.array(shown_pts, dtype=np.float64)) * float(time_base)
    median_s = float(np.median(gaps_s))
    return bool(np.any(np.abs(gaps_s - median_s) > max(VFR_S, VFR_SHARE * median_s)))


def last_shown_before(shown_pts: Sequence[int], limit: int) -> int | None:
    """The last pts <= ``limit``."""
    position = bisect_right(shown_pts, limit)
    return shown_pts[position - 1] if position else None
