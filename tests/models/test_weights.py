"""Which weights are chosen, where they are looked for, and what is said when they are not there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from models import backbones, weights
from models.checkpoint import Checkpoint, file_sha256
from models.weights import Weights, WeightsError, resolve

BODY = b"not tensors, but bytes with a digest"
PUBLISHED = backbones.get("inception").checkpoint
#: A port of this machine on which nothing listens (tcpmux): refused at once.
REFUSED = "http://127.0.0.1:1/weights.pth"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """Inception's card with a checkpoint of a few bytes at an address that refuses."""
    card = backbones.get("inception")
    digest = hashlib.sha256(BODY).hexdigest()
    made = dataclasses.replace(card.checkpoint, filename="small.pth", url=REFUSED, sha256=digest[:8])
    monkeypatch.setattr(backbones, "get", lambda name: dataclasses.replace(card, checkpoint=made))
    return made


def test_random_is_labelled_and_survives_json() -> None:
    chosen = resolve("inception", "random", seed=3)
    assert (chosen.source, chosen.path, chosen.seed, chosen.published) == ("random", None, 3, False)
    assert chosen.label == "random (seed 3)"
    assert len(chosen.digest) == 64
    assert Weights.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen


def test_published_digest_is_in_the_file_name() -> None:
    assert f"-{PUBLISHED.sha256}." in PUBLISHED.filename
    assert PUBLISHED.url.endswith("/" + PUBLISHED.filename)


@pytest.mark.parametrize("place", ["cache/weights", "torch/hub/checkpoints"])
def test_pretrained_is_found_without_a_network(small: Checkpoint, tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / small.filename).write_bytes(BODY)
    chosen = resolve("inception", "pretrained")
    assert chosen.path == str(tmp_path / place / small.filename)
    assert chosen.digest == hashlib.sha256(BODY).hexdigest()
    assert chosen.label == "pretrained small.pth"
    assert resolve("inception", "auto") == chosen
    assert weights.fetch("inception") == [Path(chosen.path)]


def test_xdg_cache_is_the_default(small: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REELSCORE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    folder = tmp_path / "xdg" / "reelscore" / "weights"
    folder.mkdir(parents=True)
    (folder / small.filename).write_bytes(BODY)
    assert resolve("inception", "pretrained").path == str(folder / small.filename)


def test_offline_says_which_file_to_put_where(small: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        resolve("inception", "pretrained")
    message = str(caught.value)
    assert f"put small.pth into {tmp_path / 'cache' / 'weights'}" in message
    assert small.url in message
    assert "\n" not in message


def test_auto_falls_back_to_random_with_a_warning(small: Checkpoint) -> None:
    said: list[str] = []
    chosen = resolve("inception", "auto", say=said.append)
    assert chosen == resolve("inception", "random")
    assert said[-1].startswith("warning: inception runs with random weights")
    assert "\n" not in said[-1]
    assert [line.split()[0] for line in said] == ["fetching", "warning:"]
    resolve("inception", "auto", say=said.append)
    assert [line.split()[0] for line in said] == ["fetching", "warning:", "warning:"], "the network was tried again"


def test_damaged_file_in_the_cache_is_told_and_not_used(small: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "weights"
    folder.mkdir(parents=True)
    (folder / small.filename).write_bytes(BODY[:-1])
    said: list[str] = []
    with pytest.raises(WeightsError):
        resolve("inception", "pretrained", say=said.append)
    assert str(folder / small.filename) in said[0]
    assert weights.listing()[0]["path"] is None


@pytest.mark.parametrize("name", ["small.pth", "inception.safetensors", "inception.pth"])
def test_directory_takes_any_of_the_names(small: Checkpoint, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BODY)
    chosen = resolve("inception", str(tmp_path))
    assert (chosen.source, chosen.path, chosen.published) == ("directory", str(tmp_path / name), True)
    assert chosen.label == f"directory {tmp_path / name}, the published checkpoint"


def test_directory_with_other_bytes_is_labelled(small: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / small.filename).write_bytes(b"my own")
    chosen = resolve("inception", str(tmp_path))
    assert not chosen.published
    assert chosen.label.endswith("not the published checkpoint")
    assert chosen.digest == hashlib.sha256(b"my own").hexdigest()


def test_directory_without_the_file_names_what_it_expects(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected one of .*inception\.safetensors"):
        resolve("inception", str(tmp_path))
    with pytest.raises(WeightsError, match="no folder"):
        resolve("inception", str(tmp_path / "none"))


def test_listing_names_what_needs_each_file_and_where_it_is(small: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "weights"
    folder.mkdir(parents=True)
    (folder / small.filename).write_bytes(BODY)
    rows = weights.listing(cache=tmp_path / "elsewhere")
    assert {name for row in rows for name in row["used_by"]} >= set(backbones.names())
    assert rows[0]["path"] == str(folder / small.filename)
    assert {row["path"] for row in rows[1:]} == {None}
    assert {"name", "filename", "url", "sha256", "licence", "bytes", "about"} <= rows[0].keys()
    json.dumps(rows)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="no backbone is called 'nothing'"):
        resolve("nothing", "random")
    with pytest.raises(ValueError, match="no published weights are called 'nothing'"):
        weights.fetch("nothing")


def test_file_that_changed_or_vanished_is_not_loaded(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "inception.pth"
    path.write_bytes(BODY)
    chosen = resolve("inception", str(tmp_path))
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        weights.load_state(chosen)
    path.write_bytes(BODY + b".")
    with pytest.raises(WeightsError, match="has changed"):
        weights.load_state(chosen)
    path.unlink()
    with pytest.raises(WeightsError, match="is gone"):
        weights.load_state(chosen)


def test_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "inception.pth"
    torch.save({"weight": Path("/")}, path)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        weights.load_state(Weights("inception", "directory", file_sha256(path), str(path), None, False))
    torch.save({"weight": 1}, path)
    with pytest.raises(WeightsError, match="expected a dictionary of tensors"):
        weights.load_state(resolve("inception", str(tmp_path)))
