"""The extraction graph: units of clips are handed out, each is decoded, extracted and written in one fused stage."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.extraction import Extraction, ExtractionConfig, UnitResult
from pipeline.jobs.runner import run_graph
from pipeline.planning import ExtractionPlan, Unit
from pipeline.progress import ProgressWriter, show_progress
from pipeline.store import Dataset
from pipeline.store.write import write_atomically


class ExtractUnitFn(beam.DoFn):
    """A thin adapter around :class:`pipeline.extraction.Extraction`, which it keeps for the life of the worker."""

    def __init__(self, config: ExtractionConfig, progress: str | None) -> None:
        self._config = config
        self._progress = progress
        self._clips = Metrics.counter("reelscore", "clips")
        self._rejects = Metrics.counter("reelscore", "rejects")
        self._decode_ms = Metrics.distribution("reelscore", "decode_cpu_ms_per_unit")
        self._model_ms = Metrics.distribution("reelscore", "model_ms_per_unit")

    def setup(self) -> None:
        self._extraction = Extraction(self._config)
        try:
            self._extraction.open()
        except BaseException:
            self._extraction.close()
            raise
        self._writer = ProgressWriter(self._progress)

    def start_bundle(self) -> None:
        self._waiting: Unit | None = None

    def process(self, unit: Unit) -> Iterator[dict[str, Any]]:
        # a unit is decoded while the one before it runs through the networks
        self._extraction.start(unit.tasks)
        if self._waiting is not None:
            yield self._finish(self._waiting)
        self._waiting = unit

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._waiting is not None:
            result = self._finish(self._waiting)
            yield WindowedValue(result, MIN_TIMESTAMP, (GlobalWindow(),))

    def _finish(self, unit: Unit) -> dict[str, Any]:
        result = self._extraction.finish(unit, self._writer.done)
        self._clips.inc(result.clips)
        self._rejects.inc(len(result.rejects))
        self._decode_ms.update(int(result.seconds["decode_cpu"] * 1000))
        self._model_ms.update(int(result.seconds["model"] * 1000))
        return asdict(result)

    def teardown(self) -> None:
        if hasattr(self, "_extraction"):
            self._extraction.close()
            self._writer.close()


class ExtractShards(beam.PTransform):
    """Units -> results. Decoding, networks and writing are one stage; only the units are shuffled, to spread them."""

    def __init__(self, config: ExtractionConfig, progress: str | None) -> None:
        super().__init__()
        self._config = config
        self._progress = progress

    def expand(self, units: beam.PCollection) -> beam.PCollection:
        return (
            units
            | "Spread" >> beam.Reshuffle()
            | "DecodeExtractWrite" >> beam.ParDo(ExtractUnitFn(self._config, self._progress))
        )


class CommitFn(beam.DoFn):
    """Writes the list of results as one JSON file, which the driver adds to dataset.json."""

    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, results: list[dict[str, Any]]) -> Iterator[str]:
        write_atomically(Path(self._path), json.dumps(results).encode())
        yield self._path


def build(
    pipeline: beam.Pipeline, units: Sequence[Unit], config: ExtractionConfig, progress: str | None, to: str
) -> None:
    """The graph of an extraction; ``to`` is the file that receives the results."""
    (
        pipeline
        | "Units" >> beam.Create(list(units))
        | "ExtractShards" >> ExtractShards(config, progress)
        | "Collect" >> beam.combiners.ToList()
        | "Commit" >> beam.ParDo(CommitFn(to))
    )


def extract(plan: ExtractionPlan, config: ExtractionConfig, options: Sequence[str]) -> dict[str, Any]:
    """Run an extraction with a progress display; returns the sums over all units.

    Raises
    ------
    JobError: the job failed; what was written before is kept.
    """
    work = Dataset.open(config.output).work_folder("extract")
    results_path = work / "extract.json"
    began = time.monotonic()
    try:
        with show_progress(plan.todo, "extract") as progress:
            run_graph(lambda p: build(p, plan.units, config, progress, str(results_path)), options)
        results = [UnitResult(**result) for result in json.loads(results_path.read_text())]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    reasons: dict[str, int] = {}
    for result in results:
        for feature, reason in result.rejects:
            key = f"{feature}: {reason}" if feature else reason
            reasons[key] = reasons.get(key, 0) + 1
    return {
        "clips": sum(r.clips for r in results),
        "rejects": dict(sorted(reasons.items())),
        "rows": {name: sum(r.rows.get(name, 0) for r in results) for name in config.entries},
        "media_s": round(sum(r.media_s for r in results), 3),
        "seconds": {
            key: round(sum(r.seconds.get(key, 0.0) for r in results), 3)
            for key in ("decode_cpu", "feature_cpu", "wait", "model", "write")
        },
        "wall_s": round(time.monotonic() - began, 3),
        "encoders": results[0].encoders if results else {},
    }
