"""What an extraction has to do: everything that is missing, nothing twice."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from building import (
    FRACTIONS,
    add_clips,
    add_feature,
    add_rejects,
    clip_row,
    feature_row,
    inception_entry,
    reject_row,
    sequence,
)

from pipeline import planning
from pipeline.errors import JobError, UsageError
from pipeline.inputs import InputClip, assign_split, files
from pipeline.planning import ClipTask, ExtractionPlan, plan_extraction
from pipeline.store import Dataset, shard_of
from transforms.decoding import Limits


class Place:
    """A folder of stand-ins for videos, and a dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = Dataset.create(folder / "set", 4, FRACTIONS)
        self.entries = {"inception": inception_entry()}

    def clip(self, name: str, content: str | None = None, **given: Any) -> InputClip:
        """A file (written where ``content`` is given) as the input names it."""
        path = self.folder / name
        if content is not None:
            path.write_text(content)
        size, mtime = files.stat(str(path))
        return InputClip(str(path), size_bytes=size, mtime_ns=mtime, **given)

    def plan(self, clips: list[InputClip], **options: Any) -> ExtractionPlan:
        given: dict[str, Any] = {"workers": 2, "clips_per_part": 32, "limits": Limits(), "entries": self.entries}
        return plan_extraction(clips, self.dataset, **(given | options))

    def carry_out(self, plan: ExtractionPlan, reject: dict[str, str] | None = None) -> None:
        """What an extraction leaves behind: rows for all tasks, rejects for those in ``reject`` (id -> reason)."""
        self.dataset.drop(plan.changed)
        self.dataset.drop(plan.retried, rejects_only=True)
        for task in tasks_of(plan):
            sha256 = task.sha256 or sha(Path(task.uri).read_text())
            same = {"sha256": sha256, "uri": task.uri, "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
            if task.clip_id in (reject or {}):
                row = reject_row(task.clip_id, **same, attempt=plan.attempt, reason=(reject or {})[task.clip_id])
                add_rejects(self.dataset, [row])
                continue
            if task.needs_row:
                add_clips(self.dataset, [clip_row(task.clip_id, **same, split=task.split)])
            for name in task.features:
                row = feature_row(task.clip_id, sequence(task.clip_id), sha256=sha256)
                add_feature(self.dataset, self.entries[name], [row])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def sha(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def tasks_of(plan: ExtractionPlan) -> list[ClipTask]:
    return [task for unit in plan.units for task in unit.tasks]


def counts(plan: ExtractionPlan) -> tuple[int, int, int, int]:
    return plan.clips, plan.todo, plan.rejected_before, plan.duplicates


def test_new_clips_are_all_to_do_under_their_content_hash(place: Place) -> None:
    clips = [place.clip(f"{n}.mp4", f"content {n}", label=f"l{n}", text="t") for n in range(6)]
    plan = place.plan(clips)
    assert counts(plan) == (6, 6, 0, 0)
    found = {task.clip_id: task for task in tasks_of(plan)}
    assert sorted(found) == sorted(sha(f"content {n}") for n in range(6))
    for unit in plan.units:
        assert {shard_of(task.clip_id, 4) for task in unit.tasks} == {unit.shard}
    for number, clip in enumerate(clips):
        task = found[sha(f"content {number}")]
        assert (task.uri, task.label, task.text, task.features) == (clip.uri, f"l{number}", "t", ("inception",))
        assert (task.size_bytes, task.mtime_ns) == (clip.size_bytes, clip.mtime_ns)
        assert task.needs_row
        assert task.sha256 == task.clip_id
        assert task.split == assign_split(task.clip_id, FRACTIONS)
        assert task.refused is None


def test_nothing_twice_and_known_files_are_not_even_hashed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [place.clip("a.mp4", "a"), place.clip("b.mp4", "b", clip_id="bee", split="test")]
    place.carry_out(place.plan(clips))
    hashed: list[str] = []

    def spy(uris: Any) -> list[str]:
        hashed.extend(uris)
        return []

    monkeypatch.setattr(planning.files, "sha256_of_many", spy)
    again = place.plan(clips)
    assert counts(again) == (2, 0, 0, 0)
    assert again.units == []
    assert hashed == []


def test_added_clip_is_the_only_one(place: Place) -> None:
    clips = [place.clip(f"{n}.mp4", f"{n}") for n in range(3)]
    place.carry_out(place.plan(clips))
    plan = place.plan([*clips, place.clip("new.mp4", "new")])
    assert [task.clip_id for task in tasks_of(plan)] == [sha("new")]
    assert counts(plan) == (4, 1, 0, 0)


def test_touched_or_moved_file_with_the_same_content_is_the_same_clip(place: Place) -> None:
    first = place.clip("a.mp4", "same")
    place.carry_out(place.plan([first]))
    os.utime(place.folder / "a.mp4", ns=(1, 1))
    assert counts(place.plan([place.clip("a.mp4")])) == (1, 0, 0, 0)
    (place.folder / "a.mp4").rename(place.folder / "b.mp4")
    assert counts(place.plan([place.clip("b.mp4")])) == (1, 0, 0, 0)


def test_new_content_without_an_id_is_a_new_clip(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "old")]))
    plan = place.plan([place.clip("a.mp4", "newer")])
    assert [task.clip_id for task in tasks_of(plan)] == [sha("newer")]
    assert plan.changed == []


