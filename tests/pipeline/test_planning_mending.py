"""What a kill or a lost file leaves behind is found by the next plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from building import inception_entry, values_of
from places import Place, counts, sha, tasks_of

from pipeline.store.layout import parts


def test_dropping_that_is_killed_half_way_is_dropped_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "old", clip_id="x")]))
    clips = [place.clip("a.mp4", "newer", clip_id="x")]
    plan = place.plan(clips)
    really = Path.unlink
    left = 0

    def step(self: Path, *arguments: Any, **options: Any) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        really(self, *arguments, **options)

    # one part of the clips and one of the feature go: the kill comes before the first, then before the second
    for steps in (0, 1):
        left = steps
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", step)
            with pytest.raises(KeyboardInterrupt):
                place.dataset.drop(plan.changed)
        assert place.plan(clips).changed == ["x"]
    place.carry_out(place.plan(clips))
    assert place.dataset.done("inception") == {"x": sha("newer")}
    assert list(values_of(place.dataset, "inception")) == ["x"]
    assert counts(place.plan(clips)) == (1, 0, 0, 0)


def test_values_of_a_clip_without_a_row_are_compared_with_its_file(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "old", clip_id="x")]))
    clips = [place.clip("a.mp4", "newer", clip_id="x")]
    for path in parts(place.dataset.clips_folder):
        path.unlink()
    place.carry_out(place.plan(clips))
    assert list(values_of(place.dataset, "inception")) == ["x"]
    assert place.dataset.done("inception") == {"x": sha("newer")}


def test_values_set_aside_of_content_that_has_changed_do_not_come_back(place: Place) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "old", clip_id="x")]))
    old, new = place.entries["inception"], inception_entry(max_s=300.0)
    clips = [place.clip("a.mp4", "newer", clip_id="x")]
    for entry in (new, old):
        place.entries["inception"] = entry
        place.dataset.settle("inception", entry["fingerprint"])
        place.carry_out(place.plan(clips))
        assert list(values_of(place.dataset, "inception")) == ["x"]
        assert place.dataset.done("inception") == {"x": sha("newer")}
    assert place.plan(clips).todo == 0


@pytest.mark.parametrize("given", [{}, {"clip_id": "x"}], ids=["by content", "by id"])
def test_lost_parts_are_made_again_and_nothing_else(place: Place, given: dict[str, str]) -> None:
    clips = [place.clip("a.mp4", "a", **given)]
    place.carry_out(place.plan(clips))
    for folder, expected in (
        (place.dataset.clips_folder, ((), True)),
        (place.dataset.feature_folder("inception"), (("inception",), False)),
    ):
        for path in parts(folder):
            path.unlink()
        plan = place.plan(clips)
        (task,) = tasks_of(plan)
        assert (task.features, task.needs_row) == expected
        place.carry_out(plan)
        assert counts(place.plan(clips)) == (1, 0, 0, 0)
    assert len(values_of(place.dataset, "inception")) == 1
