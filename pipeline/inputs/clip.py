"""One clip as the input names it, before anyone has looked into the file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InputClip:
    """A media file given to the pipeline.

    Attributes
    ----------
    uri: absolute local path, or an address that Beam's filesystems read.
    clip_id: the id of a manifest; None means the content hash.
    split: ``train``, ``val`` or ``test`` of a manifest; None means by hash.
    size_bytes, mtime_ns: as the filesystem says now; -1 and 0 where the file cannot be seen.
    """

    uri: str
    clip_id: str | None = None
    split: str | None = None
    label: str | None = None
    text: str | None = None
    size_bytes: int = -1
    mtime_ns: int = 0