def test_new_content_under_a_given_id_is_computed_again_and_replaces_the_old(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "old", clip_id="x"), place.clip("b.mp4", "b", clip_id="y")]))
    clips = [place.clip("a.mp4", "newer", clip_id="x"), place.clip("b.mp4", clip_id="y")]
    plan = place.plan(clips)
    assert plan.changed == ["x"]
    (task,) = tasks_of(plan)
    assert (task.clip_id, task.sha256, task.needs_row, task.features) == ("x", sha("newer"), True, ("inception",))
    place.carry_out(plan)
    assert place.dataset.done("inception") == {"x": sha("newer"), "y": sha("b")}
    assert place.dataset.clips(["id", "sha256"]).to_pylist() == [
        {"id": "x", "sha256": sha("newer")},
        {"id": "y", "sha256": sha("b")},
    ]
    assert counts(place.plan(clips)) == (2, 0, 0, 0)


def test_changed_parameter_recomputes_the_feature_but_keeps_the_clip(place: Place) -> None:
    clips = [place.clip("a.mp4", "a")]
    place.carry_out(place.plan(clips))
    place.entries["inception"] = inception_entry(max_s=300.0)
    place.dataset.settle("inception", place.entries["inception"]["fingerprint"])
    (task,) = tasks_of(place.plan(clips))
    assert (task.features, task.needs_row, task.sha256) == (("inception",), False, sha("a"))


def test_killed_between_the_clip_and_its_feature(place: Place) -> None:
    clip = place.clip("a.mp4", "a")
    row = {"sha256": sha("a"), "uri": clip.uri, "size_bytes": clip.size_bytes, "mtime_ns": clip.mtime_ns}
    add_clips(place.dataset, [clip_row(sha("a"), **row)])
    (task,) = tasks_of(place.plan([clip]))
    assert (task.features, task.needs_row) == (("inception",), False)


def test_same_content_twice_is_computed_once_unless_ids_say_otherwise(place: Place) -> None:
    plan = place.plan([place.clip("a.mp4", "same"), place.clip("b.mp4", "same"), place.clip("c.mp4", "other")])
    assert counts(plan) == (2, 2, 0, 1)
    plan = place.plan([place.clip("a.mp4", clip_id="one"), place.clip("b.mp4", clip_id="two")])
    assert counts(plan) == (2, 2, 0, 0)
    assert all(task.sha256 is None for task in tasks_of(plan)), "new clips with an id are hashed by the workers"


def test_given_id_that_is_the_hash_of_another_clip_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match="content hash of another clip"):
        place.plan([place.clip("a.mp4", "a"), place.clip("b.mp4", "b", clip_id=sha("a"))])


def test_no_clips_at_all(place: Place) -> None:
    with pytest.raises(JobError, match="no clip"):
        place.plan([])


# -- rejects ----------------------------------------------------------------------------------------------------------


def test_reject_is_not_tried_again_unless_asked_or_the_limits_change(place: Place) -> None:
    clips = [
        place.clip("good.mp4", "good"),
        place.clip("bad.mp4", "bad"),
        place.clip("named.mp4", "named", clip_id="n"),
    ]
    place.carry_out(place.plan(clips), reject={sha("bad"): "too_long", "n": "no_video"})
    again = place.plan(clips)
    assert counts(again) == (3, 0, 2, 0)
    assert again.retried == []

    asked = place.plan(clips, retry_rejects=True)
    assert sorted(task.clip_id for task in tasks_of(asked)) == sorted([sha("bad"), "n"])
    assert sorted(asked.retried) == sorted([sha("bad"), "n"])

    wider = dataclasses.replace(Limits(), max_duration_s=1e6)
    changed = place.plan(clips, limits=wider)
    assert sorted(changed.retried) == sorted([sha("bad"), "n"])
    place.carry_out(changed, reject={"n": "no_video"})
    assert counts(place.plan(clips, limits=wider)) == (3, 0, 1, 0)
    assert [row["id"] for row in place.dataset.rejects()] == ["n"]


def test_changed_view_is_another_attempt(place: Place) -> None:
    one = planning.attempt_key(Limits(), place.entries)
    assert planning.attempt_key(Limits(), {"inception": inception_entry(decoder="decord")}) != one
    assert planning.attempt_key(dataclasses.replace(Limits(), cpu_s=1.0), place.entries) != one
    assert planning.attempt_key(Limits(), {"inception": inception_entry()}) == one


