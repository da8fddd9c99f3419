"""Every file in the folder of networks holds a card that is complete, and reading cards imports no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models import backbones


@pytest.mark.parametrize("name", backbones.names())
def test_card_is_complete(name: str) -> None:
    card = backbones.get(name)
    assert card.name == name
    assert card.version >= 1
    assert card.dims > 0
    assert card.input_px > 0
    assert len(card.mean) == len(card.scale) == 3
    assert all(value > 0 for value in card.scale)
    assert "arXiv" in card.paper
    assert card.checkpoint.url.startswith("https://")
    assert len(card.checkpoint.sha256) >= 8
    assert set(card.checkpoint.sha256) <= set("0123456789abcdef")
    assert card.checkpoint.licence
    assert card.checkpoint.about


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"there are: .*inception"):
        backbones.get("base")


def test_cards_and_weights_are_read_without_torch_or_openvino() -> None:
    code = (
        "import sys; from models import backbones, backends, weights; "
        "backbones.get('inception'); weights.resolve('inception', 'random'); weights.listing(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'torchvision', 'openvino', 'tensorflow')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
