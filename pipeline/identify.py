"""Which clip an input file is: by the id of the manifest, else by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.inputs import InputClip, files
from transforms.errors import RejectError

#: From this many files on, hashing takes long enough to be announced (ours).
_ANNOUNCE = 1000


@dataclass(frozen=True)
class Identified:
    """An input file with its id.

    Attributes
    ----------
    sha256: content hash; None where nobody needs it yet (the worker makes it) or the file cannot be read.
    error: why it cannot be read.
    """

    clip_id: str
    sha256: str | None
    error: RejectError | None
    clip: InputClip


def identify(
    clips: Sequence[InputClip],
    known_rows: Sequence[Mapping[str, Any]],
    held: Collection[str],
    say: Callable[[str], None],
) -> tuple[list[Identified], int]:
    """The clips with their ids, without repetitions, and how many had the content of another.

    Parameters
    ----------
    known_rows: rows of clips and rejects; a file that looks as it did then (address, size, time of change) is not read.
    held: ids of which the dataset holds something, which has to be compared with the file's content.

    Raises
    ------
    UsageError: an id of the manifest is the content hash of another clip.
    """
    known = {(row["uri"], row["size_bytes"], row["mtime_ns"]): row for row in known_rows}
    hashes: dict[int, str | RejectError] = {}
    unknown: list[int] = []
    for number, clip in enumerate(clips):
        row = known.get((files.storable(clip.uri), clip.size_bytes, clip.mtime_ns))
        if row is not None and row["sha256"] and clip.clip_id in (None, row["id"]):
            hashes[number] = row["sha256"]
        elif clip.clip_id is None or clip.clip_id in held:
            unknown.append(number)
    if len(unknown) > _ANNOUNCE:
        say(f"hashing {len(unknown)} files")
    hashes.update(zip(unknown, files.sha256_of_many(clips[number].uri for number in unknown), strict=True))

    found: dict[str, Identified] = {}
    duplicates = 0
    for number, clip in enumerate(clips):
        outcome = hashes.get(number)
        error = outcome if isinstance(outcome, RejectError) else None
        sha256 = outcome if isinstance(outcome, str) else None
        clip_id = clip.clip_id or sha256 or unread_id(clip.uri)
        if clip_id in found:
            if clip.clip_id is not None:
                raise UsageError(f"clip_id {clip_id!r} is also the content hash of another clip; give it another id")
            duplicates += 1
            continue
        found[clip_id] = Identified(clip_id, sha256, error, clip)
    return list(found.values()), duplicates


def unread_id(uri: str) -> str:
    """The id under which a file is rejected whose content nobody could see."""
    return "unread-" + hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()[:32]
