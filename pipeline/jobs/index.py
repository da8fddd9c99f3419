"""The index graph: one step reads the shards of a clip-level feature in order and builds a FAISS index of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam

from pipeline.index_files import build_on_disk
from pipeline.indexing.build import IndexSpec
from pipeline.jobs.runner import run_graph
from pipeline.store import Dataset


class BuildIndexFn(beam.DoFn):
    """Index name -> the same name, once the index is written."""

    def __init__(self, dataset: str, feature: str, spec: IndexSpec, content: str) -> None:
        self._dataset = dataset
        self._feature = feature
        self._spec = spec
        self._content = content

    def process(self, name: str) -> Iterator[str]:
        build_on_disk(Dataset.open(self._dataset), name, self._feature, self._spec, self._content)
        yield name


def build_index(
    dataset: Dataset, name: str, feature: str, spec: IndexSpec, content: str, options: Sequence[str]
) -> None:
    """Build an index over all clips that have the feature.

    Raises
    ------
    JobError: nothing to index, or it cannot be built or written.
    """

    def build(pipeline: beam.Pipeline) -> None:
        (
            pipeline
            | "Index" >> beam.Create([name])
            | "Build" >> beam.ParDo(BuildIndexFn(str(dataset.path), feature, spec, content))
        )

    run_graph(build, options)
