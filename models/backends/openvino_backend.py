"""OpenVINO on processors: one frame a request, one thread a request.

With one frame in a request and one thread in a stream, the numbers of a frame depend on nothing else: not on the batch,
its neighbours, the order, or the number of threads. It costs nothing: batching does not speed this network up on a
processor (measured: 144 ms a frame alone, 147 in batches of eight).

In float32 the half of a network that consists of large 3x3 convolutions is left to ncnn where that is installed and
faster (:mod:`models.backends.ncnn_front`).

The network is converted once and kept in the cache, so that later starts need no torch.
"""

from __future__ import annotations

import logging
import os
import queue
import shutil
import sys
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models import cache
from models.backbones.base import Backbone
from models.backends import ncnn_front
from models.backends.base import DeviceError, checked
from models.weights import Weights, load_state

_log = logging.getLogger("reelscore")

#: Greatest difference from torch's float32 on a processor over the greatest absolute value (ours). Measured with seeded
#: weights: f32 4e-6; bf16 leaves a cosine with the reference of at least 0.98.
TOLERANCE = {"f32": 1e-5, "bf16": 0.1}


#: Held while the binding makes its first array.
_FIRST = threading.Lock()


def _openvino() -> ModuleType:
    """The library, without its usage statistics: it would report to a server at import and at every conversion."""
    if "openvino" not in sys.modules:
        # None makes the import fail, which OpenVINO provides for (it then uses its own empty stand-in).
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    with _FIRST:
        # Its binding looks numpy up when it first makes an array. Two threads that do so at once wait for each other
        # for ever: one has the interpreter's lock, the other a static variable's. Therefore here, alone.
        _ = openvino.Tensor(openvino.Type.f32, openvino.Shape([1])).data
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
        halved = precision == "f32" and card.halves is not None and ncnn_front.pays_off()
        model, self._front = _model(ov, core, card, weights, halved)
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
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(threads):
            self._requests.put(compiled.create_infer_request())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="openvino")

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """See :meth:`models.backends.base.FrameEncoder.encode`."""
        rows = list(self._pool.map(self._row, checked(self._card, frames)))
        return np.stack(rows) if rows else np.empty((0, self.dims), np.float32)

    def _row(self, frame: np.ndarray) -> np.ndarray:
        inputs = np.ascontiguousarray(frame[None]) if self._front is None else self._front(frame)
        request = self._requests.get()
        try:
            request.infer({0: inputs})
            return request.get_output_tensor(0).data[0].copy()
        finally:
            self._requests.put(request)

    def describe(self) -> dict[str, Any]:
        """See :meth:`models.backends.base.FrameEncoder.describe`."""
        return {
            "backend": "openvino",
            "device": f"cpu: {self._device}",
            "precision": self._precision,
            "versions": {"openvino": self._version} | ({"ncnn": self._front.version} if self._front else {}),
            "threads": self._threads,
            "request_batch": 1,
        }

    def close(self) -> None:
        """See :meth:`models.backends.base.FrameEncoder.close`."""
        self._pool.shutdown()
        del self._requests, self._front


def _version(ov: ModuleType) -> str:
    return "-".join(ov.get_version().split("-")[:2])


def _model(
    ov: ModuleType, core: Any, card: Backbone, weights: Weights, halved: bool
) -> tuple[Any, ncnn_front.Front | None]:
    """The network as OpenVINO's graph, and what goes before it if it is `halved`, from the cache or converted.

    What was converted is then cached where that is possible.
    """
    folder = cache.root() / "openvino"
    name = f"{card.name}-{card.version}-{weights.digest[:16]}-openvino-{_version(ov)}"
    home = folder / (f"{name}-ncnn" if halved else name)

    def read(place: Path) -> tuple[Any, ncnn_front.Front | None]:
        front = ncnn_front.Front(place, card.mean, card.scale) if halved else None
        return core.read_model(place / "model.xml"), front

    if (home / "model.xml").is_file():
        try:
            return read(home)
        except RuntimeError as error:
            _log.warning("%s is damaged and is made again: %s", home, str(error).splitlines()[0])
            shutil.rmtree(home, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="reelscore-") as spare:
        made = _convert(ov, card, weights, Path(spare) if halved else None)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
            try:
                # The default would round the weights to float16.
                ov.save_model(made, draft / "model.xml", compress_to_fp16=False)
                for file in Path(spare).iterdir():
                    shutil.copyfile(file, draft / file.name)
                for file in draft.iterdir():  # else a power cut could leave a whole name on empty weights
                    with file.open("rb") as stream:
                        os.fsync(stream.fileno())
                os.rename(draft, home)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except (OSError, RuntimeError) as error:
            if not (home / "model.xml").is_file():  # unless another process was first
                _log.warning("the converted network cannot be kept in %s: %s", folder, str(error).splitlines()[0])
        return made, ncnn_front.Front(Path(spare), card.mean, card.scale) if halved else None


def _convert(ov: ModuleType, card: Backbone, weights: Weights, front_folder: Path | None) -> Any:
    """The network for one uint8 picture [1, px, px, 3], normalisation included.

    With a `front_folder`, its first half is written there for ncnn, and the graph takes what that half gives.
    """
    import torch

    module = card.build(load_state(weights))
    example = torch.zeros([1, 3, card.input_px, card.input_px])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # with more, waiting at barriers makes the one pass take seconds on a busy machine
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # torch.jit, which OpenVINO reads, announces its retirement
            if front_folder is not None:
                assert card.halves is not None
                front, module = card.halves(module)
                ncnn_front.write(front, front_folder)
                example = front(example)
            # Unchecked: the check repeats the pass twice, and the tests compare the numbers.
            traced = torch.jit.trace(module, example, check_trace=False)
            model = ov.convert_model(traced, example_input=example, input=list(example.shape))
    finally:
        torch.set_num_threads(threads)
    if front_folder is not None:
        return model
    preparation = ov.preprocess.PrePostProcessor(model)
    picture = preparation.input()
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    picture.model().set_layout(ov.Layout("NCHW"))
    steps = picture.preprocess().convert_element_type(ov.Type.f32)
    steps.mean(list(card.mean)).scale(list(card.scale))
    return preparation.build()
