"""Files of any filesystem: local ones directly, others through Beam's FileSystems."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from transforms.errors import RejectError

_SCHEME = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]+://")
_CHUNK = 1 << 20


def is_remote(uri: str) -> bool:
    """Whether ``uri`` names another filesystem (``gs://``, ``s3://``, ``hdfs://``, ...)."""
    return bool(_SCHEME.match(uri))


def _filesystems() -> Any:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def storable(uri: str) -> str:
    """``uri`` as text that can be stored: bytes of a file name that are not UTF-8 are written as ``\\xNN``."""
    return uri.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def open_binary(uri: str) -> IO[bytes]:
    """The file for reading, as it is (nothing is decompressed)."""
    if not is_remote(uri):
        return open(uri, "rb")
    from apache_beam.io.filesystem import CompressionTypes

    file: IO[bytes] = _filesystems().open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return file


def match_remote(pattern: str) -> list[tuple[str, int, int]]:
    """(uri, size in bytes, mtime in ns) of the files of another filesystem that match, sorted."""
    found = _filesystems().match([pattern])[0].metadata_list
    return sorted((m.path, m.size_in_bytes, int((m.last_updated_in_seconds or 0) * 1e9)) for m in found)


def stat(uri: str) -> tuple[int, int]:
    """(size in bytes, mtime in ns); (-1, 0) for what cannot be seen."""
    try:
        if is_remote(uri):
            found = match_remote(uri)
            return found[0][1:] if found else (-1, 0)
        status = os.stat(uri)
    except (OSError, ValueError):
        return -1, 0
    except Exception:  # Beam's filesystems raise their own kinds for "not there" and "not allowed"
        return -1, 0
    return status.st_size, status.st_mtime_ns


def sha256(uri: str) -> str:
    """Content hash.

    Raises
    ------
    RejectError: ``unreadable`` or ``empty_file``.
    """
    digest = hashlib.sha256()
    length = 0
    try:
        with open_binary(uri) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
    except Exception as error:
        raise RejectError("unreadable", f"{uri}: {_why(error)}", "read") from None
    if not length:
        raise RejectError("empty_file", f"{uri}: 0 bytes, expected a media file", "read")
    return digest.hexdigest()


def sha256_of_many(uris: Iterable[str]) -> list[str | RejectError]:
    """Content hashes in order; hashing runs beside reading in a few threads."""

    def one(uri: str) -> str | RejectError:
        try:
            return sha256(uri)
        except RejectError as error:
            return error

    with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) * 2)) as pool:
        return list(pool.map(one, uris))


def fetch(uri: str, folder: Path) -> Path:
    """The file as a local path: itself, or a copy in ``folder`` (the caller removes it).

    Raises
    ------
    RejectError: ``unreadable``.
    """
    if not is_remote(uri):
        return Path(uri)
    target = folder / hashlib.sha256(uri.encode()).hexdigest()[:32]
    try:
        with open_binary(uri) as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
    except Exception as error:
        target.unlink(missing_ok=True)
        raise RejectError("unreadable", f"{uri}: {_why(error)}", "read") from None
    return target


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
