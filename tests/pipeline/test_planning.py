"""What an extraction has to do: everything that is missing, nothing twice."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import pytest
from building import FRACTIONS, add_clips, clip_row, inception_entry
from places import Place, counts, sha, tasks_of

from pipeline.errors import UsageError
from pipeline.inputs import InputClip, assign_split, files
from pipeline.store import shard_of


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


def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses of the files that are hashed from now on."""
    hashed: list[str] = []
    really = files.sha256_of_many

    def spy(uris: Iterable[str]) -> list[Any]:
        given = list(uris)
        hashed.extend(given)
        return list(really(given))

    monkeypatch.setattr(files, "sha256_of_many", spy)
    return hashed


def test_nothing_twice_and_known_files_are_not_even_hashed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [place.clip("a.mp4", "a"), place.clip("b.mp4", "b", clip_id="bee", split="test")]
    place.carry_out(place.plan(clips))
    hashed = spied(monkeypatch)
    again = place.plan(clips)
    assert counts(again) == (2, 0, 0, 0)
    assert again.units == []
    assert (again.changed, again.stale_rejects, again.moved) == ([], [], {})
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


@pytest.mark.parametrize("given", [{}, {"clip_id": "x"}], ids=["by content", "by id"])
def test_moved_or_touched_file_is_hashed_once_and_then_known(
    place: Place, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    clips = [place.clip("a.mp4", "a", **given), place.clip("b.mp4", "b")]
    place.carry_out(place.plan(clips))
    clip_id = given.get("clip_id", sha("a"))
    before = place.dataset.clips().to_pylist()
    hashed = spied(monkeypatch)
    for name in ("a.mp4", "moved.mp4"):
        hashed.clear()
        if name == "a.mp4":
            os.utime(place.folder / name, ns=(1, 1))
        else:
            (place.folder / "a.mp4").rename(place.folder / name)
        clips[0] = place.clip(name, **given)
        plan = place.plan(clips)
        assert (counts(plan), plan.moved) == ((2, 0, 0, 0), {clip_id: clips[0]})
        assert hashed == [clips[0].uri]
        place.carry_out(plan)
        hashed.clear()
        again = place.plan(clips)
        assert (counts(again), again.moved, hashed) == ((2, 0, 0, 0), {}, [])
    after = {row["id"]: row for row in place.dataset.clips().to_pylist()}
    for row in before:
        clip = clips[0] if row["id"] == clip_id else clips[1]
        assert after[row["id"]] == row | {"uri": clip.uri, "size_bytes": clip.size_bytes, "mtime_ns": clip.mtime_ns}


def test_vanished_file_leaves_its_clip_as_it_is(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "a", clip_id="x")]))
    (place.folder / "a.mp4").unlink()
    plan = place.plan([place.clip("a.mp4", clip_id="x")])
    assert (counts(plan), plan.changed, plan.moved) == ((1, 0, 0, 0), [], {})


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
    plan = place.plan([])
    assert (counts(plan), plan.units) == ((0, 0, 0, 0), [])


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
    ("clips", "workers", "per_part", "largest"),
    [
        (40, 1, 32, 5),
        (40, 1, 3, 3),
        (4, 8, 32, 1),
        (400, 1, 32, 32),
        (400, 1, None, 32),
        (9_999, 1, None, 32),
        (10_000, 1, None, 256),
        (10_000, 1, 40, 40),
    ],
)
def test_units_are_small_enough_to_keep_all_workers_busy(
    place: Place, clips: int, workers: int, per_part: int | None, largest: int
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
