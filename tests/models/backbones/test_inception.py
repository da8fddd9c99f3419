"""Our normalisation and pool are what torchvision documents for its own network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import backbones, random_weights
from models.weights import WeightsError, load_state, resolve

torch = pytest.importorskip("torch")
CARD = backbones.get("inception")


@pytest.fixture(scope="module")
def whole() -> torch.nn.Module:
    """torchvision's network as published, classifier and training head included, with seeded values."""
    from torchvision.models import inception_v3

    torch.set_num_threads(1)  # see the fixture `reference`
    network = inception_v3(weights=None, init_weights=False, aux_logits=True, transform_input=True)
    network.load_state_dict(random_weights.state(network, 0))
    return network.eval()


def test_equals_torchvisions_documented_preprocessing(
    whole: torch.nn.Module, pictures: np.ndarray, reference: np.ndarray
) -> None:
    from torchvision.models import Inception_V3_Weights

    # The resize to 342 and centre crop are not part of the comparison: the pictures are 299 px already.
    prepare = Inception_V3_Weights.IMAGENET1K_V1.transforms(resize_size=299, crop_size=299)
    pool: list[torch.Tensor] = []
    handle = whole.avgpool.register_forward_hook(lambda _module, _input, output: pool.append(output.flatten(1)))
    with torch.inference_mode():
        whole(torch.stack([prepare(torch.from_numpy(picture).permute(2, 0, 1)) for picture in pictures]))
    handle.remove()
    assert abs(pool[0].numpy() - reference).max() <= 1e-5 * abs(reference).max()


def test_published_layout_loads_without_its_heads(whole: torch.nn.Module, tmp_path: Path) -> None:
    path = tmp_path / CARD.checkpoint.filename
    torch.save(whole.state_dict(), path)
    network = CARD.build(load_state(resolve("inception", str(tmp_path))))
    expected = random_weights.state(CARD.network(), 0)
    found = network.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not network.training


def test_safetensors_load_too(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file(random_weights.state(CARD.network(), 5), tmp_path / "inception.safetensors")
    state = load_state(resolve("inception", str(tmp_path)))
    assert torch.equal(
        state["Conv2d_1a_3x3.conv.weight"],
        torch.from_numpy(random_weights.tensor("Conv2d_1a_3x3.conv.weight", (32, 3, 3, 3), 5)),
    )


def test_missing_tensor_is_an_error(tmp_path: Path) -> None:
    torch.save({"fc.bias": torch.zeros(3)}, tmp_path / "inception.pth")
    with pytest.raises((RuntimeError, WeightsError), match="Missing key"):
        CARD.build(load_state(resolve("inception", str(tmp_path))))
