"""A clip's sound track as FLAC: FFmpeg's own program writes it, complete or not at all."""

from __future__ import annotations

import os
import subprocess
import uuid
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from transforms.errors import RejectError
from transforms.views import AudioStream, ClipInfo

if TYPE_CHECKING:
    from transforms.decoding.limits import Limits


def write_flac(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    limits: Limits,
    info: ClipInfo | None = None,
) -> None:
    """Write a clip's sound track as FLAC, at its own rate and channels, from the track's own first sample on.

    Parameters
    ----------
    path: the clip; ``out``: the file to make; it appears by rename, complete or not at all.
    info: what decoding found, so that the same track is taken; without it, the file is opened to look.

    Raises
    ------
    RejectError: ``no_sound``, ``sound_error`` with FFmpeg's last line, ``wall_limit``, or what opening the clip raises.
    OSError: ``out`` cannot be written.
    """
    import ffmpeg

    from transforms.decoding.containers import ALLOWED_FORMATS, sniff
    from transforms.ffmpeg import executable

    path = os.path.abspath(os.fspath(path))
    sniff(path)
    audio = info.audio if info is not None else _find_audio(path)
    if audio is None:
        raise RejectError("no_sound", "the file has no sound stream", "sound")
    out = Path(out)
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex}.part")
    partial.touch(exist_ok=False)  # an unwritable folder is the caller's trouble, not the clip's
    try:
        source = ffmpeg.input(f"file:{path}", protocol_whitelist="file", format_whitelist=",".join(ALLOWED_FORMATS))
        command = (
            ffmpeg.output(
                source[str(audio.index)], f"file:{partial.resolve()}", format="flac", acodec="flac", map_metadata=-1
            )
            .global_args("-nostdin", "-loglevel", "error", "-threads", "1", "-fflags", "+bitexact")
            .overwrite_output()
            .compile(cmd=executable())
        )
        try:
            ended = subprocess.run(command, capture_output=True, timeout=limits.wall_s, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as problem:
            raise RejectError("wall_limit", f"FFmpeg took longer than {limits.wall_s:g} s", "sound") from problem
        if ended.returncode:
            lines = ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ended.returncode}"]
            raise RejectError("sound_error", f"FFmpeg cannot write the track as FLAC: {lines[-1]}", "sound")
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)


def _find_audio(path: str) -> AudioStream | None:
    from transforms.decoding.containers import open_container
    from transforms.decoding.timeline import read_timeline

    with open_container(path) as container:
        return read_timeline(container, Fraction(0), False).info.audio
