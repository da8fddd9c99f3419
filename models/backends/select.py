"""Chooses the backend: the fastest exact one that is here, or the one that was asked for and no other."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from models import backbones
from models.backends.base import DeviceError, FrameEncoder
from models.weights import Weights

BACKENDS = ("auto", "openvino", "torch")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("f32", "bf16")


def load_encoder(
    backbone: str,
    weights: Weights,
    *,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    batch: int = 32,
) -> FrameEncoder:
    """A network with its weights on a device.

    Parameters
    ----------
    backbone: name of the network.
    weights: what :func:`models.weights.resolve` decided on.
    backend: ``openvino`` (processors), ``torch``, or ``auto``: torch where a GPU is used, else OpenVINO if installed.
    device: ``cpu``, ``cuda``, or ``auto``: a GPU if torch can use one.
    precision: ``f32``, or ``bf16`` (faster, less exact: see the encoder's tolerance).
    threads: of a processor; by default one for each that this process may use.
    batch: frames that go through the network together on a GPU.

    Raises
    ------
    DeviceError: the device, backend or precision is not here.
    models.weights.WeightsError: the weights cannot be read.
    ValueError: an unknown name.
    """
    for what, value, known in (("backend", backend, BACKENDS), ("device", device, DEVICES)):
        if value not in known:
            raise ValueError(f"unknown {what} {value!r}: expected one of {', '.join(known)}")
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    if batch < 1 or (threads is not None and threads < 1):
        raise ValueError(f"batch and threads are at least 1, found batch {batch}, threads {threads}")
    card = backbones.get(backbone)
    if weights.backbone != backbone:
        raise ValueError(f"these are the weights of {weights.backbone}, not of {backbone}")
    if device == "cuda" and backend == "openvino":
        raise DeviceError("the openvino backend runs on processors: use backend torch for device cuda")
    if device == "auto":
        device = "cuda" if backend != "openvino" and _gpu() else "cpu"
    if backend == "auto":
        backend = "openvino" if device == "cpu" and _installed("openvino") else "torch"
    if backend == "openvino":
        if not _installed("openvino"):
            raise DeviceError("backend openvino was asked for, but the package openvino is not installed")
        from models.backends.openvino_backend import OpenVinoEncoder

        return OpenVinoEncoder(card, weights, precision=precision, threads=threads or _processors(), batch=batch)
    from models.backends.torch_backend import TorchEncoder

    return TorchEncoder(
        card, weights, device=device, precision=precision, threads=threads or _processors(), batch=batch
    )


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _gpu() -> bool:
    """Whether torch can use a GPU; torch (two seconds) is imported only where there is a driver at all."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    import torch

    return torch.cuda.is_available()
