"""Compaction merges parts, changes no value, and can be killed anywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from building import (
    FRACTIONS,
    add_clips,
    add_feature,
    add_rejects,
    clip_row,
    feature_row,
    files_below,
    inception_entry,
    reject_row,
    sequence,
    values_of,
    vector_entry,
)

from pipeline.errors import JobError
from pipeline.store import Dataset
from pipeline.store.compact import compact
from pipeline.store.journal import JOURNAL, STAGING, finish
from pipeline.store.layout import parts

RUNS = [[f"run{run} clip{number}" for number in range(5)] for run in range(3)]


class Killed(BaseException):
    """What a kill looks like from inside: nothing catches it."""


@pytest.fixture
def fragmented(tmp_path: Path) -> Dataset:
    """A dataset of three runs, five clips each, in two shards."""
    made = Dataset.create(tmp_path / "set", 2, FRACTIONS)
    for run in RUNS:
        add_clips(made, [clip_row(i) for i in run])
        add_feature(made, inception_entry(), [feature_row(i, sequence(i)) for i in run])
        add_feature(made, vector_entry(), [feature_row(i, sequence(i, 1)[0].astype("f4")) for i in run])
        add_rejects(made, [reject_row(f"bad {run[0]}"), reject_row(run[0], feature="wpca")])
    return made


def state(dataset: Dataset) -> tuple[Any, ...]:
    """Everything that a reader can see."""
    return (
        dataset.clips().to_pylist(),
        sorted(map(str, dataset.rejects())),
        values_of(dataset, "inception"),
        values_of(dataset, "wpca_video"),
        {i: mask.tolist() for part in dataset.masks("inception") for i, mask in part},
    )


def test_compact_merges_and_changes_nothing(fragmented: Dataset) -> None:
    before = state(fragmented)
    many = len(list(fragmented.path.rglob("*.parquet")))
    with fragmented.lock():
        assert compact(fragmented, 100) == (many, 8)
    assert len(list(fragmented.path.rglob("*.parquet"))) == 8
    assert state(fragmented) == before
    for path in fragmented.path.rglob("*.parquet"):
        ids = pq.read_table(path, columns=["id"])["id"].to_pylist()
        assert ids == sorted(ids)
    for path in parts(fragmented.feature_folder("inception")):
        leaf = pq.ParquetFile(path).metadata.row_group(0).column(6)
        assert leaf.path_in_schema.startswith("values")
        assert "BYTE_STREAM_SPLIT" in leaf.encodings
    left = files_below(fragmented.path)
    with fragmented.lock():
        assert compact(fragmented, 100) == (8, 8)
    assert files_below(fragmented.path) == left


def test_parts_hold_at_most_what_was_asked_for(fragmented: Dataset) -> None:
    before = state(fragmented)
    compact(fragmented, 4)
    sizes = [pq.read_metadata(path).num_rows for path in fragmented.path.rglob("*.parquet")]
    assert max(sizes) == 4
    assert state(fragmented) == before


def test_purge_deletes_what_was_set_aside_and_only_that(fragmented: Dataset) -> None:
    fragmented.settle("wpca_video", "another")
    aside = fragmented.path / "features" / ".superseded"
    compact(fragmented, 100)
    assert files_below(aside)
    compact(fragmented, 100, purge=True)
    assert not aside.exists()
    assert len(values_of(fragmented, "inception")) == 15


def count_steps(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object], die_at: int | None) -> int:
    """Run ``work`` with every change of the disk counted; at step ``die_at`` the process is as good as killed."""
    steps = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            if steps == die_at:
                raise Killed
            steps += 1
            return real(*arguments, **options)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        if die_at is None:
            work()
        else:
            with pytest.raises(Killed):
                work()
    return steps


def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.write.os.fsync", lambda descriptor: None)  # time; the disk is not pulled out
    small = Dataset.create(tmp_path / "small", 1, FRACTIONS)
    for run in RUNS[:2]:
        add_clips(small, [clip_row(i) for i in run[:2]])
        add_feature(small, inception_entry(), [feature_row(i, sequence(i)) for i in run[:2]])
        add_rejects(small, [reject_row(f"bad {run[0]}")])

    def seen(dataset: Dataset) -> tuple[Any, ...]:
        return dataset.clips().to_pylist(), dataset.rejects(), values_of(dataset, "inception")

    before = seen(small)
    steps = count_steps(monkeypatch, lambda: compact(Dataset.open(copied(small, tmp_path / "whole")), 3), None)
    assert len(parts(tmp_path / "whole" / "clips")) == 2
    either = [sorted([".lock", *files_below(folder)]) for folder in (small.path, tmp_path / "whole")]
    assert steps > 15, "the test would miss most of the steps"
    for die_at in range(steps):
        victim = Dataset.open(copied(small, tmp_path / str(die_at)))
        count_steps(monkeypatch, lambda victim=victim: compact(victim, 3), die_at)  # type: ignore[misc]
        with victim.lock():
            assert seen(victim) == before, f"killed at step {die_at}"
        assert files_below(victim.path) in either, f"killed at step {die_at}"
        assert not (victim.path / STAGING).exists()


def copied(dataset: Dataset, to: Path) -> Path:
    shutil.copytree(dataset.path, to)
    return to


def test_a_kill_while_mending_is_mended_too(
    fragmented: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(fragmented)

    def stop(dataset: Path) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.compact.finish", stop)
        with pytest.raises(Killed):
            compact(fragmented, 100)
    assert (fragmented.path / JOURNAL).exists()
    steps = 0
    while (fragmented.path / JOURNAL).exists():
        # each try gets one step further than the one before
        assert steps < 200
        try:
            with monkeypatch.context() as patch:
                left = steps
                for name in ("replace", "unlink"):
                    real = getattr(Path, name)

                    def step(self: Path, *arguments: Any, real: Any = real, **options: Any) -> Any:
                        nonlocal left
                        if not left:
                            raise Killed
                        left -= 1
                        return real(self, *arguments, **options)

                    patch.setattr(Path, name, step)
                finish(fragmented.path)
        except Killed:
            steps += 1
    assert steps > 3
    assert state(fragmented) == before


def test_a_merged_part_that_bears_an_old_name_survives_mending_twice(fragmented: Dataset) -> None:
    before = state(fragmented)
    (path, *_) = parts(fragmented.clips_folder)
    name = str(path.relative_to(fragmented.path))
    for _ in range(2):
        moves = [[f"{STAGING}/{name}", name]]
        (fragmented.path / JOURNAL).write_text(json.dumps({"moves": moves, "old": [name]}))
        finish(fragmented.path)
        assert state(fragmented) == before


@pytest.mark.parametrize("text", ["", "{", "not json"])
def test_damaged_journal_is_one_line_and_left_alone(fragmented: Dataset, text: str) -> None:
    before = state(fragmented)
    (fragmented.path / JOURNAL).write_text(text)
    with pytest.raises(JobError, match="damaged") as caught, fragmented.lock():
        pass
    assert str(fragmented.path / JOURNAL) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (fragmented.path / JOURNAL).read_text() == text
    assert state(fragmented) == before
