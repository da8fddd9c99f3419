"""torch on a processor or an NVIDIA GPU: batches of one fixed size, the last one padded.

The fixed size keeps shapes, and with them the choice of kernels, the same for every frame. On a GPU with too little
free memory the batch is halved and the same frames are tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from models.backbones.base import Backbone
from models.backends.base import DeviceError, checked
from models.weights import Weights, load_state

#: Greatest difference from float32 on a processor over the greatest absolute value (ours). Measured with seeded
#: weights: f32 3e-6; bf16 0.03, its cosine with the reference 0.998.
TOLERANCE = {"f32": 1e-5, "bf16": 0.1}
#: Largest batch on a processor (ours): larger ones spend their time on memory (measured: 219 ms a frame in fours, 242
#: in thirty-twos), and a short clip would be padded to one.
CPU_BATCH = 4


class Prepared(torch.nn.Module):
    """uint8 [n, px, px, 3] on the device -> float32 [n, dims]: normalisation, then the network."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, card: Backbone, network: torch.nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network
        self.dtype = dtype
        self.register_buffer("mean", torch.tensor(card.mean).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(card.scale).view(1, 3, 1, 1))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        # permute of NHWC bytes is already channels_last: nothing is moved
        pixels = (frames.permute(0, 3, 1, 2).float() - self.mean) / self.scale
        return self.network(pixels.to(self.dtype)).float()


class TorchEncoder:
    """A network in torch; see :class:`models.backends.base.FrameEncoder`.

    Parameters
    ----------
    device: ``cpu`` or ``cuda``.
    threads: torch's own number, which counts for the whole process.

    Raises
    ------
    DeviceError: there is no GPU that torch can use, or it cannot do what was asked.
    models.weights.WeightsError: the weights cannot be read.
    """

    def __init__(
        self, card: Backbone, weights: Weights, *, device: str, precision: str, threads: int, batch: int
    ) -> None:
        if device == "cuda":
            _require_gpu(precision)
        else:
            _require_processor(precision)
            torch.set_num_threads(threads)
            batch = min(batch, CPU_BATCH)
        self.dims, self.input_px, self.batch = card.dims, card.input_px, batch
        self.tolerance = TOLERANCE[precision]
        self._card, self._precision, self._threads = card, precision, threads
        self._device = torch.device(device)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        network = _folded(card.build(load_state(weights))).to(dtype=dtype)
        module = Prepared(card, network.to(memory_format=torch.channels_last), dtype)
        self._module: torch.nn.Module | None = module.to(self._device).eval()

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """See :meth:`models.backends.base.FrameEncoder.encode`."""
        frames = checked(self._card, frames)
        with torch.inference_mode(), _exact():
            rows, self.batch = run_in_batches(self._run, frames, self.batch)
        if not rows:
            return np.empty((0, self.dims), np.float32)
        return torch.cat(rows).cpu().numpy()

    def _run(self, frames: np.ndarray) -> torch.Tensor:
        assert self._module is not None, "the encoder is closed"
        pixels = torch.from_numpy(np.ascontiguousarray(frames))
        if self._device.type == "cuda":
            pixels = pixels.pin_memory().to(self._device, non_blocking=True)
        return self._module(pixels)

    def describe(self) -> dict[str, Any]:
        """See :meth:`models.backends.base.FrameEncoder.describe`."""
        gpu = self._device.type == "cuda"
        versions = {"torch": str(torch.__version__)}
        if gpu:
            versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
        return {
            "backend": "torch",
            "device": f"cuda: {torch.cuda.get_device_name(self._device)}" if gpu else "cpu",
            "precision": self._precision,
            "versions": versions,
            "threads": self._threads,
            "request_batch": self.batch,
        }

    def close(self) -> None:
        """See :meth:`models.backends.base.FrameEncoder.close`."""
        self._module = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def run_in_batches(
    run: Callable[[np.ndarray], torch.Tensor], frames: np.ndarray, batch: int
) -> tuple[list[torch.Tensor], int]:
    """Put `frames` through `run`, `batch` at a time, the last batch padded by repeating its last frame.

    When the GPU's memory does not suffice the batch is halved, down to 1, and the same frames are tried again.

    Returns
    -------
    The rows in order, without the padding's, and the size of batch that worked.

    Raises
    ------
    DeviceError: not even one frame fits.
    """
    rows: list[torch.Tensor] = []
    done = 0
    while done < len(frames):
        piece = frames[done : done + batch]
        kept = len(piece)
        if kept < batch:
            piece = np.concatenate([piece, np.repeat(piece[-1:], batch - kept, axis=0)])
        try:
            rows.append(run(piece)[:kept])
        except torch.OutOfMemoryError as error:
            if batch == 1:
                raise DeviceError("the GPU's free memory does not suffice for a single frame") from error
            batch //= 2
        else:
            done += kept
            continue
        torch.cuda.empty_cache()
    return rows, batch


def _require_gpu(precision: str) -> None:
    if not torch.cuda.is_available():
        built = "torch sees none" if torch.version.cuda else "this torch is built without CUDA"
        raise DeviceError(f"device cuda was asked for, but {built}: use device cpu, or mend the NVIDIA driver")
    if precision == "bf16" and not torch.cuda.is_bf16_supported():
        raise DeviceError(f"precision bf16 was asked for, but {torch.cuda.get_device_name()} has none: use f32")


def _require_processor(precision: str) -> None:
    # torch would emulate it: 2.7 s a frame on a processor that takes 0.16 s in float32.
    if precision == "bf16" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        raise DeviceError("precision bf16 was asked for, but this processor has no bfloat16: use f32")


def _folded(network: torch.nn.Module) -> torch.nn.Module:
    """Batch normalisation folded into the convolutions before it; the network as it is where it cannot be traced."""
    from torch.fx.experimental.optimization import fuse
    from torch.fx.proxy import TraceError

    try:
        return fuse(network)
    except TraceError:
        return network


def _tf32_switches() -> tuple[Any, ...]:
    """What decides on TF32 in convolutions and in matrix products, each by its ``fp32_precision``."""
    cudnn: Any = torch.backends.cudnn
    return cudnn.conv, torch.backends.cuda.matmul


@contextmanager
def _exact() -> Iterator[None]:
    """No TF32 (10 bits of mantissa instead of 23), and kernels that give the same bits every time."""
    cudnn, switches = torch.backends.cudnn, _tf32_switches()
    choice, precisions = (cudnn.deterministic, cudnn.benchmark), [switch.fp32_precision for switch in switches]
    cudnn.deterministic, cudnn.benchmark = True, False
    for switch in switches:
        switch.fp32_precision = "ieee"
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = choice
        for switch, precision in zip(switches, precisions, strict=True):
            switch.fp32_precision = precision
