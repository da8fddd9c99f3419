"""The backend that was asked for, or one clear line; never another in silence."""

from __future__ import annotations

import dataclasses

import pytest

from models.backends import DeviceError, load_encoder, select
from models.weights import Weights


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backend": "tpu"}, "unknown backend 'tpu'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"precision": "int4"}, "unknown precision 'int4'"),
        ({"batch": 0}, "at least 1"),
        ({"threads": 0}, "at least 1"),
    ],
)
def test_wrong_use(random_weights: Weights, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_encoder("inception", random_weights, **options)


def test_weights_of_another_network_are_refused(random_weights: Weights) -> None:
    with pytest.raises(ValueError, match="weights of other, not of inception"):
        load_encoder("inception", dataclasses.replace(random_weights, backbone="other"))


def test_openvino_has_no_cuda(random_weights: Weights) -> None:
    with pytest.raises(DeviceError, match="use backend torch"):
        load_encoder("inception", random_weights, backend="openvino", device="cuda")


def test_openvino_that_is_not_installed(random_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "_installed", lambda package: False)
    with pytest.raises(DeviceError, match="openvino is not installed"):
        load_encoder("inception", random_weights, backend="openvino")


@pytest.mark.parametrize(
    ("installed", "gpu", "expected"),
    [(True, False, "openvino"), (False, False, "torch cpu"), (True, True, "torch cuda")],
)
def test_auto_prefers_gpu_then_openvino(
    random_weights: Weights, monkeypatch: pytest.MonkeyPatch, installed: bool, gpu: bool, expected: str
) -> None:
    pytest.importorskip("torch")
    from models.backends import openvino_backend, torch_backend

    monkeypatch.setattr(select, "_installed", lambda package: installed)
    monkeypatch.setattr(select, "_gpu", lambda: gpu)
    monkeypatch.setattr(openvino_backend, "OpenVinoEncoder", lambda *_, **options: "openvino")
    monkeypatch.setattr(torch_backend, "TorchEncoder", lambda *_, **options: f"torch {options['device']}")
    assert load_encoder("inception", random_weights) == expected


def test_cuda_without_a_gpu_is_one_clear_line(random_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"device cuda was asked for, but .*: use device cpu") as caught:
        load_encoder("inception", random_weights, device="cuda")
    assert "\n" not in str(caught.value)
