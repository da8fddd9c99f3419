"""Which files a scorer runs with, and that only those that were chosen are loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_networks import SHAPES, make_expression

from models import download, weights
from models.checkpoint import Checkpoint
from models.weights import ScorerWeights, WeightsError, load_scorer, scorer_files


@pytest.mark.parametrize("choice", ["auto", "pretrained", "random", "some/folder/that/is/not"])
def test_a_scorer_without_files_takes_any_choice(choice: str) -> None:
    chosen = scorer_files("colour", choice)
    assert chosen == ScorerWeights("colour", "none", None, {}, False)
    assert chosen.label == "no weights"
    assert ScorerWeights.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert load_scorer(chosen)(np.full((2, 2, 3), 99, np.uint8)).seen


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_no_network_of_emotions_is_random(name: str) -> None:
    with pytest.raises(WeightsError, match=f"scorer {name} never runs with random weights.*the scorer colour"):
        scorer_files(name, "random")


@pytest.mark.parametrize("choice", ["auto", "pretrained"])
def test_offline_says_which_file_to_put_where(published: dict[str, Checkpoint], tmp_path: Path, choice: str) -> None:
    said: list[str] = []
    with pytest.raises(WeightsError) as caught:
        scorer_files("ferplus", choice, say=said.append)
    message = str(caught.value)
    assert "no pretrained weights for scorer ferplus" in message
    assert f"put {published['face'].filename} into {tmp_path / 'cache' / 'weights'}" in message
    assert message.endswith("or choose the scorer colour, which needs none")
    assert "\n" not in message
    assert len(said) == 1
    assert said[0].startswith("fetching ")


def put(networks: Path, published: dict[str, Checkpoint], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for role, checkpoint in published.items():
        shutil.copy(networks / f"ferplus-{role}.onnx", folder / checkpoint.filename)


def test_published_files_are_found_and_survive_json(
    published: dict[str, Checkpoint], networks: Path, tmp_path: Path, portrait: np.ndarray
) -> None:
    put(networks, published, tmp_path / "cache" / "weights")
    chosen = scorer_files("ferplus", "auto")
    assert chosen.published
    assert chosen.label == "pretrained emotion-ferplus-8.onnx + face_detection_yunet_2023mar.onnx"
    assert len(chosen.digest or "") == 64
    assert scorer_files("ferplus", "pretrained") == chosen
    again = ScorerWeights.from_dict(json.loads(json.dumps(chosen.to_dict())))
    assert again == chosen
    assert load_scorer(again)(portrait).seen


def test_a_fetched_file_must_be_the_published_one(
    published: dict[str, Checkpoint], networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(url: str, write: object, *rest: object) -> None:
        assert callable(write)
        write(b"somebody else's network")

    monkeypatch.setattr(download, "_receive", receive)
    with pytest.raises(WeightsError, match="is not the published file: its SHA-256 starts with"):
        scorer_files("ferplus", "pretrained", say=lambda line: None)
    assert list((tmp_path / "cache" / "weights").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_told_and_not_used(
    published: dict[str, Checkpoint], networks: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache" / "weights"
    put(networks, published, folder)
    (folder / published["expression"].filename).write_bytes(b"cut short")
    said: list[str] = []
    with pytest.raises(WeightsError, match=r"put emotion-ferplus-8\.onnx into"):
        scorer_files("ferplus", "auto", say=said.append)
    assert "emotion-ferplus-8.onnx is not the published file" in said[0]


def test_a_folder_of_ones_own(networks: Path, tmp_path: Path, published: dict[str, Checkpoint]) -> None:
    own = scorer_files("emotieffnet", str(networks))
    assert (own.source, own.published) == ("directory", False)
    assert own.label == (
        f"directory {networks}: emotieffnet-expression.onnx + emotieffnet-face.onnx, not the published files"
    )
    put(networks, published, tmp_path)
    theirs = scorer_files("ferplus", str(tmp_path))
    assert theirs.published
    assert theirs.label.endswith("the published files")
    assert not theirs.label.endswith("not the published files")
    # the digest is of what is in the files, not of what they are called
    assert theirs.digest == scorer_files("ferplus", str(networks)).digest
    assert theirs.digest != own.digest


def test_a_folder_that_lacks_one(networks: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no folder"):
        scorer_files("ferplus", str(tmp_path / "none"))
    shutil.copy(networks / "ferplus-face.onnx", tmp_path)
    with pytest.raises(
        WeightsError,
        match=r"no weights for the expression network of scorer ferplus: expected one of emotion-ferplus-8\.onnx, "
        r"ferplus-expression\.onnx",
    ):
        scorer_files("ferplus", str(tmp_path))


def test_files_that_changed_or_vanished_are_not_loaded(networks: Path, tmp_path: Path) -> None:
    for role in ("face", "expression"):
        shutil.copy(networks / f"ferplus-{role}.onnx", tmp_path)
    chosen = scorer_files("ferplus", str(tmp_path))
    load_scorer(chosen)
    expression = tmp_path / "ferplus-expression.onnx"
    make_expression(expression, 1, 64, classes=7)
    with pytest.raises(WeightsError, match="has changed since it was chosen for scorer ferplus"):
        load_scorer(chosen)
    expression.unlink()
    with pytest.raises(WeightsError, match="is gone: it was chosen as the expression network of scorer ferplus"):
        load_scorer(chosen)


def test_files_that_swapped_roles_are_another_choice(networks: Path, tmp_path: Path) -> None:
    chosen = scorer_files("ferplus", str(networks))
    swapped = dict(zip(chosen.paths, reversed(list(chosen.paths.values())), strict=True))
    with pytest.raises(WeightsError, match="has changed"):
        load_scorer(ScorerWeights("ferplus", "directory", chosen.digest, swapped, False))


def test_listing_has_each_file_once_with_who_needs_it() -> None:
    rows = {row["name"]: row for row in weights.listing()}
    assert rows["yunet"]["used_by"] == ["emotieffnet", "ferplus"]
    assert rows["emotion-ferplus-8"]["used_by"] == ["ferplus"]
    assert rows["emotion-ferplus-8"]["bytes"] == 35_040_571
    assert rows["inception_v3_google"]["used_by"] == ["inception"]
    json.dumps(list(rows.values()))


@pytest.mark.parametrize("name", ["ferplus", "emotion-ferplus-8", "emotion-ferplus-8.onnx"])
def test_fetch_by_scorer_or_file(published: dict[str, Checkpoint], networks: Path, tmp_path: Path, name: str) -> None:
    put(networks, published, tmp_path / "cache" / "weights")
    found = {path.name for path in weights.fetch(name)}
    whole = {checkpoint.filename for checkpoint in published.values()}
    assert found == (whole if name == "ferplus" else {"emotion-ferplus-8.onnx"})
