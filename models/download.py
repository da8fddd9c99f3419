"""Fetches one file over a network that may refuse, hang or lie.

Name resolution cannot be interrupted and a proxy can stay silent at any point, so the network is used from a thread
that is simply abandoned when it has not brought the first byte in time. A network that failed once is not tried again
by this process.
"""

from __future__ import annotations

import os
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from models.checkpoint import Checkpoint, file_sha256

#: Limit for resolving, connecting, redirects and the first byte together, in seconds (ours).
FIRST_BYTE_S = 10.0
#: Limit between two pieces of a file that is on its way, in seconds (ours).
STALL_S = 30.0
_PIECE = 1 << 18

#: Called with the bytes that are here and the bytes in all (None where the server does not say).
Progress = Callable[[int, int | None], None]

#: Why an earlier attempt of this process failed: by URL, and under "" for a network that does not answer.
_failed: dict[str, str] = {}


class DownloadError(Exception):
    """A file could not be fetched; one line for a person."""


def failed_before(checkpoint: Checkpoint) -> str | None:
    """Why :func:`download` would not even try, None if it would."""
    return _failed.get("") or _failed.get(checkpoint.url)


def download(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    progress: Progress | None = None,
    first_byte_s: float = FIRST_BYTE_S,
    stall_s: float = STALL_S,
) -> Path:
    """Fetch `checkpoint` into `folder`; the file appears there whole and verified, or not at all.

    Raises
    ------
    DownloadError: the network or the server failed (now, or earlier in this process), the folder cannot be written,
        or what came is not the published file.
    """
    earlier = failed_before(checkpoint)
    if earlier:
        raise DownloadError(earlier)
    target = folder / checkpoint.filename
    part = folder / f".{checkpoint.filename}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as stream:
                _receive(checkpoint.url, stream.write, progress, first_byte_s, stall_s)
            found = file_sha256(part)
            if not checkpoint.matches(found):
                wanted = checkpoint.sha256
                raise _failure(
                    checkpoint.url,
                    f"{checkpoint.url} is not the published file: its SHA-256 starts with {found[: len(wanted)]}, "
                    f"expected {wanted}",
                )
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def _receive(
    url: str, write: Callable[[bytes], object], progress: Progress | None, first_byte_s: float, stall_s: float
) -> None:
    """Pass the bytes of `url` to `write`, within the limits."""
    inbox: queue.Queue[bytes | int | Exception | None] = queue.Queue(maxsize=16)
    abandoned = threading.Event()
    threading.Thread(
        target=_fetch, args=(url, inbox, abandoned, max(first_byte_s, stall_s)), name="download", daemon=True
    ).start()
    deadline = time.monotonic() + first_byte_s
    total: int | None = None
    done = 0
    try:
        while True:
            try:
                item = inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if done:
                    raise _failure(url, f"{url} stopped after {done} bytes: nothing more for {stall_s:g} s") from None
                raise _failure("", f"{url} did not answer within {first_byte_s:g} s") from None
            if isinstance(item, urllib.error.HTTPError):
                raise _failure(url, f"{url} answered {item.code} {item.reason}")
            if isinstance(item, Exception):
                reason = getattr(item, "reason", None) or item
                raise _failure(url if done else "", f"{url} cannot be reached: {reason}")
            if item is None:
                if total is not None and done < total:
                    raise _failure(url, f"{url} ended after {done} of {total} bytes")
                return
            if isinstance(item, int):
                total = item
                continue
            write(item)
            done += len(item)
            deadline = time.monotonic() + stall_s
            if progress:
                progress(done, total)
    finally:
        abandoned.set()


def _failure(key: str, message: str) -> DownloadError:
    _failed[key] = " ".join(message.split())
    return DownloadError(_failed[key])


def _fetch(
    url: str, inbox: queue.Queue[bytes | int | Exception | None], abandoned: threading.Event, timeout_s: float
) -> None:
    """The thread's part: length in bytes if known, then pieces, then None; or the exception that ended it."""

    def put(item: bytes | int | Exception | None) -> None:
        while not abandoned.is_set():
            try:
                inbox.put(item, timeout=0.5)
                return
            except queue.Full:
                continue

    try:
        with urllib.request.urlopen(url, timeout=timeout_s, context=_tls()) as response:
            length = response.headers.get("Content-Length")
            if length is not None:
                put(int(length))
            while not abandoned.is_set() and (piece := response.read1(_PIECE)):
                put(piece)
        put(None)
    except Exception as error:  # whatever it is, the waiting side must hear of it
        put(error)


def _tls() -> ssl.SSLContext:
    """The machine's certificates, and certifi's where it is installed (a bare container has none of its own)."""
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return context
    context.load_verify_locations(certifi.where())
    return context