def test_rejected_clip_with_new_content_is_tried(place: Place) -> None:
    clips = [place.clip("a.mp4", "bad"), place.clip("b.mp4", "bad too", clip_id="b")]
    place.carry_out(place.plan(clips), reject={sha("bad"): "not_media", "b": "not_media"})
    mended = [place.clip("a.mp4", "mended"), place.clip("b.mp4", "mended too", clip_id="b")]
    plan = place.plan(mended)
    assert sorted(task.clip_id for task in tasks_of(plan)) == sorted([sha("mended"), "b"])
    assert plan.retried == ["b"], "the old reject of that id goes"
    place.carry_out(plan)
    assert counts(place.plan(mended)) == (2, 0, 0, 0)
    assert "b" not in [row["id"] for row in place.dataset.rejects()]


def test_rejected_feature_does_not_take_the_clip_with_it(place: Place) -> None:
    clips = [place.clip("a.mp4", "a")]
    plan = place.plan(clips)
    (task,) = tasks_of(plan)
    same = {"sha256": sha("a"), "uri": task.uri, "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
    add_clips(place.dataset, [clip_row(task.clip_id, **same)])
    add_rejects(
        place.dataset,
        [reject_row(task.clip_id, **same, feature="inception", reason="not_finite", attempt=plan.attempt)],
    )
    assert counts(place.plan(clips)) == (1, 0, 0, 0)
    (again,) = tasks_of(place.plan(clips, retry_rejects=True))
    assert (again.features, again.needs_row) == (("inception",), False)


def test_missing_and_empty_files_are_handed_on_with_their_reason(place: Place) -> None:
    clips = [place.clip("missing.mp4"), place.clip("empty.mp4", ""), place.clip("named.mp4", clip_id="named")]
    plan = place.plan(clips)
    assert counts(plan) == (3, 3, 0, 0)
    found = {Path(task.uri).name: task for task in tasks_of(plan)}
    assert found["missing.mp4"].refused is not None
    assert found["missing.mp4"].refused[0] == "unreadable"
    assert found["empty.mp4"].refused is not None
    assert found["empty.mp4"].refused[0] == "empty_file"
    assert found["missing.mp4"].clip_id.startswith("unread-")
    assert found["missing.mp4"].clip_id != found["empty.mp4"].clip_id
    assert found["named.mp4"].clip_id == "named"
    unread = [found[name].clip_id for name in ("missing.mp4", "empty.mp4")]
    for clip_id in [*unread, "named"]:
        add_rejects(place.dataset, [reject_row(clip_id, sha256="", attempt=plan.attempt, reason="unreadable")])
    assert counts(place.plan(clips)) == (3, 0, 3, 0)


# -- splits, notes, units ---------------------------------------------------------------------------------------------


def test_split_of_the_manifest_is_taken_once_and_kept(place: Place) -> None:
    clips = [place.clip("a.mp4", "a", clip_id="a", split="test"), place.clip("b.mp4", "b", clip_id="b")]
    plan = place.plan(clips)
    splits = {task.clip_id: task.split for task in tasks_of(plan)}
    assert splits == {"a": "test", "b": assign_split("b", FRACTIONS)}
    place.carry_out(plan)
    moved = [dataclasses.replace(clip, split="val") for clip in clips]
    again = place.plan(moved)
    assert again.todo == 0
    assert again.notes == ["2 clips keep the split recorded earlier, the manifest now says another"]
    assert place.plan(clips).notes == []
    place.entries["inception"] = inception_entry(max_s=300.0)
    place.dataset.settle("inception", place.entries["inception"]["fingerprint"])
    assert {task.clip_id: task.split for task in tasks_of(place.plan(moved))} == splits


def test_assigned_splits_follow_the_fractions_of_the_dataset(place: Place) -> None:
    place.dataset.meta["split_fractions"] = {"train": 0.0, "val": 0.0, "test": 1.0}
    clips = [place.clip(f"{n}.mp4", f"{n}") for n in range(5)]
    assert {task.split for task in tasks_of(place.plan(clips))} == {"test"}


@pytest.mark.parametrize(
    ("clips", "workers", "per_part", "largest"), [(40, 1, 32, 5), (40, 1, 3, 3), (4, 8, 32, 1), (400, 1, 32, 32)]
)
def test_units_are_small_enough_to_keep_all_workers_busy(
    place: Place, clips: int, workers: int, per_part: int, largest: int
) -> None:
    given = [InputClip(f"/videos/{n}.mp4", clip_id=f"clip {n}") for n in range(clips)]
    plan = place.plan(given, workers=workers, clips_per_part=per_part)
    assert max(len(unit.tasks) for unit in plan.units) == largest
    assert sorted(task.clip_id for task in tasks_of(plan)) == sorted(f"clip {n}" for n in range(clips))
    for shard in range(4):
        ids = [task.clip_id for unit in plan.units if unit.shard == shard for task in unit.tasks]
        assert ids == sorted(ids)
        sizes = [len(unit.tasks) for unit in plan.units if unit.shard == shard]
        assert all(size == largest for size in sizes[:-1])


def test_plan_does_not_depend_on_the_order_of_the_input(place: Place) -> None:
    given = [InputClip(f"/videos/{n}.mp4", clip_id=f"clip {n}") for n in range(20)]
    assert place.plan(given).units == place.plan(given[::-1]).units
