"""Measures extraction against the naive script, side by side in one run.

``python -m benchmarks.extract [--clips DIR] [--minutes 1] [--rounds 3] [--threads 1] [--write docs/performance.md]``
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import clips, machine, page
from benchmarks.results import SIDES, Figures, Group, Round, Run
from pipeline.inputs.read import MEDIA_SUFFIXES
from pipeline.store.write import write_atomically
from transforms.ffmpeg import executable

#: Length of the clip that each side sees first, unmeasured (ours).
WARM_S = 2.0
#: What numpy, torch, MKL and numba read.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    options = _options(arguments)
    own = []
    if options.clips is not None:
        own = sorted(path for path in options.clips.rglob("*") if path.suffix.lower() in MEDIA_SUFFIXES)
        if not own:
            print(f"{options.clips}: no such folder, or no videos in it", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="reelscore-benchmark-") as name:
        folder = Path(name)
        try:
            report = _measure(options, own, folder)
        except (OSError, RuntimeError) as error:
            print(f"the benchmark failed: {error}", file=sys.stderr)
            return 1
    text = page.render(report)
    print(text)
    if options.write is not None:
        write_atomically(options.write, text.encode())
        _say(f"written to {options.write}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.extract", description="Extraction against a naive script."
    )
    parser.add_argument("--clips", type=Path, metavar="DIR", help="also measure the videos below this folder")
    parser.add_argument("--minutes", type=float, default=1.0, help="length of each generated clip (default 1)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each side (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="of each side; with more, CPU seconds hold waiting too")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and of the order")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, for example docs/performance.md")
    options = parser.parse_args(arguments)
    if options.minutes < 0.1 or options.rounds < 1 or options.threads < 1 or options.seed < 0:
        parser.error("expected --minutes of at least 0.1, --rounds and --threads of at least 1, --seed of at least 0")
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _measure(options: argparse.Namespace, own: Sequence[Path], folder: Path) -> page.Report:
    groups, warm = _clips(options, own, folder)
    environment = _environment(options.threads, folder)
    paths = [str(path) for group in groups for path in group.paths]
    _say("comparing frames and features (this also converts the network for OpenVINO, once)")
    agreement = json.loads(_python(["benchmarks.agreement", str(options.seed), paths[0]], environment | _threads(1)))
    order = random.Random(options.seed)
    rounds: list[Round] = []
    loads: list[float] = []
    for number in range(1, options.rounds + 1):
        loads.append(machine.load())
        done: Round = {}
        for side in order.sample(SIDES, len(SIDES)):
            _say(f"round {number} of {options.rounds}: {side} (load {machine.load():.1f})")
            done[side] = _run(side, [str(options.threads), str(options.seed), str(warm), *paths], environment)
        rounds.append(done)
    figures = [measured for group in groups if (measured := Figures(group, rounds)).count]
    if not figures:
        raise RuntimeError("there is no clip that both sides can read")
    return page.Report(_command(options), options.threads, machine.processor(), loads, rounds, figures, agreement)


def _clips(options: argparse.Namespace, own: Sequence[Path], folder: Path) -> tuple[list[Group], Path]:
    """The groups to measure, and the clip for warming up."""
    wanted = [(spec, 60 * options.minutes, folder / f"{spec.name}.mp4") for spec in clips.SPECS]
    warm = (clips.SPECS[0], WARM_S, folder / "warm.mp4")
    _say(f"making {len(wanted)} clips of {options.minutes:g} min")
    with ThreadPoolExecutor() as pool:  # FFmpeg and OpenCV do the work, beside each other
        list(pool.map(lambda each: clips.make(*each), [*wanted, warm]))
    groups = [Group(spec.name, (path,)) for spec, _, path in wanted]
    if own:
        groups.append(Group("a folder of one's own", tuple(own)))
    return groups, warm[2]


def _threads(count: int) -> dict[str, str]:
    return dict.fromkeys(THREAD_VARIABLES, str(count))


def _environment(threads: int, folder: Path) -> dict[str, str]:
    """For both sides: the same threads, the same FFmpeg (audioread starts it by name), a cache that vanishes."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ffmpeg").symlink_to(executable())
    changed = {
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        "REELSCORE_CACHE": str(folder / "cache"),
    }
    return dict(os.environ) | changed | _threads(threads)


def _python(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]}: {_last_words(done.stderr, done.returncode)}")
    return done.stdout


def _run(side: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
    """One fresh process of one side, from its start to its last clip."""
    run: Run | None = None
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", side, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        try:
            for text in process.stdout:
                line: dict[str, Any] = json.loads(text)
                if run is None:
                    run = Run(line.pop("ready"), time.perf_counter() - began, line)
                else:
                    run.clips[line.pop("clip")] = line
                    if "failed" in line:
                        _say(f"  {side} failed: {line['failed']}: {line['message']}")
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        errors.seek(0)
        said = errors.read()
    if code or run is None:
        after = f" after {len(run.clips)} clips" if run is not None else ""
        raise RuntimeError(f"{side}{after}: {_last_words(said, code)}")
    return run


def _last_words(said: str, code: int) -> str:
    lines = said.strip().splitlines()
    return f"exit code {code}: {lines[-1] if lines else 'no message'}"


def _command(options: argparse.Namespace) -> str:
    """What to type for the same measurement; a folder of one's own is not named."""
    words = ["python", "-m", "benchmarks.extract", *(["--clips", "DIR"] if options.clips else [])]
    words += ["--minutes", f"{options.minutes:g}", "--rounds", str(options.rounds), "--threads", str(options.threads)]
    words += ["--seed", str(options.seed), "--write", "docs/performance.md"]
    return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
