"""``reelscore doctor``: checks this machine and says how to mend what is missing."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.cli import arguments
from pipeline.cli.console import table
from pipeline.cli.session import versions
from pipeline.errors import JobError

HELP = "check this machine and say how to mend what is missing"

_CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "aac", "mp3", "opus", "vorbis")
#: Ours: below this a job of some size will not end.
_FREE_BYTES = 5 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", default=".", metavar="DIR", help="where datasets will be written (for the free space)"
    )
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    checks: list[tuple[str, Callable[[], str]]] = [
        ("python", _python),
        ("packages", _packages),
        ("ffmpeg", _ffmpeg),
        ("codecs", _codecs),
        ("networks", _networks),
        ("kernels", _kernels),
        ("gpu", _gpu),
        ("weights", _weights),
        ("disk", lambda: _disk(options.output)),
        ("trial", _trial),
    ]
    rows = []
    for name, check in checks:
        try:
            rows.append((name, "ok", check()))
        except JobError as error:
            rows.append((name, "MEND", str(error)))
        except Exception as error:
            rows.append((name, "MEND", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
    if options.json:
        print(json.dumps([dict(zip(("check", "state", "found"), row, strict=True)) for row in rows], indent=1))
    else:
        print(table(["check", "state", "found"], rows))
    return 1 if any(state != "ok" for _, state, _ in rows) else 0


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    found = versions()
    lacking = [p for p in ("apache-beam", "av", "numpy", "pyarrow", "torch") if p not in found]
    if lacking:
        raise JobError(f"not installed: {', '.join(lacking)}; pip install -c constraints.txt -e .")
    return ", ".join(f"{name} {number}" for name, number in found.items() if name not in ("python", "platform"))


def _ffmpeg() -> str:
    from transforms import ffmpeg

    path = ffmpeg.executable()
    return f"{'.'.join(map(str, ffmpeg.version(path) or ()))} ({path})"


def _codecs() -> str:
    import av

    lacking = [name for name in _CODECS if name not in av.codecs_available]
    if lacking:
        raise JobError(f"the decoder library lacks {', '.join(lacking)}; install the package av from its wheel")
    return f"{len(_CODECS)} usual ones are there"


def _networks() -> str:
    if importlib.util.find_spec("openvino"):
        return "openvino (fast on processors)"
    return "torch; on a processor OpenVINO is twice as fast: pip install -c constraints.txt -e '.[cpu]'"


def _kernels() -> str:
    """The compiled kernels of the music features and of shots, as a job would find them."""
    from pipeline.steps.extract import warming
    from transforms.features import names

    began = time.monotonic()
    for name in names():
        if function := warming(name):
            function()
    return f"those of music and shots are compiled (ready in {time.monotonic() - began:.1f} s)"


def _gpu() -> str:
    if not shutil.which("nvidia-smi"):
        return "none; everything works without one"
    names = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=20
    )
    import torch

    if not torch.cuda.is_available():
        raise JobError(
            f"{names.stdout.strip()} is there, but torch cannot use it (driver too old, or a CPU build of torch)"
        )
    return names.stdout.strip().replace("\n", ", ")


def _weights() -> str:
    from models import backbones, weights

    # scorers of faces are a choice; a job that chooses one says what it lacks
    needed = [row for row in weights.listing() if set(row["used_by"]) & set(backbones.names())]
    absent = [row["filename"] for row in needed if row["path"] is None]
    return f"to be downloaded at first use: {', '.join(absent)}" if absent else "all here"


def _disk(folder: str) -> str:
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < _FREE_BYTES:
        raise JobError(f"{free / (1 << 30):.1f} GiB free at {place}, a job wants {_FREE_BYTES >> 30} or more")
    return f"{free / (1 << 30):.0f} GiB free"


def _trial() -> str:
    """One second of a made-up clip through the decoder and the network."""
    from models.backends import load_encoder
    from models.weights import resolve
    from pipeline.sample import make_corpus
    from transforms.decoding import DecoderProcess, Limits
    from transforms.views import Frames, FrameView

    with tempfile.TemporaryDirectory() as folder:
        (clip,) = make_corpus(Path(folder) / "clips", 1, 0, 2.0)
        view = FrameView()
        with DecoderProcess(Limits()) as decoder:
            frames = decoder.decode(str(clip), [view]).views[view]
    assert isinstance(frames, Frames)
    encoder = load_encoder("inception", resolve("inception", "random"))
    try:
        values = encoder.encode(frames.pixels[:1])
        backend = encoder.describe()["backend"]
    finally:
        encoder.close()
    return f"a clip decoded and encoded: {len(frames)} rows of {values.shape[1]} values, {backend}"
