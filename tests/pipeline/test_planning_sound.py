"""--keep-sound: which clips a plan sends back for their sound track."""

from __future__ import annotations

from pathlib import Path

from building import inception_entry
from places import Place, sha, tasks_of

from pipeline.inputs import InputClip
from pipeline.store import shard_of
from pipeline.store.layout import sound_path


def heard(place: Place, *names: str) -> list[InputClip]:
    """Clips in the dataset, with a sound stream, that a run without --keep-sound has left."""
    clips = [place.clip(f"{name}.mp4", name, clip_id=name) for name in names]
    place.carry_out(place.plan(clips), audio={"index": 1, "codec": "aac", "rate_hz": 44100, "channels": 2})
    return clips


def put_sound(place: Place, name: str) -> Path:
    path = sound_path(place.dataset.path, sha(name), shard_of(name, place.dataset.shards))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_kept_sound_is_asked_for_with_a_new_clip_and_made_up_for_an_old_one(place: Place) -> None:
    clips = heard(place, "a", "b")
    clips.append(place.clip("new.mp4", "new", clip_id="new"))
    place.carry_out(place.plan([place.clip("mute.mp4", "mute", clip_id="mute")]))
    clips.append(place.clip("mute.mp4", clip_id="mute"))
    assert [task.clip_id for task in tasks_of(place.plan(clips))] == ["new"]
    assert not any(task.needs_sound for task in tasks_of(place.plan(clips)))

    put_sound(place, "b")
    found = {task.clip_id: task for task in tasks_of(place.plan(clips, keep_sound=True))}
    assert sorted(found) == ["a", "new"], "b has its track, and the mute clip has none to keep"
    assert all(task.needs_sound for task in found.values())
    assert (found["a"].features, found["a"].needs_row, found["a"].sha256) == ((), False, sha("a"))
    assert (found["new"].features, found["new"].needs_row) == (("inception",), True)

    put_sound(place, "a")
    assert [task.clip_id for task in tasks_of(place.plan(clips, keep_sound=True))] == ["new"]


def test_kept_sound_that_is_deleted_is_made_again(place: Place) -> None:
    clips = heard(place, "a")
    path = put_sound(place, "a")
    assert place.plan(clips, keep_sound=True).todo == 0
    path.unlink()
    (task,) = tasks_of(place.plan(clips, keep_sound=True))
    assert (task.clip_id, task.features, task.needs_sound) == ("a", (), True)


def test_a_clip_computed_again_keeps_the_sound_that_it_has(place: Place) -> None:
    clips = heard(place, "a")
    put_sound(place, "a")
    place.entries["inception"] = inception_entry(max_s=300.0)
    place.dataset.settle("inception", place.entries["inception"]["fingerprint"])
    (task,) = tasks_of(place.plan(clips, keep_sound=True))
    assert (task.features, task.needs_sound) == (("inception",), False)
