"""One side in a process of its own: load, warm up, then clip after clip; what was measured goes out as JSON lines.

Started as ``python -m benchmarks.worker SIDE THREADS SEED WARM CLIP...`` by :mod:`benchmarks.extract`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any, Protocol

from benchmarks.clock import Clock


class Side(Protocol):
    """What is compared."""

    def run(self, path: Path, out: Path, clock: Clock) -> dict[str, Any]:
        """Extract one clip, stage by stage."""

    def describe(self) -> dict[str, Any]:
        """Versions, and how the network is run."""

    def close(self) -> None:
        """End what is left running."""


def load(name: str, threads: int, seed: int) -> Side:
    """The side of that name, ready to run."""
    if name == "ours":
        from benchmarks.ours import Job

        return Job(threads, seed)
    from benchmarks.naive import Script

    return Script(threads, seed)


def main(arguments: list[str]) -> None:
    """Measure one side once."""
    name, threads, seed, warm, *clips = arguments
    warnings.simplefilter("ignore")  # librosa announces that it falls back to audioread
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print do not get between the lines

    def say(**line: Any) -> None:
        print(json.dumps(line), file=lines, flush=True)

    with tempfile.TemporaryDirectory(prefix="reelscore-benchmark-") as out, contextlib.ExitStack() as ending:
        side = load(name, int(threads), int(seed))
        ending.callback(side.close)
        # what a library does at its first call is start-up, not work on a clip
        clock = Clock()
        side.run(Path(warm), Path(out), clock)
        say(ready=clock.used(), **side.describe())
        for path in clips:
            clock = Clock()
            try:
                found = side.run(Path(path), Path(out), clock)
            except Exception as error:
                message = f"{Path(path).name}: {' '.join(str(error).split())[:300]}"
                say(clip=path, failed=type(error).__name__, message=message)
            else:
                say(clip=path, found=found, cpu_s=clock.cpu_s, wall_s=clock.wall_s)


if __name__ == "__main__":
    main(sys.argv[1:])
