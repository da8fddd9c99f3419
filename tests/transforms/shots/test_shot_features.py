"""The features of shots, on made-up shots: what goes where, and that a picture is scored once."""

from __future__ import annotations

import numpy as np
import pytest

from models.emotions import Emotion
from transforms import features
from transforms.features import ShotExtractor
from transforms.features.base import Rows
from transforms.views import Shots

LEVELS = [(10, 60), (200, 220), (90, 90)]


def made(levels: list[tuple[int, int]] = LEVELS) -> Shots:
    """Shots of ten pictures each; the pictures that stand for them are grey, of the levels given."""
    count = len(levels)
    firsts = 10 * np.arange(count)
    frames = np.stack([firsts, firsts + [4 if one != other else 0 for one, other in levels]], axis=1)
    pictures = np.zeros((count, 2, 64, 96, 3), np.uint8)
    pictures[:] = np.array(levels, np.uint8).reshape(count, 2, 1, 1, 1)
    return Shots(
        first_frames=firsts,
        end_frames=firsts + 10,
        starts_s=firsts / 25,
        ends_s=(firsts + 10) / 25,
        gradual_s=np.stack([firsts / 25] * 2, axis=1),
        jumps=np.linspace(0, 0.9, count).astype(np.float32),
        histograms=np.full((count, 128), 1 / 128, np.float32),
        frames=frames,
        times_s=frames / 25,
        differences=np.full((count, 2), 0.25, np.float32),
        pictures=pictures,
    )


class Bright:
    """Scores a picture by its brightness; black pictures show nothing."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, picture: np.ndarray) -> Emotion:
        self.calls += 1
        level = float(picture.mean()) / 255
        return Emotion(np.full(5, level, np.float32), level, level > 0)


def rows(name: str, shots: Shots, score: Bright | None = None, **changes: object) -> Rows:
    feature = features.get(name)
    assert isinstance(feature, ShotExtractor)
    parameters = feature.card.values(changes)  # type: ignore[arg-type]
    found = feature.compute(shots, parameters, score)
    card = feature.card
    dims = feature.dims(parameters) if feature.dims else card.dims
    assert found.times_s is not None
    assert found.mask is not None
    count = len(found.times_s)
    assert found.values.shape == (count, dims)
    assert found.values.dtype == card.dtype
    assert found.mask.shape == (count,)
    assert set(found.columns) == set(card.columns)
    assert all(len(column) == count for column in found.columns.values())
    return found


def test_shots_tell_where_they_begin_and_end() -> None:
    found = rows("shots", made())
    assert found.times_s is not None
    assert found.times_s.tolist() == [0, 0.4, 0.8]
    assert found.columns["ends_s"].tolist() == [0.4, 0.8, 1.2]
    assert found.columns["end_frames"].tolist() == [10, 20, 30]


def test_emotion_has_two_rows_a_shot_and_scores_the_same_picture_once() -> None:
    score, shots = Bright(), made()
    found = rows("emotion", shots, score)
    assert found.columns["shots"].tolist() == [0, 0, 1, 1, 2, 2]
    assert found.columns["keys"].tolist() == [False, True] * 3
    assert found.columns["frames"].tolist() == [0, 4, 10, 14, 20, 20]
    assert found.columns["scores"] * 255 == pytest.approx([10, 60, 200, 220, 90, 90])
    assert score.calls == 5
    rows("keyframes", shots, score)
    assert score.calls == 5, "keyframes takes what emotion has found"


def test_what_shows_nothing_is_masked() -> None:
    found = rows("emotion", made([(0, 50)]), Bright())
    assert found.mask is not None
    assert found.mask.tolist() == [False, True]
    assert not found.values[0].any()


@pytest.mark.parametrize(
    ("scored", "gate", "shots", "passed"),
    [
        ("first", 0.5, [1], True),
        ("first", 0.3, [1, 2], True),
        ("key", 0.2, [0, 1, 2], True),
        ("best", 0.2, [0, 1, 2], True),
        ("first", 0.2, [1, 2], True),
        ("first", 0.9, [1], False),
    ],
)
def test_keyframes_are_the_most_different_pictures_of_the_key_shots(
    scored: str, gate: float, shots: list[int], passed: bool
) -> None:
    found = rows("keyframes", made(), Bright(), scored=scored, gate=gate)
    assert found.columns["shots"].tolist() == shots
    assert found.columns["passed"].tolist() == [passed] * len(shots)
    keys = {0: 60, 1: 220, 2: 90}
    assert found.values[:, 0].tolist() == [keys[shot] for shot in shots]
    assert found.columns["frames"].tolist() == [{0: 4, 1: 14, 2: 20}[shot] for shot in shots]


def test_more_key_shots_than_the_limit_are_sampled_evenly() -> None:
    found = rows("keyframes", made([(200, 100 + n) for n in range(9)]), Bright(), limit=3, size_px=32)
    assert found.columns["shots"].tolist() == [1, 4, 7]
    assert found.values.shape == (3, 32 * 32 * 3)


def test_a_clip_without_a_shot_has_no_rows() -> None:
    assert len(rows("shots", made([])).values) == 0
    assert len(rows("emotion", made([]), Bright()).values) == 0
    assert len(rows("keyframes", made([]), Bright()).values) == 0


def test_what_is_set_for_shots_holds_for_what_follows_them() -> None:
    from pipeline.settings import Settings, parse_overrides

    settings = Settings(overrides=parse_overrides(["shots.method=adaptive", "emotion.scorer=ferplus"]))
    for name in ("shots", "emotion", "keyframes"):
        assert settings.parameters(name)["method"] == "adaptive"
        assert settings.parameters(name)["ratio"] == 3.0
    assert settings.parameters("keyframes")["scorer"] == "ferplus"
    own = Settings(overrides=parse_overrides(["shots.threshold=0.4", "keyframes.threshold=0.2"]))
    assert own.parameters("emotion")["threshold"] == 0.4
    assert own.parameters("keyframes")["threshold"] == 0.2


def test_features_of_shots_share_one_view() -> None:
    views = set()
    for name in ("shots", "emotion", "keyframes"):
        feature = features.get(name)
        assert isinstance(feature, ShotExtractor)
        views.add(feature.view(feature.card.defaults()))
    assert len(views) == 1
