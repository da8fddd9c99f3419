"""From what a person gives (--input) to a list of clips."""

from __future__ import annotations

import csv
import glob
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.inputs import files
from pipeline.inputs.clip import InputClip
from pipeline.inputs.splits import normalise_split
from pipeline.store import Dataset

#: File names that a folder is searched for. Sound files are among them so that they are turned away with a reason
#: instead of being missed in silence. A manifest or a glob takes any name.
MEDIA_SUFFIXES = frozenset(
    "." + word
    for line in (
        "3g2 3gp asf avi dv f4v flv gxf h264 h265 hevc ivf m1v m2t m2ts m2v m4v mj2 mjpeg mkv mov mp4 mpe mpeg mpg mts",
        "mxf nut ogm ogv qt rm rmvb ts vob webm wmv wtv y4m",
        "aac aif aiff flac m4a m4b mka mp2 mp3 oga ogg opus wav wma",
    )
    for word in line.split()
)
MANIFEST_SUFFIXES = (".csv", ".parquet")
_COLUMNS = ("uri", "clip_id", "split", "label", "text")


def read_input(given: str, say: Callable[[str], None] = lambda line: None) -> list[InputClip]:
    """The clips of a folder, a glob, a manifest (CSV or Parquet) or a single file, with sizes and times.

    Parameters
    ----------
    say: takes a line about what was passed over.

    Raises
    ------
    UsageError: nothing there, an empty folder, a manifest without ``uri``, ids given twice.
    """
    if files.is_remote(given):
        return _read_remote(given)
    path = Path(given)
    try:
        path.stat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise UsageError(f"--input {given[:200]}: {getattr(error, 'strerror', None) or error}") from None
    if path.is_dir():
        return _read_folder(path, say)
    if path.is_file():
        if path.suffix.lower() in MANIFEST_SUFFIXES:
            return _read_manifest(given)
        return [_local(path)]
    if glob.has_magic(given):
        found = sorted(Path(name) for name in glob.glob(given, recursive=True))
        clips = [_local(name) for name in found if name.is_file()]
        if not clips:
            raise UsageError(f"--input {given}: the pattern matches no file")
        return clips
    raise UsageError(f"--input {given}: no such folder, file or pattern")


def _local(path: Path) -> InputClip:
    uri = str(path.absolute())
    size, mtime = files.stat(uri)
    return InputClip(uri, size_bytes=size, mtime_ns=mtime)


def _read_folder(folder: Path, say: Callable[[str], None]) -> list[InputClip]:
    everything = sorted(_walk(folder))
    media = [path for path in everything if path.suffix.lower() in MEDIA_SUFFIXES]
    suffixes = (path.suffix.lower() for path in everything)
    others = Counter(suffix or "no suffix" for suffix in suffixes if suffix not in MEDIA_SUFFIXES)
    if not media:
        found = f"{sum(others.values())} other files" if others else "nothing"
        raise UsageError(f"--input {folder}: no video in this folder (found {found}); name files by a glob or manifest")
    if others:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(4))
        say(f"{folder}: passed over {sum(others.values())} files that are no media by their names ({kinds})")
    return [_local(path) for path in media]


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, without hidden ones and without datasets of ours (whose sound tracks are no clips)."""
    for here, folders, names in os.walk(folder):
        if Dataset.exists(here):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        found = (Path(here, name) for name in names if not name.startswith("."))
        yield from (path for path in found if path.is_file())


def _read_remote(given: str) -> list[InputClip]:
    if given.lower().endswith(MANIFEST_SUFFIXES):
        return _read_manifest(given)
    pattern = given if glob.has_magic(given) else given.rstrip("/") + "/**"
    try:
        found = files.match_remote(pattern) or ([] if glob.has_magic(given) else files.match_remote(given))
    except Exception as error:
        raise UsageError(f"--input {given}: cannot be listed ({' '.join(str(error).split())[:300]})") from None
    clips = [
        InputClip(uri, size_bytes=size, mtime_ns=mtime)
        for uri, size, mtime in found
        if uri == given or glob.has_magic(given) or Path(uri).suffix.lower() in MEDIA_SUFFIXES
    ]
    if not clips:
        raise UsageError(f"--input {given}: no video there")
    return clips


def _read_manifest(given: str) -> list[InputClip]:
    try:
        with files.open_binary(given) as file:
            data = file.read()
        table = _parquet(data) if given.lower().endswith(".parquet") else _csv(data)
        header = next(table)
        if "uri" not in header:
            names = ", ".join(map(str, header)) or "none"
            raise UsageError(
                f"{given}: a manifest needs a column 'uri' (found: {names}); others: {', '.join(_COLUMNS[1:])}"
            )
        rows = [dict(zip(header, row, strict=False)) for row in table]
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{given}: cannot be read as a manifest ({' '.join(str(error).split())[:300]})") from None
    if not rows:
        raise UsageError(f"{given}: the manifest has no rows")
    clips = [_row(given, number, row) for number, row in enumerate(rows, start=1)]
    given_ids = Counter(clip.clip_id for clip in clips if clip.clip_id is not None)
    twice = [name for name, count in given_ids.items() if count > 1]
    if twice:
        shown = ", ".join(map(repr, twice[:3])) + (", …" if len(twice) > 3 else "")
        raise UsageError(f"{given}: {len(twice)} clip_id given more than once: {shown}; ids must be unique")
    return clips


def _row(manifest: str, number: int, row: Mapping[str, str | None]) -> InputClip:
    where = f"{manifest}, row {number}"
    uri = (row.get("uri") or "").strip("\r\n")
    if not uri.strip():
        raise UsageError(f"{where}: empty uri")
    if not files.is_remote(uri):
        if files.is_remote(manifest):
            uri = f"{manifest.rsplit('/', 1)[0]}/{uri}"
        else:
            uri = str((Path(manifest).parent / uri).absolute())
    split = None
    if row.get("split"):
        split = normalise_split(str(row["split"]))
        if split is None:
            raise UsageError(f"{where}: split {row['split']!r}, expected train, val or test")
    size, mtime = files.stat(uri)
    return InputClip(
        uri,
        clip_id=row.get("clip_id") or None,
        split=split,
        label=row.get("label") or None,
        text=row.get("text") or None,
        size_bytes=size,
        mtime_ns=mtime,
    )


def _csv(data: bytes) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    yield [name.strip() for name in next(rows, [])]
    yield from (row for row in rows if row)


def _parquet(data: bytes) -> Iterator[list[str]]:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data))
    yield table.column_names
    wanted = [column.to_pylist() for column in table.columns]
    for row in zip(*wanted, strict=True):
        yield [None if value is None else str(value) for value in row]  # type: ignore[misc]
