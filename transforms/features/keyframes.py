"""``keyframes``: DPVM's emotion key frames, at a network's size."""

from __future__ import annotations

import numpy as np

from models.emotions.base import Score
from transforms.card import Card, Column, Parameter
from transforms.features.base import Parameters, Rows, ShotExtractor
from transforms.features.emotion import SCORER
from transforms.features.emotion import dims as labels
from transforms.shots.parameters import CHOOSER, DPVM, METHODS, SHOTS, view
from transforms.views import FIRST, KEY, Shots

SIZE_PX = 224

CARD = Card(
    name="keyframes",
    version=1,
    about="of each key shot the picture that differs most from the one before it",
    paper=DPVM,
    layout="sequence",
    dims=SIZE_PX * SIZE_PX * 3,
    dtype="uint8",
    unit="RGB, 0 to 255: a picture, row by row",
    hop_s=None,
    row="a key picture, in the order of time",
    # swscale is exact to the bit; OpenCV may round a shrunk pixel the other way on another processor
    tolerance=2 / 255,
    parameters=SHOTS
    | {
        "scorer": SCORER,
        "gate": Parameter(0.5, "ours", "least score of a key shot; the paper prints no number", minimum=0),
        "scored": Parameter(
            "first",
            "paper",
            "the picture of a shot that is scored: its first, its most different, or the better of both",
            ("first", "key", "best"),
        ),
        "limit": Parameter(32, "ours", "key pictures at most, evenly sampled: as many as ViViT takes", minimum=1),
        "size_px": Parameter(SIZE_PX, "code", "side of the picture, cut from its middle (ViViT's)", minimum=16),
        "thumbnail_px": Parameter(320, "ours", "longer side of the JPEG at most", minimum=16),
        "quality": Parameter(85, "ours", "of the JPEG", minimum=1),
    },
    contracts=METHODS,
    chooser=CHOOSER,
    follows=("shots", "emotion"),
    columns={
        "shots": Column("int64", "number of the shot, counted from 0"),
        "frames": Column("int64", "number of the picture, counted from 0 as they are shown"),
        "scores": Column("float32", "the shot's score, which the gate has seen"),
        "differences": Column("float32", "histogram difference to the picture before, 0 to 1"),
        "passed": Column("bool", "whether the score reaches the gate; else it is the best of a clip where none does"),
        "thumbnails": Column("binary", "JPEG of the whole picture"),
    },
)


def dims(parameters: Parameters) -> int:
    """Numbers in a picture."""
    return int(parameters["size_px"] or 0) ** 2 * 3


def compute(shots: Shots, parameters: Parameters, score: Score | None) -> Rows:
    """n shots -> uint8 [m, size * size * 3], 1 <= m <= ``limit``; ties between pictures go to the earliest."""
    from transforms.shots.keyframes import crop, key_shots, spread, thumbnail
    from transforms.shots.scoring import scored

    assert score is not None
    both = scored(shots, score, str(parameters["scorer"]), labels(parameters)).scores
    scores = {"first": both[:, FIRST], "key": both[:, KEY], "best": both.max(axis=1)}[str(parameters["scored"])]
    chosen, passed = key_shots(scores, float(parameters["gate"] or 0))
    limit = int(parameters["limit"] or 0)
    if len(chosen) > limit:
        chosen = chosen[spread(len(chosen), limit)]
    size_px, length = int(parameters["size_px"] or 0), dims(parameters)
    longest_px, quality = int(parameters["thumbnail_px"] or 0), int(parameters["quality"] or 0)
    pictures = shots.pictures[chosen, KEY]
    values = np.array([crop(picture, size_px).reshape(length) for picture in pictures], dtype=np.uint8)
    columns = {
        "shots": chosen,
        "frames": shots.frames[chosen, KEY],
        "scores": scores[chosen],
        "differences": shots.differences[chosen, KEY],
        "passed": np.full(len(chosen), passed),
        "thumbnails": [thumbnail(picture, longest_px, quality) for picture in pictures],
    }
    mask = np.ones(len(chosen), dtype=bool)
    return Rows(values.reshape(-1, length), times_s=shots.times_s[chosen, KEY], mask=mask, columns=columns)


FEATURE = ShotExtractor(CARD, view, compute, scorer=lambda parameters: str(parameters["scorer"]), dims=dims)
