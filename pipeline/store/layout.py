"""Names and places: where a clip's rows live follows from its id alone."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

#: Version of the layout on disk. A dataset of another version is refused, never reinterpreted.
FORMAT_VERSION = 1
#: Every dataset carries this word in dataset.json, so that a stranger's folder is never taken for one.
FORMAT_NAME = "reelscore-dataset"

_PART = re.compile(r"^part-[0-9a-f]{12}-(\d{5})-of-(\d{5})\.parquet$")


def shard_of(clip_id: str, shards: int) -> int:
    """Number of the shard that holds a clip, the same in every table: crc32 of the id modulo the number of shards."""
    return zlib.crc32(clip_id.encode("utf-8")) % shards


def part_name(shard: int, shards: int, content: Iterable[str]) -> str:
    """File name of a part. It follows from what is in it, so that a repeated bundle writes the same file again.

    Parameters
    ----------
    content: what tells this part from others of the shard: the ids in it and the fingerprint of their values.
    """
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]
    return f"part-{digest}-{shard:05d}-of-{shards:05d}.parquet"


def part_shard(path: Path) -> int | None:
    """Shard number in the name of a part file; None for any other file."""
    found = _PART.match(path.name)
    return int(found.group(1)) if found else None


def sound_path(dataset: Path, sha256: str, shard: int) -> Path:
    """Where ``--keep-sound`` puts the sound track of a clip; named by content, which is safe as a file name."""
    return dataset / "sound" / f"{shard:05d}" / f"{sha256}.flac"


def parts(folder: Path, shard: int | None = None) -> list[Path]:
    """Part files of a table, of one shard or of all, in a fixed order."""
    if not folder.is_dir():
        return []
    found = [(number, path) for path in folder.iterdir() if (number := part_shard(path)) is not None]
    return [path for number, path in sorted(found) if shard is None or number == shard]
