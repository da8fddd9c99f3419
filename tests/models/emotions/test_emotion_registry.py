"""Which scorers there are, and that their cards say what their numbers are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models import emotions


def test_scorers_are_found_by_listing_the_folder() -> None:
    assert {"colour", "ferplus", "emotieffnet"} <= set(emotions.names())
    assert "base" not in emotions.names()
    assert not [name for name in emotions.names() if name.startswith("_")]
    assert emotions.DEFAULT in emotions.names()
    assert emotions.get(emotions.DEFAULT).checkpoints == {}


@pytest.mark.parametrize("name", emotions.names())
def test_cards_are_complete(name: str) -> None:
    card = emotions.get(name)
    assert card.name == name
    assert card.version >= 1
    assert len(set(card.labels)) == len(card.labels) > 1
    assert card.about
    assert card.paper
    assert card.unit
    for checkpoint in card.checkpoints.values():
        assert len(checkpoint.sha256) == 64
        assert int(checkpoint.sha256, 16)
        assert checkpoint.url.startswith("https://")
        assert checkpoint.url.endswith("/" + checkpoint.filename)
        assert checkpoint.licence


def test_neutral_is_where_the_published_networks_have_it() -> None:
    assert emotions.get("ferplus").labels.index("neutral") == 0
    assert emotions.get("ferplus").labels.index("contempt") == 7
    assert emotions.get("emotieffnet").labels.index("neutral") == 5
    assert emotions.get("emotieffnet").labels == tuple(sorted(emotions.get("emotieffnet").labels))


def test_unknown_scorer() -> None:
    with pytest.raises(ValueError, match=r"no scorer is called 'nothing'; there are: colour, "):
        emotions.get("nothing")
    with pytest.raises(ValueError, match="no scorer is called '_faces'"):
        emotions.get("_faces")


def test_cards_are_read_without_anything_heavy() -> None:
    code = (
        "import sys; from models import emotions; from models.weights import load_scorer, scorer_files; "
        "[emotions.get(name) for name in emotions.names()]; load_scorer(scorer_files('colour', 'auto')); "
        "print(*sorted({'cv2', 'torch', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
