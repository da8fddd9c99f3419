"""What the commands that write a dataset share: opening it, Beam's options, and the record of the run."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.inputs import DEFAULT_FRACTIONS, files, parse_fractions
from pipeline.steps import Report
from pipeline.store import Dataset

#: Ours: a shard of frame features of 256 four-minute clips is about 250 MB, which a loader or a fit holds at once.
_CLIPS_PER_SHARD = 256
_MIN_SHARDS, _MAX_SHARDS = 4, 4096
#: Packages whose release can move a number; recorded with each run.
_PACKAGES = (
    "reelscore",
    "apache-beam",
    "av",
    "decord",
    "faiss-cpu",
    "librosa",
    "numpy",
    "openvino",
    "pyarrow",
    "torch",
)
_RUNS_KEPT = 200


def beam_arguments(options: argparse.Namespace) -> list[str]:
    """Options for Beam: the runner and what our own parser did not know, checked where there is anything to check."""
    if not options.beam and options.runner.lower() in ("direct", "directrunner"):
        return ["--runner=FnApiRunner"]
    from pipeline.jobs.runner import beam_options

    return beam_options(options.runner, options.beam)


def open_or_create(options: argparse.Namespace, clips: int) -> Dataset:
    """The dataset of ``--output``, made where there is none.

    Raises
    ------
    UsageError: the folder holds something else, cannot be written, is of another version, or is laid out otherwise.
    """
    output = options.output
    if files.is_remote(output):
        raise UsageError(f"--output {output}: a dataset is written to a local or mounted folder")
    fractions = parse_fractions(options.split_fractions) if options.split_fractions else None
    if Dataset.exists(output):
        dataset = Dataset.open(output)
        if fractions and fractions != dataset.meta["split_fractions"]:
            raise UsageError(
                f"{output}: made with split fractions {dataset.meta['split_fractions']}, which stay as they are"
            )
        if options.shards and options.shards != dataset.shards:
            raise UsageError(f"{output}: made with {dataset.shards} shards, which stay as they are")
        if not os.access(output, os.W_OK):
            raise UsageError(f"{output}: cannot be written")
        return dataset
    shards = options.shards or min(_MAX_SHARDS, max(_MIN_SHARDS, -(-clips // _CLIPS_PER_SHARD)))
    return Dataset.create(Path(output), shards, fractions or DEFAULT_FRACTIONS)


@contextlib.contextmanager
def record_run(dataset: Dataset, options: argparse.Namespace) -> Iterator[Callable[[Report], None]]:
    """Add what was done to ``runs`` in dataset.json, also when a later step fails; doing nothing leaves no trace."""
    reports: list[Report] = []
    started = _now()
    try:
        yield reports.append
    finally:
        if reports and reports[0].did_something():
            content: dict[str, Any] = asdict(reports[0])
            content |= {"command": options.command, "started": started, "ended": _now(), "versions": versions()}
            dataset.meta["runs"] = [*dataset.meta["runs"], content][-_RUNS_KEPT:]
            dataset.save()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, where installed."""
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
