"""Progress of a job: workers append a line a clip to a file of their own, the driver counts them and draws a bar."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

#: Seconds between two looks at the workers' files, and between two lines where there is no terminal.
_POLL_S = 0.2
_LINE_S = 10.0


class ProgressWriter:
    """The worker's end: one line of JSON a finished clip, in a folder that the driver made (if it can be seen here)."""

    def __init__(self, folder: str | None) -> None:
        self._file: TextIO | None = None
        if folder and os.path.isdir(folder):
            # a name of its own for every writer: a process can hold several
            descriptor, _ = tempfile.mkstemp(prefix="worker-", dir=folder)
            self._file = os.fdopen(descriptor, "a", buffering=1)

    def done(self, **event: Any) -> None:
        """Report one clip, for example ``done(frames=12)`` or ``done(reason="no_video")``."""
        if self._file is not None:
            self._file.write(json.dumps(event) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _Reader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self.clips = 0
        self.rejects = 0

    def poll(self) -> None:
        for path in self._folder.glob("worker-*"):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offsets[path] = self._offsets.get(path, 0) + len(whole)
            for line in whole.splitlines():
                self.clips += 1
                self.rejects += "reason" in json.loads(line)


@contextlib.contextmanager
def show_progress(total: int, what: str, stream: TextIO | None = None) -> Iterator[str]:
    """Show clips done, rate and time left while the body runs; gives the folder for :class:`ProgressWriter`.

    On a terminal a bar, elsewhere a plain line now and then (and one at the end).
    """
    stream = stream or sys.stderr
    terminal = stream.isatty()
    with tempfile.TemporaryDirectory(prefix="reelscore-progress-") as folder:
        reader = _Reader(Path(folder))
        stop = threading.Event()
        began = time.monotonic()
        bar = tqdm(
            total=total, desc=what, unit="clip", file=stream, disable=not terminal, dynamic_ncols=True, smoothing=0
        )

        def line() -> None:
            elapsed = time.monotonic() - began
            rate = reader.clips / elapsed if elapsed else 0.0
            left = f", {_clock((total - reader.clips) / rate)} left" if rate and reader.clips < total else ""
            rejects = f", {reader.rejects} rejected" if reader.rejects else ""
            print(f"{what}: {reader.clips}/{total} clips{rejects}, {rate:.2f} clips/s{left}", file=stream, flush=True)

        def watch() -> None:
            last = time.monotonic()
            while True:
                ended = stop.wait(_POLL_S)
                reader.poll()
                if terminal:
                    if reader.rejects:
                        bar.set_postfix(rejected=reader.rejects, refresh=False)
                    bar.update(reader.clips - bar.n)
                    bar.refresh()
                elif ended or time.monotonic() - last >= _LINE_S:
                    last = time.monotonic()
                    line()
                if ended:
                    return

        watcher = threading.Thread(target=watch, name="progress", daemon=True)
        watcher.start()
        try:
            yield folder
        finally:
            stop.set()
            watcher.join()
            bar.close()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
