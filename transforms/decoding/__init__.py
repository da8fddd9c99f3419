"""Decoding: a media file in, the views that extractors want out, on the container's own timeline.

``DecoderProcess`` decodes in a killable child process; ``decode_clip`` does the same work in this process. Neither
imports torch, and importing this package does not import FFmpeg.

How it hangs together: ``containers`` opens safely, ``timeline`` walks the packets once, ``plan`` says which picture
belongs into which row, ``pruned`` or ``sequential`` decode, ``rows`` and ``picture`` convert what is shown; ``process``
and ``child`` are the two ends of the pipe.

Flags of a clip (``ClipInfo.flags``): ``decode_errors`` (packets were refused or patched up), ``duration_measured``
(the header's length was missing or false), ``hdr`` (PQ or HLG; not tone-mapped), ``late_picture`` (the first second
or more has none), ``no_sound``, ``picture_ends_early`` (decoding died more than a second before the stream's end; the
last picture stays), ``read_errors`` (the container is damaged), ``sequential_fallback`` (see ``decoder_note``),
``several_pictures`` (more than one picture stream; the default one is taken), ``sound_decode_errors``,
``sound_error`` (no sound view for that), ``vfr`` (unevenly spaced pictures).
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from transforms.decoding.limits import Limits
from transforms.decoding.process import DecoderProcess
from transforms.views import DecodedClip, View

__all__ = ["DecoderProcess", "Limits", "decode_clip"]


def decode_clip(path: str | os.PathLike[str], views: Iterable[View], limits: Limits | None = None) -> DecodedClip:
    """Decode in this process; see :func:`transforms.decoding.decode.decode_clip`."""
    from transforms.decoding.decode import decode_clip as decode_here

    return decode_here(path, views, limits)
