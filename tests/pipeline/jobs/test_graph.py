"""What Beam makes of our graphs: what is fused, and what crosses a shuffle."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipeline.errors import JobError, UsageError
from pipeline.extraction import ExtractionConfig
from pipeline.jobs import extract
from pipeline.jobs.runner import beam_options, cause, run_graph
from pipeline.planning import ClipTask, Unit
from transforms.decoding import Limits


def config(output: Path) -> ExtractionConfig:
    return ExtractionConfig(str(output), 4, {}, "attempt", Limits(), 1, "auto", "auto", 32)


def stages(pipeline: beam.Pipeline) -> list[list[str]]:
    """Names of the steps in each fused stage."""
    _, found = FnApiRunner().create_stages(pipeline.to_runner_api())
    return [[transform.unique_name for transform in stage.transforms] for stage in found]


def test_decoding_networks_and_writing_are_one_stage_that_reads_a_shuffle_of_units(tmp_path: Path) -> None:
    task = ClipTask("id", "/clip.mp4", None, 1, 1, "train", None, None, ("inception",), True)
    pipeline = beam.Pipeline(runner="FnApiRunner")
    extract.build(pipeline, [Unit(0, (task,))], config(tmp_path), None, str(tmp_path / "results"))
    found = stages(pipeline)
    (ours,) = [stage for stage in found if "ExtractShards/DecodeExtractWrite" in stage]
    assert "ExtractShards/Spread/ReshufflePerKey/GroupByKey/Read" in ours
    assert "Collect/Collect/CombinePerKey/Group/Write" in ours
    shuffles = [name for stage in found for name in stage if name.endswith("/Write") and "Group" in name]
    assert sorted(shuffles) == [
        "Collect/Collect/CombinePerKey/Group/Write",
        "ExtractShards/Spread/ReshufflePerKey/GroupByKey/Write",
    ]


def test_what_a_worker_gives_on_is_small_and_plain(tmp_path: Path) -> None:
    fn = extract.ExtractUnitFn(config(tmp_path), None)
    fn.setup()
    try:
        fn.start_bundle()
        missing = ClipTask("id", str(tmp_path / "no.mp4"), None, -1, 0, "train", None, None, (), True)
        assert list(fn.process(Unit(0, (missing,)))) == []
        (last,) = fn.finish_bundle()
    finally:
        fn.teardown()
    assert last.value["rejects"] == [(None, "unreadable")]
    assert len(repr(last.value)) < 2000


def test_options_of_beam_pass_and_unknown_ones_do_not() -> None:
    assert beam_options("direct", ["--direct_num_workers", "2"]) == [
        "--runner=FnApiRunner",
        "--direct_num_workers",
        "2",
    ]
    assert beam_options("FlinkRunner", []) == ["--runner=FlinkRunner"]
    with pytest.raises(UsageError, match="--wieghts"):
        beam_options("direct", ["--wieghts", "random"])


def _fail(_: object) -> None:
    raise JobError("the disk is full: make room")


def test_an_error_of_a_worker_comes_back_as_its_own_line() -> None:
    with pytest.raises(JobError) as caught:
        run_graph(lambda p: p | beam.Create([1]) | "Fail" >> beam.Map(_fail), ["--runner=FnApiRunner"])
    assert str(caught.value) == "the disk is full: make room"


def test_the_last_line_of_a_foreign_trace_is_the_cause() -> None:
    trace = "Traceback (most recent call last):\n  File 'x'\nKeyError: 'who' [while running 'Step-ptransform-3']\n"
    assert cause(RuntimeError(trace)) == "KeyError: 'who'"
