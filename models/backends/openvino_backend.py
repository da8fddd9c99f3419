"""OpenVINO on processors: one frame a request, one thread a request.

With one frame in a request and one thread in a stream, the numbers of a frame depend on nothing else: not on the batch,
its neighbours, the order, or the number of threads. It costs nothing: batching does not speed this network up on a
processor (docs/performance.md).

The network is converted once and kept in the cache, so that later starts need no torch.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models import cache
from models.backbones.base import Backbone
from models.backends.base import DeviceError, checked
from models.weights import Weights, load_state

_log = logging.getLogger("reelscore")

#: Greatest difference from torch's float32 on a processor over the greatest absolute value (ours). Measured with seeded
#: weights: f32 4e-6; bf16 leaves a cosine with the reference of at least 0.98.
TOLERANCE = {"f32": 1e-5, "bf16": 0.1}


def _openvino() -> ModuleType:
    """The library, without its usage statistics: it would report to a server at import and at every conversion."""
    if "openvino" not in sys.modules:
        # None makes the import fail, which OpenVINO provides for (it then uses its own empty stand-in).
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


class OpenVinoEncoder:
    """A network on a processor; see :class:`models.backends.base.FrameEncoder`.

    Raises
    ------
    DeviceError: bf16 was asked for on a processor without it.
    models.weights.WeightsError: the weights cannot be read (only where the network is not in the cache).
    """

    def __init__(self, card: Backbone, weights: Weights, *, precision: str, threads: int, batch: int) -> None:
        ov = _openvino()
        core = ov.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            # OpenVINO itself would quietly compute in float32.
            raise DeviceError("precision bf16 was asked for, but this processor has no bfloat16: use f32")
        model = _model(ov, core, card, weights)
        self.dims, self.input_px, self.batch = card.dims, card.input_px, batch
        self.tolerance = TOLERANCE[precision]
        self._card, self._threads, self._precision = card, threads, precision
        self._version = _version(ov)
        self._device = core.get_property("CPU", "FULL_DEVICE_NAME")
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "NUM_STREAMS": threads,
                "INFERENCE_NUM_THREADS": threads,
                # Pinned threads of several worker processes would all sit on the first cores.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._queue = ov.AsyncInferQueue(compiled, threads)
        self._queue.set_callback(self._keep)
        self._lock = threading.Lock()

    @staticmethod
    def _keep(request: Any, place: tuple[np.ndarray, int]) -> None:
        rows, row = place
        rows[row] = request.get_output_tensor(0).data[0]

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """See :meth:`models.backends.base.FrameEncoder.encode`."""
        frames = checked(self._card, frames)
        rows = np.empty((len(frames), self.dims), np.float32)
        with self._lock:
            for row in range(len(frames)):
                self._queue.start_async({0: np.ascontiguousarray(frames[row : row + 1])}, (rows, row))
            self._queue.wait_all()
        return rows

    def describe(self) -> dict[str, Any]:
        """See :meth:`models.backends.base.FrameEncoder.describe`."""
        return {
            "backend": "openvino",
            "device": f"cpu: {self._device}",
            "precision": self._precision,
            "versions": {"openvino": self._version},
            "threads": self._threads,
            "request_batch": 1,
        }

    def close(self) -> None:
        """See :meth:`models.backends.base.FrameEncoder.close`."""
        with self._lock:
            self._queue.wait_all()
            del self._queue


def _version(ov: ModuleType) -> str:
    return "-".join(ov.get_version().split("-")[:2])


def _model(ov: ModuleType, core: Any, card: Backbone, weights: Weights) -> Any:
    """The network as OpenVINO's graph, from the cache or converted (and then cached where that is possible)."""
    folder = cache.root() / "openvino"
    home = folder / f"{card.name}-{card.version}-{weights.digest[:16]}-openvino-{_version(ov)}"
    if (home / "model.xml").is_file():
        try:
            return core.read_model(home / "model.xml")
        except RuntimeError as error:
            _log.warning("%s is damaged and is made again: %s", home, str(error).splitlines()[0])
            shutil.rmtree(home, ignore_errors=True)
    model = _convert(ov, card, weights)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
        try:
            # The default would round the weights to float16.
            ov.save_model(model, draft / "model.xml", compress_to_fp16=False)
            for file in draft.iterdir():  # else a power cut could leave a whole name on empty weights
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
            os.rename(draft, home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        if not (home / "model.xml").is_file():  # unless another process was first
            _log.warning("the converted network cannot be kept in %s: %s", folder, str(error).splitlines()[0])
    return model


def _convert(ov: ModuleType, card: Backbone, weights: Weights) -> Any:
    """The network for one uint8 picture [1, px, px, 3], normalisation included."""
    import torch

    module = card.build(load_state(weights))
    shape = [1, 3, card.input_px, card.input_px]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with more, waiting at barriers makes the one pass take seconds on a busy machine
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # torch.jit, which OpenVINO reads, announces its retirement
            # Unchecked: the check repeats the pass twice, and the tests compare the numbers.
            traced = torch.jit.trace(module, torch.zeros(shape), check_trace=False)
            model = ov.convert_model(traced, example_input=torch.zeros(shape), input=shape)
    finally:
        torch.set_num_threads(threads)
    preparation = ov.preprocess.PrePostProcessor(model)
    picture = preparation.input()
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    picture.model().set_layout(ov.Layout("NCHW"))
    steps = picture.preprocess().convert_element_type(ov.Type.f32)
    steps.mean(list(card.mean)).scale(list(card.scale))
    return preparation.build()
