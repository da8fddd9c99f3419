"""The derive graph: each part of the input feature becomes a part of the derived one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.derivation import derive_part
from pipeline.jobs.runner import run_graph
from pipeline.store import Dataset
from transforms.projections import load_projection


class DerivePartFn(beam.DoFn):
    """Path of an input part -> number of clips derived from it."""

    def __init__(self, dataset: str, entry: dict[str, Any], projection: str | None) -> None:
        self._dataset = dataset
        self._entry = entry
        self._projection_path = projection

    def setup(self) -> None:
        self._projection = load_projection(self._projection_path) if self._projection_path else None

    def process(self, path: str) -> Iterator[int]:
        yield derive_part(Dataset.open(self._dataset), Path(path), self._entry, self._projection)


def derive(
    dataset: Dataset, entry: dict[str, Any], missing: Sequence[Path], projection: Path | None, options: Sequence[str]
) -> None:
    """Compute a derived feature for the parts in ``missing``.

    Raises
    ------
    JobError: the job failed; what was written before is kept.
    """

    def build(pipeline: beam.Pipeline) -> None:
        (
            pipeline
            | "Parts" >> beam.Create([str(path) for path in missing])
            | "Spread" >> beam.Reshuffle()
            | "Derive" >> beam.ParDo(DerivePartFn(str(dataset.path), entry, str(projection) if projection else None))
        )

    run_graph(build, options)
