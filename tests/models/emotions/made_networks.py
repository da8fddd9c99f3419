"""Small networks in ONNX files of the published ones' shapes: a face detector that finds red, an expression network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

#: What the made-up detector finds has this size, about a red cell of 32 x 32: wide, and not square.
FACE = (64.0, 48.0)


def save(
    path: Path, nodes: list, inputs: Mapping[str, tuple], outputs: Mapping[str, tuple], constants: Mapping
) -> Path:
    """Write an ONNX file of opset 11 (EmotiEffNet's)."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def values(shapes: Mapping[str, tuple]) -> list:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "made", values(inputs), values(outputs), held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def make_detector(path: Path) -> Path:
    """A network with YuNet's twelve outputs that sees a face of size FACE in each red cell of 32 x 32.

    A cell's score is (mean red - mean blue - 100) / 100, cut to 0 and 1.
    """
    pytest.importorskip("onnx")
    from onnx import helper

    nodes, outputs = [], {}
    constants: dict[str, np.ndarray] = {"zero": np.float32(0), "one": np.float32(1)}
    for stride in (8, 16, 32):
        weights = np.zeros((1, 3, stride, stride), np.float32)
        bias = np.zeros(1, np.float32)
        if stride == 32:  # OpenCV feeds BGR
            weights[0, 0], weights[0, 2], bias[0] = -1 / (100 * stride**2), 1 / (100 * stride**2), -1
        constants |= {f"w{stride}": weights, f"b{stride}": bias}
        shape = {"strides": [stride, stride], "kernel_shape": [stride, stride]}
        nodes.append(helper.make_node("Conv", ["input", f"w{stride}", f"b{stride}"], [f"c{stride}"], **shape))
        nodes.append(helper.make_node("Clip", [f"c{stride}", "zero", "one"], [f"p{stride}"]))
        # centre in cells from the cell's corner, logarithm of the size in cells
        about = [0.5, 0.5, np.log(FACE[0] / 32), np.log(FACE[1] / 32)]
        for kind, values in (("cls", None), ("obj", None), ("bbox", about), ("kps", [0.0] * 10)):
            source, key = f"p{stride}", f"{kind}_{stride}"
            if values is not None:
                constants |= {f"w{key}": np.zeros((len(values), 1, 1, 1), np.float32), f"b{key}": np.float32(values)}
                nodes.append(helper.make_node("Conv", [source, f"w{key}", f"b{key}"], [f"q{key}"], kernel_shape=[1, 1]))
                source = f"q{key}"
            count = 1 if values is None else len(values)
            constants[f"s{key}"] = np.array([1, -1, count], np.int64)
            nodes.append(helper.make_node("Transpose", [source], [f"t{key}"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Reshape", [f"t{key}", f"s{key}"], [key]))
            outputs[key] = (1, (640 // stride) ** 2, count)
    return save(path, nodes, {"input": (1, 3, 640, 640)}, outputs, constants)


def make_expression(path: Path, channels: int, side: int, classes: int = 8) -> Path:
    """Logits = table (classes x channels) times the mean of each channel, through layers that the real ones have."""
    pytest.importorskip("onnx")
    from onnx import helper

    constants = {
        "w": np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1),
        "b": np.zeros(channels, np.float32),
        "table": table(channels, classes).T.copy(),
        "offset": np.zeros(classes, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["input", "w", "b"], ["c"], kernel_shape=[1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Gemm", ["f", "table", "offset"], ["output"]),
    ]
    return save(path, nodes, {"input": (1, channels, side, side)}, {"output": (1, classes)}, constants)


def table(channels: int, classes: int = 8) -> np.ndarray:
    """float32 [classes, channels]: the made-up expression network's only weights."""
    rng = np.random.default_rng(channels)
    return (rng.uniform(-1, 1, (classes, channels)) / (100 if channels == 1 else 1)).astype(np.float32)


SHAPES = {"ferplus": (1, 64), "emotieffnet": (3, 224)}
