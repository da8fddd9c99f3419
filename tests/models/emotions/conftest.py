"""What the tests of scorers share: small networks as files, and a picture with a face."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_networks import SHAPES, make_detector, make_expression

from models import emotions
from models.checkpoint import Checkpoint, file_sha256
from models.weights import ScorerWeights, scorer_files


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of both scorers, under their own names."""
    folder = tmp_path_factory.mktemp("networks")
    for scorer, (channels, side) in SHAPES.items():
        make_detector(folder / f"{scorer}-face.onnx")
        make_expression(folder / f"{scorer}-expression.onnx", channels, side)
    return folder


@pytest.fixture
def chosen(networks: Path) -> dict[str, ScorerWeights]:
    """The weights of both scorers, from that folder."""
    return {scorer: scorer_files(scorer, str(networks)) for scorer in SHAPES}


@pytest.fixture
def published(networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Checkpoint]:
    """The cards with the small networks as what is published, at an address that refuses; none are here: FER+'s."""
    card = emotions.get("ferplus")
    made = {
        role: dataclasses.replace(
            one,
            url="http://127.0.0.1:1/" + one.filename,
            sha256=file_sha256(networks / f"ferplus-{role}.onnx"),
            bytes=None,
        )
        for role, one in card.checkpoints.items()
    }
    other = emotions.get("emotieffnet")
    replaced = {
        "ferplus": dataclasses.replace(card, checkpoints=made),
        "emotieffnet": dataclasses.replace(other, checkpoints={**other.checkpoints, "face": made["face"]}),
    }
    real = emotions.get
    monkeypatch.setattr(emotions, "get", lambda name: replaced.get(name) or real(name))
    return made


@pytest.fixture
def portrait() -> np.ndarray:
    """uint8 [160, 288, 3]: blue, with a red cell at (64, 32)."""
    picture = np.full((160, 288, 3), (20, 40, 90), np.uint8)
    picture[32:64, 64:96] = (250, 10, 10)
    return picture
