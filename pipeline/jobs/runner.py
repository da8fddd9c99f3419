"""Running a graph: which runner, and what a failure looks like to the person who started it."""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.errors import JobError, UsageError

#: ``direct`` names Beam's in-process runner by itself: DirectRunner would first try to download another one (Prism).
_RUNNERS = {"direct": "FnApiRunner", "directrunner": "FnApiRunner"}

#: Errors whose text is written for people. By name: a trace from another process is all text.
_OURS = ("JobError", "UsageError", "DeviceError", "WeightsError")


def beam_options(runner: str, arguments: Sequence[str]) -> list[str]:
    """Arguments for Beam's ``PipelineOptions``.

    Raises
    ------
    UsageError: an argument that Beam does not know either.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for kind in [PipelineOptions, *PipelineOptions.__subclasses__()]:
        adder = kind.__dict__.get("_add_argparse_args")
        if adder is not None:
            try:
                adder.__func__(kind, parser)
            except argparse.ArgumentError:
                continue
    unknown = parser.parse_known_args(list(arguments))[1]
    if unknown:
        raise UsageError(
            f"unknown option {' '.join(unknown)}; `reelscore run --help` lists ours, the rest goes to Beam"
        )
    return [f"--runner={_RUNNERS.get(runner.lower(), runner)}", *arguments]


def run_graph(build: Callable[[beam.Pipeline], None], options: Sequence[str]) -> None:
    """Build a graph, run it and wait for its end.

    Raises
    ------
    JobError: one line about what went wrong; the whole trace goes to the log (``--verbose`` shows it).
    """
    pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
    build(pipeline)
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        if cause(error).startswith("KeyboardInterrupt"):
            # it may have reached a thread of the runner instead of this one
            raise KeyboardInterrupt from None
        logging.getLogger(__name__).info("the job failed", exc_info=True)
        raise JobError(cause(error)) from error


def cause(error: BaseException) -> str:
    """The line that matters in an exception of a runner, which wraps the worker's trace into its own message."""
    text = str(error)
    if type(error).__name__ in _OURS:
        return text.split(" [while running")[0]
    ours = re.findall(rf"(?:{'|'.join(_OURS)}): (.*?)(?: \[while running|\n|$)", text)
    if ours:
        return str(ours[-1]).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    last = re.sub(r" \[while running.*", "", lines[-1] if lines else type(error).__name__)
    return last if isinstance(error, RuntimeError) else f"{type(error).__name__}: {last}"
