"""The fit graph: shards are sampled side by side, then one step adds the samples up in order and fits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.errors import TooFewError
from pipeline.fitting import fit_samples, sample_shard, training_sample, training_splits
from pipeline.jobs.runner import run_graph
from pipeline.store import Dataset
from transforms.projections import Projection, load_projection

_FITTED, _REFUSED = "fitted.safetensors", "refused.txt"


class SampleShardFn(beam.DoFn):
    """Shard number -> path of the file with its sampled rows, if it has any."""

    def __init__(self, dataset: str, feature: str, splits: Sequence[str], limit: int, work: str) -> None:
        self._dataset = dataset
        self._feature = feature
        self._splits = splits
        self._limit = limit
        self._work = work

    def process(self, shard: int) -> Iterator[str]:
        path = Path(self._work) / f"{shard:05d}.npy"
        if sample_shard(Dataset.open(self._dataset), self._feature, shard, self._splits, self._limit, path):
            yield str(path)


class FitFn(beam.DoFn):
    """Paths of samples -> path of the projection, or of the reason why there is none."""

    def __init__(self, name: str, parameters: dict[str, Any], whiten: bool, work: str) -> None:
        self._name = name
        self._parameters = parameters
        self._whiten = whiten
        self._work = work

    def process(self, paths: list[str]) -> Iterator[str]:
        try:
            projection = fit_samples(self._name, [Path(p) for p in paths], self._parameters, self._whiten)
        except TooFewError as error:
            (Path(self._work) / _REFUSED).write_text(str(error))
            yield _REFUSED
        else:
            projection.save(Path(self._work) / _FITTED)
            yield _FITTED


def fit(
    dataset: Dataset, feature: str, name: str, parameters: dict[str, Any], whiten: bool, options: Sequence[str]
) -> tuple[Projection, dict[str, int]]:
    """Learn a projection over the training split of a feature.

    Parameters
    ----------
    feature: the input; ``name`` the derivation that it is for.
    parameters: its ``dims``, ``epsilon`` and ``rows``.

    Returns
    -------
    the projection, and what it was fitted on: ``rows`` used, ``rows_available``, ``clips``.

    Raises
    ------
    TooFewError: too few clips to learn anything.
    JobError: the job failed.
    """
    splits = training_splits(dataset)
    limit, fitted_on = training_sample(dataset, feature, int(parameters["rows"]))
    if fitted_on["rows"] < 2:
        raise TooFewError(f"{fitted_on['rows']} training rows of {feature}, a fit needs two or more")
    work = dataset.work_folder(name)

    def build(pipeline: beam.Pipeline) -> None:
        (
            pipeline
            | "Shards" >> beam.Create(list(range(dataset.shards)))
            | "Spread" >> beam.Reshuffle()
            | "Sample" >> beam.ParDo(SampleShardFn(str(dataset.path), feature, splits, limit, str(work)))
            | "Collect" >> beam.combiners.ToList()
            | "Fit" >> beam.ParDo(FitFn(name, parameters, whiten, str(work)))
        )

    try:
        run_graph(build, options)
        if (work / _REFUSED).exists():
            raise TooFewError((work / _REFUSED).read_text())
        return load_projection(work / _FITTED), fitted_on
    finally:
        shutil.rmtree(work, ignore_errors=True)
