"""The first half of a network through ncnn, which computes 3x3 convolutions by Winograd's method.

A tile of 4x4 outputs takes 36 multiplications a channel instead of 144 (Lavin & Gray, Fast Algorithms for Convolutional
Neural Networks, arXiv 1509.09308, section 4.3), at float32's accuracy. OpenVINO has direct convolutions only, close to
the processor's peak; it stays the faster one for all others, so each library runs the part that it is better at.

A 5x5 convolution is written as one of 3x3 over four shifted copies of its input, to the same end: 2.25 times 4
multiplications an output instead of 25.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

PARAM, BIN = "front.param", "front.bin"
#: code: the first line of ncnn's text format.
MAGIC = 7767517


class Front:
    """A half that was written to `folder` by :func:`write`; several threads may call it at a time.

    Parameters
    ----------
    mean, scale: the network sees ``(pixel - mean) / scale``.

    Raises
    ------
    RuntimeError: the files are missing or damaged.
    """

    def __init__(self, folder: Path, mean: tuple[float, ...], scale: tuple[float, ...]) -> None:
        import ncnn

        self.version = str(ncnn.__version__)
        self._ncnn, self._mean, self._factor = ncnn, list(mean), [1 / value for value in scale]
        self._net = ncnn.Net()
        option = self._net.opt
        option.num_threads = 1  # so that a frame's bits do not depend on it
        option.use_vulkan_compute = False
        # Tiles of 6x6 outputs are no faster here and round more.
        option.use_winograd63_convolution = False
        # Half precision is ncnn's default where the processor has it.
        option.use_fp16_packed = option.use_fp16_storage = option.use_fp16_arithmetic = False
        option.use_bf16_storage = False
        for load, file in ((self._net.load_param, PARAM), (self._net.load_model, BIN)):
            if load(str(folder / file)) != 0:
                raise RuntimeError(f"{folder / file} cannot be read")

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """uint8 [px, px, 3] RGB -> float32 [1, channels, height, width]."""
        ncnn = self._ncnn
        side, width = picture.shape[:2]
        mat = ncnn.Mat.from_pixels(np.ascontiguousarray(picture), ncnn.Mat.PixelType.PIXEL_RGB, width, side)
        mat.substract_mean_normalize(self._mean, self._factor)
        run = self._net.create_extractor()
        run.input("in", mat)
        failed, out = run.extract("out")
        if failed:
            raise RuntimeError(f"ncnn stopped with code {failed}: is there memory left?")
        return np.array(out)[None]


def write(front: torch.nn.Module, folder: Path) -> None:
    """Write `front`, in inference mode, to `folder` in ncnn's own format.

    Raises
    ------
    TypeError: a layer of another kind than convolution (with batch normalisation and ReLU), pooling or concatenation.
    """
    from torch.fx.experimental.optimization import fuse

    traced: Any = fuse(front)
    writer = _Writer()
    for node in traced.graph.nodes:
        module = traced.get_submodule(node.target) if node.op == "call_module" else None
        writer.add(node, module)
    (folder / PARAM).write_text(writer.text())
    (folder / BIN).write_bytes(b"".join(writer.weights))


class _Writer:
    """ncnn's layers for the nodes of a graph: a text line for each, and the values of those that have any."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.weights: list[bytes] = []
        self._blobs: dict[str, None] = {}
        self._ready: dict[Any, list[str]] = {}  # the names under which a node's value waits for its readers

    def text(self) -> str:
        head = [str(MAGIC), f"{len(self.lines)} {len(self._blobs)}"]
        return "\n".join([*head, *self.lines]) + "\n"

    def add(self, node: Any, module: torch.nn.Module | None) -> None:
        import torch

        functional = torch.nn.functional
        if node.op == "placeholder":
            self._layer("Input", [], ["in"], {})
            self._offer(node, "in")
        elif node.op == "output":
            self._layer("Noop", [self._take(node.args[0])], ["out"], {})
        elif isinstance(module, torch.nn.Conv2d):
            users = list(node.users)
            rectified = len(users) == 1 and users[0].target is functional.relu
            name = self._convolution(node.name, self._take(node.args[0]), module, rectified)
            self._offer(users[0] if rectified else node, name)
        elif node in self._ready:
            pass  # a ReLU that its convolution has taken in
        elif isinstance(module, torch.nn.MaxPool2d) and not (module.padding or module.ceil_mode):
            shape: dict[int, Any] = {0: 0, 1: module.kernel_size, 2: module.stride, 5: 1}
            self._offer(node, self._layer("Pooling", [self._take(node.args[0])], [node.name], shape))
        elif node.target is functional.avg_pool2d and not {"ceil_mode", "count_include_pad"} & set(node.kwargs):
            kernel, stride, padding = (node.kwargs[name] for name in ("kernel_size", "stride", "padding"))
            shape = {0: 1, 1: kernel, 2: stride, 3: padding, 5: 1, 6: 1}
            self._offer(node, self._layer("Pooling", [self._take(node.args[0])], [node.name], shape))
        elif node.target is torch.cat and node.args[1:] == (1,):
            self._offer(node, self._layer("Concat", [self._take(part) for part in node.args[0]], [node.name], {0: 0}))
        else:
            raise TypeError(f"{node.op} {node.target} has no counterpart in models/backends/ncnn_front.py")

    def _layer(self, kind: str, taken: list[str], made: list[str], settings: dict[int, int]) -> str:
        self._blobs |= dict.fromkeys(made)
        values = [f"{key}={value}" for key, value in settings.items()]
        counts = [str(len(taken)), str(len(made))]
        self.lines.append(" ".join([kind, f"layer{len(self.lines)}", *counts, *taken, *made, *values]))
        return made[0]

    def _offer(self, node: Any, name: str) -> None:
        """The value of `node` is called `name`; ncnn wants a name of its own for each reader."""
        names = [name]
        if len(node.users) > 1:
            names = [f"{name}_for{reader}" for reader in range(len(node.users))]
            self._layer("Split", [name], names, {})
        self._ready[node] = names

    def _take(self, node: Any) -> str:
        return self._ready[node].pop()

    def _convolution(self, name: str, taken: str, module: torch.nn.Conv2d, rectified: bool) -> str:
        if module.groups != 1 or module.dilation != (1, 1) or isinstance(module.padding, str):
            raise TypeError(f"convolution {name} is grouped, dilated or padded by name")
        weight, (down, right) = module.weight.detach().numpy(), module.padding
        if module.kernel_size == (5, 5) and module.stride == (1, 1):
            weight, taken = self._as_3x3(name, taken, weight, down, right)
            down = right = 0
        channels, _, height, width = weight.shape
        settings = {0: channels, 1: width, 11: height, 3: module.stride[1], 13: module.stride[0], 4: right, 14: down}
        settings |= {5: 1, 6: weight.size, 9: int(rectified)}
        bias = np.zeros(channels) if module.bias is None else module.bias.detach().numpy()
        # Four zero bytes announce float32.
        self.weights += [bytes(4), weight.astype("<f4").tobytes(), bias.astype("<f4").tobytes()]
        return self._layer("Convolution", [taken], [name], settings)

    def _as_3x3(self, name: str, taken: str, weight: np.ndarray, down: int, right: int) -> tuple[np.ndarray, str]:
        """5x5, padded to 6x6, is four of 3x3 that read the input 0 or 3 pixels further down and to the right."""
        padded = np.pad(weight, ((0, 0), (0, 0), (0, 1), (0, 1)))
        shifts = [(y, x) for y in (0, 3) for x in (0, 3)]
        whole = self._layer("Padding", [taken], [f"{name}_padded"], {0: down, 1: down + 1, 2: right, 3: right + 1})
        copies = [f"{name}_copy{k}" for k in range(4)]
        self._layer("Split", [whole], copies, {})
        to_end = -233  # code: ncnn's mark for "all that remains"
        parts = [
            self._layer(
                "Crop",
                [copy],
                [f"{copy}_part"],
                {0: x, 1: y, 2: 0, 3: to_end, 4: to_end, 5: to_end, 6: 3 - x, 7: 3 - y},
            )
            for copy, (y, x) in zip(copies, shifts, strict=True)
        ]
        stacked = self._layer("Concat", parts, [f"{name}_stacked"], {0: 0})
        return np.concatenate([padded[:, :, y : y + 3, x : x + 3] for y, x in shifts], axis=1), stacked


def pays_off() -> bool:
    """Whether ncnn is here and makes a network faster.

    Measured on AVX2 only: Inception is 1.17 times faster than with OpenVINO alone. With AVX-512 the direct convolutions
    are twice as fast, and Winograd's were not measured.
    """
    return installed() and "avx512f" not in _cpu_flags()


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return set(line.split())


def installed() -> bool:
    """Whether ncnn is here (and can be loaded: it needs a newer C library than some systems have)."""
    if "ncnn" not in sys.modules:
        try:
            import ncnn  # noqa: F401
        except ImportError:
            return False
    return True
