"""Measures what shots add to the decode of a clip, interleaved in one run.

``python -m benchmarks.shots [CLIP...] [--minutes 1] [--rounds 5] [--write docs/performance-shots.md]``
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import clips, machine
from benchmarks.page import table
from pipeline.store.write import write_atomically
from transforms import features
from transforms.decoding import Limits, containers, decode_clip, sequential, timeline
from transforms.decoding.rows import RowFiller
from transforms.features import ShotExtractor
from transforms.views import FrameView, ShotView

#: The sample corpus has the smallest pictures of all: there a decoder costs least, and what is added most.
SMALL = clips.Spec("320x180 at 25 fps", 320, 180, "25", 250_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shots", description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="videos of your own, besides those made")
    parser.add_argument("--minutes", type=float, default=1.0, help="length of each clip that is made (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="times that everything is measured (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the order within a round (default 0)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page there as well")
    options = parser.parse_args(arguments)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    with tempfile.TemporaryDirectory(prefix="reelscore-bench-") as folder:
        paths = {}
        for number, spec in enumerate((SMALL, *clips.SPECS)):
            paths[spec.name] = Path(folder) / f"{number}.mp4"
            clips.make(spec, 60 * options.minutes, paths[spec.name])
        paths |= {path.name: path for path in options.clips}
        loads: list[float] = []
        found = _measure(paths, options, loads)
    text = _page(found, loads, options)
    print(text)
    if options.write:
        write_atomically(options.write, text.encode())
    return 0


def _every_picture(path: Path) -> None:
    """Decode all pictures of a clip and take one a second: what a job pays that wants frames and cannot prune."""
    view = FrameView()
    with closing(containers.open_container(path)) as container:
        line = timeline.read_timeline(container, None, False)
        track = line.video
        assert track is not None
        filler = RowFiller(view, line.start_s, line.duration_s, track.time_base, np.zeros)
        stream: Any = container.streams[track.index]
        sequential.decode(stream, track.packets, track, [filler], Limits().max_pixels)


def _shots_as_well(path: Path) -> None:
    decode_clip(path, [FrameView(), shot_view()])


def _pruned(path: Path) -> None:
    decode_clip(path, [FrameView()])


def shot_view() -> ShotView:
    """As the feature ``shots`` has it."""
    feature = features.get("shots")
    assert isinstance(feature, ShotExtractor)
    return feature.view(feature.card.defaults())


SIDES: dict[str, Callable[[Path], None]] = {"every": _every_picture, "shots": _shots_as_well, "pruned": _pruned}


def _measure(paths: dict[str, Path], options: argparse.Namespace, loads: list[float]) -> dict[str, dict[str, Any]]:
    order = random.Random(options.seed)
    found: dict[str, dict[str, Any]] = {}
    for name, path in paths.items():
        print(f"measuring {name}", file=sys.stderr)
        clip = decode_clip(path, [shot_view()])
        shots: Any = clip.views[shot_view()]
        pictures = int(shots.end_frames[-1]) if len(shots) else 0
        found[name] = {"pictures": pictures, "cpu_s": {side: [] for side in SIDES}, "shots": len(shots)}
        _every_picture(path)
        _pruned(path)
        for _ in range(options.rounds):
            loads.append(machine.load())
            for side in order.sample(list(SIDES), len(SIDES)):
                began = time.process_time()
                SIDES[side](path)
                found[name]["cpu_s"][side].append(time.process_time() - began)
    return found


def _spread(values: Sequence[float], digits: int, unit: str = "") -> str:
    middle = statistics.median(values)
    return f"{middle:.{digits}f}{unit} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _page(found: dict[str, dict[str, Any]], loads: Sequence[float], options: argparse.Namespace) -> str:
    rows = []
    for name, each in found.items():
        pictures, cpu_s = each["pictures"], each["cpu_s"]
        per_picture = {side: [1000 * s / pictures for s in values] for side, values in cpu_s.items()}
        added = [100 * (s / e - 1) for s, e in zip(cpu_s["shots"], cpu_s["every"], strict=True)]
        over_pruned = [s / p for s, p in zip(cpu_s["shots"], cpu_s["pruned"], strict=True)]
        rows.append(
            [
                name,
                str(pictures),
                str(each["shots"]),
                *(_spread(per_picture[side], 2) for side in SIDES),
                f"**{_spread(added, 0, ' %')}**",
                _spread(over_pruned, 2),
            ]
        )
    head = ["clip", "pictures", "shots", "every picture, ms", "with shots, ms", "1 fps alone, ms", "added by shots"]
    head.append("with shots / 1 fps alone")
    command = f"python -m benchmarks.shots --minutes {options.minutes:g} --rounds {options.rounds}"
    return "\n".join(
        [
            "# What shots cost",
            "",
            f"Written by `{command} --write docs/performance-shots.md` on {date.today().isoformat()}; do not edit it "
            "by hand.",
            "",
            "CPU milliseconds a picture of the clip, in one process, one thread, all three in turn in an order that a "
            f"seed shuffles; median of {options.rounds} rounds, least and greatest in brackets. *Every picture* "
            "decodes all of them and converts one a second for Inception. *With shots* does the same and cuts the clip "
            "into shots in the same pass, with the pictures that stand for them. *1 fps alone* is what a job pays that "
            "does not ask for shots: of H.264, pictures that nobody needs are not decoded at all. Shots need every "
            "picture, so that saving is lost with them (last column).",
            "",
            table(head, rows),
            "",
            f"Processor: {machine.processor()}. Load average when each round began, the benchmark's own work included: "
            f"{min(loads):.1f} to {max(loads):.1f}.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
