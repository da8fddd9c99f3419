"""Which FFmpeg program is used: the machine's own if it is newer, else the one of the imageio-ffmpeg wheel."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess


def version(executable: str) -> tuple[int, ...] | None:
    """Release number that ``executable -version`` prints, for example (7, 1); None if it does not run."""
    try:
        text = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"ffmpeg version n?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


@functools.cache
def executable() -> str:
    """Path of the newest FFmpeg here.

    Raises
    ------
    RuntimeError: neither the machine nor the imageio-ffmpeg wheel has one that runs.
    """
    candidates = [shutil.which("ffmpeg")]
    try:
        import imageio_ffmpeg

        candidates.append(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        pass
    known = [(number, path) for path in candidates if path and (number := version(path))]
    if not known:
        raise RuntimeError("no FFmpeg found: install the package imageio-ffmpeg, or ffmpeg itself")
    return max(known)[1]
