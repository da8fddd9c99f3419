"""Measures hpss380 and hpss1140 against the librosa reference, interleaved in one run.

``python -m benchmarks.music SOUND... [--rounds 5] [--write docs/performance-music.md]``
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import machine
from benchmarks.page import table
from pipeline.store.write import write_atomically
from transforms import features
from transforms.decoding import decode_clip
from transforms.features import SoundExtractor
from transforms.ffmpeg import executable
from transforms.music.contract import Contract, contract
from transforms.music.excerpt import extend
from transforms.music.layout import BLOCKS, EXCERPT_SAMPLES, RATE_HZ
from transforms.music.statistics import mean_variance_max
from transforms.views import Sound

SIDES = ("reference", "ours")
STAGES = ("load", "features")
#: How far a block may be from the reference, relative to its range (the project's promise).
TOLERANCE = 3e-6
#: What a fresh process does first: everything that one clip needs, from its own imports on.
_FIRST = """
import time; began = time.perf_counter()
import numpy as np
from transforms.music.contract import contract
from transforms.music.rows import frames
from transforms.music.statistics import mean_variance_max
sound = np.random.default_rng(0).normal(size=349_440).astype(np.float32) * 0.1
mean_variance_max(frames(sound, contract("code")))
print(time.perf_counter() - began)
"""


@dataclass
class Timed:
    """CPU seconds of one file: side -> stage -> one figure a round."""

    name: str
    duration_s: float = 0.0
    cpu_s: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {side: {stage: [] for stage in STAGES} for side in SIDES}
    )

    def ratios(self, stages: Sequence[str]) -> list[float]:
        """Reference over ours, pair by pair."""
        slow, fast = (np.sum([self.cpu_s[side][stage] for stage in stages], axis=0) for side in SIDES)
        return list(slow / fast)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.music", description="Music features against librosa.")
    parser.add_argument("sounds", nargs="+", type=Path, metavar="SOUND", help="files with sound, music if possible")
    parser.add_argument("--rounds", type=int, default=5, help="of each side (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the order")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, docs/performance-music.md")
    options = parser.parse_args(arguments)
    absent = [path for path in options.sounds if not path.is_file()]
    if absent:
        parser.error(f"{absent[0]}: no such file")
    with tempfile.TemporaryDirectory() as folder:
        # librosa reads what is no plain sound file through a program of this name
        (Path(folder) / "ffmpeg").symlink_to(executable())
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
        with threadpool_limits(1):  # on either side, so that CPU seconds compare
            measured = _measure(options)
        text = _page(measured, _first_use(), _apart(options.sounds), options)
    print(text)
    if options.write is not None:
        write_atomically(options.write, text.encode())
    return 0


def _reference_load(path: Path) -> np.ndarray:
    import librosa

    return _centre(librosa.load(path, sr=RATE_HZ)[0])


def _centre(samples: np.ndarray) -> np.ndarray:
    """The excerpt as the published extractor cuts it."""
    surplus = len(samples) - EXCERPT_SAMPLES
    return extend(samples, EXCERPT_SAMPLES) if surplus <= 0 else samples[surplus // 2 :][:EXCERPT_SAMPLES]


def _reference_features(samples: np.ndarray) -> np.ndarray:
    from transforms.music import reference

    return mean_variance_max(reference.frames(samples, contract("code")).T)


def _our_load(path: Path) -> Sound:
    view = _extractor("hpss1140").view(features.get("hpss1140").card.defaults())
    sound = decode_clip(path, [view]).views[view]
    assert isinstance(sound, Sound)
    return sound


def _our_features(sound: Sound) -> np.ndarray:
    for name in ("hpss380", "hpss1140"):
        values = _extractor(name).compute(sound, 0.0, features.get(name).card.defaults()).values
    return values


def _extractor(name: str) -> SoundExtractor:
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    return feature


_STEPS: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {
    "reference": (_reference_load, _reference_features),
    "ours": (_our_load, _our_features),
}


def _measure(options: argparse.Namespace) -> list[Timed]:
    order = random.Random(options.seed)
    found = [Timed(path.stem[:40]) for path in options.sounds]
    for load, compute in _STEPS.values():  # imports and kernels
        compute(load(options.sounds[0]))
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds} (load {machine.load():.1f})", file=sys.stderr, flush=True)
        for path, timed in zip(options.sounds, found, strict=True):
            for side in order.sample(SIDES, len(SIDES)):
                given: object = path
                for stage, step in zip(STAGES, _STEPS[side], strict=True):
                    began = time.process_time()
                    given = step(given)
                    timed.cpu_s[side][stage].append(time.process_time() - began)
    for path, timed in zip(options.sounds, found, strict=True):
        timed.duration_s = decode_clip(path, []).info.duration_s
    return found


def _first_use() -> list[float]:
    """Wall seconds from the first import to the first vector, in fresh processes with compiled kernels at hand."""
    run = [sys.executable, "-c", _FIRST]
    return [float(subprocess.run(run, capture_output=True, text=True, check=True).stdout) for _ in range(3)]


def _apart(sounds: Sequence[Path]) -> dict[str, tuple[float, float]]:
    """Block -> greatest difference to the reference over its range, before scaling; share of frames that differ."""
    from transforms.music import reference
    from transforms.music.rows import raw_blocks
    from transforms.music.separation import separate

    found = {block.name: (0.0, 0.0) for block in BLOCKS}
    code: Contract = contract("code")
    for path in sounds:
        signal = extend(_our_load(path).samples, EXCERPT_SAMPLES)
        for slow, fast in zip(reference.separate(signal, code), separate(signal, code), strict=True):
            for block, raw in zip(BLOCKS, raw_blocks(fast, code), strict=True):
                expected = reference.raw_block(block.name, slow, code)
                off = np.abs(raw.T - expected)
                span = float(expected.max() - expected.min()) or 1.0
                worst, share = found[block.name]
                differ = float((off > TOLERANCE * span).any(axis=0).mean())
                found[block.name] = (max(worst, float(off.max()) / span), max(share, differ))
    return found


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _page(
    found: Sequence[Timed], first_s: Sequence[float], apart: dict[str, tuple[float, float]], options: argparse.Namespace
) -> str:
    rows = []
    for timed in found:
        cells = [timed.name, f"{timed.duration_s:.0f}"]
        for stage in STAGES:
            cells += [_spread(timed.cpu_s[side][stage], 3) for side in SIDES]
        cells += [f"**{_spread(timed.ratios([stage]))}**" for stage in ("features",)]
        cells += [f"**{_spread(timed.ratios(STAGES))}**"]
        rows.append(cells)
    head = ["sound", "s", "load: librosa", "ours", "features: librosa", "ours", "ratio of features", "with load"]
    errors = [[name, f"{worst:.1e}", f"{share:.3%}"] for name, (worst, share) in apart.items()]
    command = f"python -m benchmarks.music SOUND... --rounds {options.rounds} --write docs/performance-music.md"
    return "\n".join(
        [
            "# Performance of the music features",
            "",
            f"Written by `{command}` on {date.today().isoformat()}; do not edit it by hand.",
            "",
            "CPU seconds of `hpss380` and `hpss1140` under the contract `code`, in one process, one thread, both sides "
            "in turn in an order that a seed shuffles: the reference (`transforms/music/reference.py`: librosa, one "
            "call a block, after `librosa.load` at 12 kHz) and ours (decoding the track as far as the excerpt needs "
            f"it, then the fast path). Median of {options.rounds} rounds, least and greatest in brackets; ratios pair "
            "by pair.",
            "",
            table(head, rows),
            "",
            f"First use in a fresh process, from imports to vector, kernels compiled before: {_spread(first_s)} s.",
            "",
            f"Processor: {machine.processor()}.",
            "",
            "## How far from the reference",
            "",
            "Both separate the same samples by themselves. Before decibels; relative to the block's range.",
            "",
            table(["block", "greatest difference", f"frames further off than {TOLERANCE:g}"], errors),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
