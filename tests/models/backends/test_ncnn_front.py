"""What ncnn computes for the first half of a network equals torch, and its bits depend on the frame alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from models import backbones
from models.backends import load_encoder, ncnn_front
from models.backends.ncnn_front import Front, write
from models.weights import Weights, load_state

torch = pytest.importorskip("torch")
if not ncnn_front.installed():
    pytest.skip("ncnn is not installed", allow_module_level=True)

MEAN, SCALE = (120.0, 127.5, 130.0), (64.0, 127.5, 100.0)


class Net(torch.nn.Module):
    """A layer of every kind that can be written; one value has three readers, one convolution no ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 16, 3, stride=2, bias=False)
        self.norm = torch.nn.BatchNorm2d(16)
        self.pool = torch.nn.MaxPool2d(3, stride=2)
        self.five = torch.nn.Conv2d(16, 24, 5, padding=2)
        self.three = torch.nn.Conv2d(16, 32, 3, padding=1)
        self.one = torch.nn.Conv2d(16, 8, (1, 3), padding=(0, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        relu = torch.nn.functional.relu
        stem = self.pool(relu(self.norm(self.first(pixels)), inplace=True))
        smooth = torch.nn.functional.avg_pool2d(stem, kernel_size=3, stride=1, padding=1)
        return torch.cat([relu(self.five(stem)), relu(self.three(stem)), self.one(smooth)], 1)


def test_every_layer_equals_torch(tmp_path: Path, pictures: np.ndarray) -> None:
    torch.manual_seed(3)
    net = Net().eval()
    net.norm.running_mean.uniform_(-0.5, 0.5)
    net.norm.running_var.uniform_(0.5, 2)
    write(net, tmp_path)
    front = Front(tmp_path, MEAN, SCALE)
    for size in ((299, 299), (61, 83)):
        picture = pictures[0, : size[0], : size[1]]
        pixels = (torch.from_numpy(picture.copy()).double() - torch.tensor(MEAN)) / torch.tensor(SCALE)
        with torch.inference_mode():
            expected = net.double()(pixels.permute(2, 0, 1)[None]).numpy()
        found = front(picture)
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        assert abs(found - expected).max() <= 3e-6 * abs(expected).max()


def test_halves_of_inception_are_the_whole(random_weights: Weights, pictures: np.ndarray) -> None:
    card = backbones.get("inception")
    network = card.build(load_state(random_weights))
    assert card.halves is not None
    front, back = card.halves(network)
    pixels = torch.from_numpy(pictures[:1]).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        assert torch.equal(back(front(pixels)), network(pixels))


def test_other_layers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no counterpart"):
        write(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Sigmoid()), tmp_path)
    with pytest.raises(TypeError, match="grouped, dilated"):
        write(torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, groups=2)), tmp_path)


@pytest.mark.parametrize("file", [ncnn_front.PARAM, ncnn_front.BIN])
def test_damaged_front_is_made_again(
    tiny: Weights, small_pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setenv("REELSCORE_CACHE", str(tmp_path / "own"))
    monkeypatch.setattr(ncnn_front, "_cpu_flags", lambda: {"avx2"})
    plain = backbones.get("inception")
    whole_network = load_encoder("inception", tiny, backend="openvino", threads=1)
    cut = dataclasses.replace(plain, halves=lambda net: (net[:2], net[2:]))
    monkeypatch.setattr(backbones, "get", lambda name: cut)
    encoder = load_encoder("inception", tiny, backend="openvino", threads=2)
    assert "ncnn" in json.loads(json.dumps(encoder.describe()))["versions"]
    expected = encoder.encode(small_pictures)
    reference = whole_network.encode(small_pictures)
    assert abs(expected - reference).max() <= 3e-6 * abs(reference).max()
    home = next((tmp_path / "own" / "openvino").glob("*-ncnn"))
    whole = (home / file).read_bytes()
    (home / file).write_bytes(whole[: len(whole) // 2])
    again = load_encoder("inception", tiny, backend="openvino", threads=1)
    assert np.array_equal(again.encode(small_pictures), expected)
    assert (home / file).read_bytes() == whole


@pytest.mark.parametrize(("flags", "expected"), [({"avx2"}, True), ({"avx2", "avx512f"}, False)])
def test_a_processor_with_avx512_stays_with_openvino_alone(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], expected: bool
) -> None:
    monkeypatch.setattr(ncnn_front, "_cpu_flags", lambda: flags)
    assert ncnn_front.pays_off() is expected


def test_bf16_stays_with_openvino_alone(tiny: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino")
    from models.backends import DeviceError

    cut = dataclasses.replace(backbones.get("inception"), halves=lambda net: (net[:2], net[2:]))
    monkeypatch.setattr(backbones, "get", lambda name: cut)
    try:
        encoder = load_encoder("inception", tiny, backend="openvino", precision="bf16", threads=1)
    except DeviceError:
        pytest.skip("this processor has no bfloat16")
    assert "ncnn" not in encoder.describe()["versions"]
