"""A clip that was turned away is tried again when something has changed, and only then."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from building import add_clips, add_rejects, clip_row, inception_entry, reject_row
from places import Place, counts, sha, tasks_of

from pipeline import planning
from pipeline.inputs import InputClip
from pipeline.planning import Unit, attempt_key
from transforms.decoding import Limits


def test_reject_is_not_tried_again_unless_asked_or_the_limits_change(place: Place) -> None:
    clips = [
        place.clip("good.mp4", "good"),
        place.clip("bad.mp4", "bad"),
        place.clip("named.mp4", "named", clip_id="n"),
    ]
    place.carry_out(place.plan(clips), reject={sha("bad"): "too_long", "n": "no_video"})
    again = place.plan(clips)
    assert counts(again) == (3, 0, 2, 0)
    assert again.stale_rejects == []

    asked = place.plan(clips, retry_rejects=True)
    assert sorted(task.clip_id for task in tasks_of(asked)) == sorted([sha("bad"), "n"])
    assert sorted(asked.stale_rejects) == sorted([sha("bad"), "n"])

    wider = dataclasses.replace(Limits(), max_duration_s=1e6)
    changed = place.plan(clips, limits=wider)
    assert sorted(changed.stale_rejects) == sorted([sha("bad"), "n"])
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
    assert (plan.stale_rejects, plan.lost_rejects) == (["b"], [sha("bad")]), "the rejects of that id and that file go"
    place.carry_out(plan)
    assert counts(place.plan(mended)) == (2, 0, 0, 0)
    assert place.dataset.rejects() == []


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
    place.carry_out(dataclasses.replace(plan, units=[Unit(0, (found[name],)) for name in ("missing.mp4", "empty.mp4")]))
    named = found["named.mp4"]
    same = {"uri": named.uri, "size_bytes": named.size_bytes, "mtime_ns": named.mtime_ns}
    add_rejects(place.dataset, [reject_row("named", **same, sha256="", attempt=plan.attempt, reason="unreadable")])
    assert counts(place.plan(clips)) == (3, 0, 3, 0)


def test_missing_file_that_appears_is_tried_and_its_reject_goes(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4"), place.clip("empty.mp4", "")]))
    assert sorted(row["reason"] for row in place.dataset.rejects()) == ["empty_file", "unreadable"]
    clips = [place.clip("a.mp4", "now there"), place.clip("empty.mp4", "now filled")]
    plan = place.plan(clips)
    assert sorted(task.clip_id for task in tasks_of(plan)) == sorted([sha("now there"), sha("now filled")])
    place.carry_out(plan)
    assert place.dataset.rejects() == []
    assert counts(place.plan(clips)) == (2, 0, 0, 0)


def test_missing_file_with_an_id_that_appears_is_tried(place: Place) -> None:
    (task,) = tasks_of(plan := place.plan([place.clip("a.mp4", clip_id="a")]))
    same = {"uri": task.uri, "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
    add_rejects(place.dataset, [reject_row("a", **same, sha256="", attempt=plan.attempt, reason="unreadable")])
    assert place.plan([place.clip("a.mp4", clip_id="a")]).todo == 0
    clips = [place.clip("a.mp4", "now there", clip_id="a")]
    again = place.plan(clips)
    assert [task.clip_id for task in tasks_of(again)] == ["a"]
    assert again.stale_rejects == ["a"]
    place.carry_out(again)
    assert place.dataset.rejects() == []


@pytest.mark.parametrize("given", [{}, {"clip_id": "x"}], ids=["by content", "by id"])
def test_file_that_changed_while_the_job_ran_is_tried_again(place: Place, given: dict[str, str]) -> None:
    clips = [place.clip("a.mp4", "a", **given)]
    clip_id = given.get("clip_id", sha("a"))
    place.carry_out(place.plan(clips), reject={clip_id: "content_changed"})
    plan = place.plan(clips)
    assert (counts(plan), plan.stale_rejects) == ((1, 1, 0, 0), [clip_id])
    place.carry_out(plan)
    assert place.dataset.rejects() == []


# -- several rejects of one clip --------------------------------------------------------------------------------------

SOUND = {"index": 1, "codec": "aac", "rate_hz": 44100, "channels": 2}


def rejected(place: Place, features: dict[str, str]) -> tuple[list[InputClip], str]:
    """A clip with its row but without ``features`` (name -> attempt), which were turned away; and the attempt now."""
    clips = [place.clip("a.mp4", "a")]
    plan = place.plan(clips)
    (task,) = tasks_of(plan)
    rest = dataclasses.replace(task, features=tuple(n for n in task.features if n not in features))
    place.carry_out(dataclasses.replace(plan, units=[Unit(plan.units[0].shard, (rest,))]), audio=SOUND)
    same = {"sha256": sha("a"), "uri": task.uri, "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
    now = {name: attempt_key(Limits(), place.entries, name) for name in features}
    rows = [
        reject_row(task.clip_id, **same, feature=name, reason="not_finite", attempt=attempt or now[name])
        for name, attempt in features.items()
    ]
    add_rejects(place.dataset, rows)
    return clips, plan.attempt


def test_all_that_was_turned_away_is_tried_again_where_one_reject_no_longer_holds(place: Place) -> None:
    place.entries["second"] = {**inception_entry(), "name": "second"}
    clips, _ = rejected(place, {"inception": "", "second": "earlier circumstances"})
    plan = place.plan(clips)
    (task,) = tasks_of(plan)
    assert (task.features, task.needs_row) == (("inception", "second"), False)
    assert plan.stale_rejects == [sha("a")], "both rejects go, so both features have to be tried"
    place.carry_out(plan)
    assert place.dataset.rejects() == []
    assert counts(place.plan(clips)) == (1, 0, 0, 0)


def test_two_rejects_that_hold_stay(place: Place) -> None:
    place.entries["second"] = {**inception_entry(), "name": "second"}
    clips, _ = rejected(place, {"inception": "", "second": ""})
    plan = place.plan(clips)
    assert (counts(plan), plan.stale_rejects) == ((1, 0, 0, 0), [])
    place.carry_out(plan)
    assert len(place.dataset.rejects()) == 2


def test_rejected_sound_is_not_tried_again_unless_its_reject_is_stale(place: Place) -> None:
    clips, attempt = rejected(place, {"sound": ""})
    assert counts(place.plan(clips, keep_sound=True)) == (1, 0, 0, 0)
    (task,) = tasks_of(place.plan(clips, keep_sound=True, retry_rejects=True))
    assert (task.features, task.needs_row, task.needs_sound) == ((), False, True)
    wider = dataclasses.replace(Limits(), max_duration_s=1e6)
    (task,) = tasks_of(plan := place.plan(clips, keep_sound=True, limits=wider))
    assert (task.needs_sound, plan.stale_rejects) == (True, [sha("a")])
    assert plan.attempt != attempt


@pytest.mark.parametrize("others", [(), ("inception",)], ids=["alone", "beside one that holds"])
@pytest.mark.parametrize("attempt", ["", "the fingerprint of wpca"])
def test_reject_of_a_derived_feature_is_nothing_to_extract(place: Place, attempt: str, others: tuple[str, ...]) -> None:
    clips, _ = rejected(place, {"wpca": attempt, **dict.fromkeys(others, "")})
    plan = place.plan(clips)
    assert (counts(plan), plan.stale_rejects, plan.units) == ((1, 0, 0, 0), [], [])
    assert place.plan(clips, retry_rejects=True).todo == len(others)
    place.carry_out(plan)
    assert sorted(row["feature"] for row in place.dataset.rejects()) == sorted(["wpca", *others])


def test_reject_of_a_derived_feature_stays_where_its_clip_is_computed_again(place: Place) -> None:
    clips, _ = rejected(place, {"wpca": "the fingerprint of wpca"})
    place.entries["inception"] = inception_entry(max_s=300.0)
    place.dataset.settle("inception", place.entries["inception"]["fingerprint"])
    plan = place.plan(clips)
    assert ([task.features for task in tasks_of(plan)], plan.stale_rejects) == ([("inception",)], [])
