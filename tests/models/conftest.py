"""What the tests of networks share: pictures, random Inception weights, and a cache of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models import backbones, download
from models.weights import Weights, load_state, resolve

if TYPE_CHECKING:
    import torch


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the machine's caches or proxies, or an earlier test's failed network."""
    monkeypatch.setenv("REELSCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "_failed", {})


@pytest.fixture
def random_weights() -> Weights:
    return resolve("inception", "random")


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """uint8 [8, 299, 299, 3]: six smooth textures with an edge, a black one, and noise."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:299, 0:299] / 299
    made = []
    for k in range(6):
        phase = rng.uniform(0, 6.28, (3, 6))
        waves = rng.uniform(-9, 9, (3, 6, 2))
        planes = [
            sum(np.sin(waves[c, i, 0] * 2 * x + waves[c, i, 1] * 2 * y + phase[c, i]) for i in range(6))
            for c in range(3)
        ]
        picture = 127.5 + 35 * np.stack(planes, axis=-1)
        picture[:, 40 * k : 40 * k + 60] *= 0.4
        made.append(picture.clip(0, 255).astype(np.uint8))
    made.append(np.zeros((299, 299, 3), np.uint8))
    made.append(rng.integers(0, 256, (299, 299, 3), dtype=np.uint8))
    return np.stack(made)


@pytest.fixture(scope="session")
def warm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that already holds the converted random Inception (the conversion takes seconds)."""
    folder = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REELSCORE_CACHE", str(folder))
        from models.backends import load_encoder

        load_encoder("inception", resolve("inception", "random"), backend="openvino", threads=1).close()
    return folder


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Weights:
    """A network of two layers takes Inception's place, for tests that are not about Inception; its random weights."""

    def network() -> torch.nn.Module:
        import torch

        first = torch.nn.Conv2d(3, 8, 3, stride=2, bias=False)
        return torch.nn.Sequential(
            first, torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
        )

    card = dataclasses.replace(backbones.get("inception"), dims=8, input_px=32, network=network, halves=None)
    monkeypatch.setattr(backbones, "get", lambda name: card)
    return resolve("inception", "random")


@pytest.fixture
def small_pictures(pictures: np.ndarray) -> np.ndarray:
    """uint8 [8, 32, 32, 3]: what the tiny network takes."""
    return np.ascontiguousarray(pictures[:, :32, 100:132])


@pytest.fixture(scope="session")
def reference(pictures: np.ndarray) -> np.ndarray:
    """float32 [8, 2048]: the pictures through plain torch with the random weights, nothing folded."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)  # threads that wait for each other cost more than they bring while other tests run
    network = backbones.get("inception").build(load_state(resolve("inception", "random")))
    with torch.inference_mode():
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
        return network((pixels - 127.5) / 127.5).numpy()
