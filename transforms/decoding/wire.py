"""What travels between the parent and the decoder process: small JSON messages; arrays stay in shared memory."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import struct
import time
from typing import Any

from transforms.views import AudioStream, ClipInfo, FrameView, ShotView, SoundView, VideoStream, View

_LENGTH = struct.Struct("!I")


class Closed(Exception):
    """The other end has gone."""


class Late(Exception):
    """No whole message before the deadline."""


def send(fd: int, message: dict[str, Any]) -> None:
    """Write one message; raises :class:`Closed` where nobody reads."""
    body = json.dumps(message).encode()
    data = memoryview(_LENGTH.pack(len(body)) + body)
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError as problem:
        raise Closed from problem


def receive(fd: int, timeout_s: float | None = None) -> dict[str, Any]:
    """Read one message; raises :class:`Closed` at the end of the pipe, :class:`Late` after ``timeout_s``."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    (size,) = _LENGTH.unpack(_read(fd, _LENGTH.size, deadline))
    return json.loads(_read(fd, size, deadline))


def _read(fd: int, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    poll = select.poll()  # select.select cannot take descriptors above 1023
    poll.register(fd, select.POLLIN)
    while len(data) < size:
        if deadline is not None:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(max(1, round(left_s * 1000))):
                raise Late
        chunk = os.read(fd, size - len(data))
        if not chunk:
            raise Closed
        data += chunk
    return bytes(data)


def pack_view(view: View) -> dict[str, Any]:
    """A view as plain data."""
    return {"kind": type(view).__name__} | dataclasses.asdict(view)


def unpack_view(data: dict[str, Any]) -> View:
    """The view that :func:`pack_view` packed."""
    fields = {key: value for key, value in data.items() if key != "kind"}
    kinds: dict[str, type[View]] = {kind.__name__: kind for kind in (FrameView, SoundView, ShotView)}
    return kinds[data["kind"]](**fields)


def pack_info(info: ClipInfo) -> dict[str, Any]:
    """A clip's description as plain data."""
    return dataclasses.asdict(info)


def unpack_info(data: dict[str, Any]) -> ClipInfo:
    """The description that :func:`pack_info` packed."""
    video, audio = data["video"], data["audio"]
    streams = {"video": VideoStream(**video) if video else None, "audio": AudioStream(**audio) if audio else None}
    return ClipInfo(**(data | streams))
