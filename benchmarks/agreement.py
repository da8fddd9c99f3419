"""Do both sides see the same frames and compute the same numbers? On one clip of constant rate, where decord is right.

Started as ``python -m benchmarks.agreement SEED CLIP``; prints one JSON object, which also holds what the network
costs in arithmetic and how fast this processor multiplies.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import decord
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.v2 import functional

from benchmarks.naive import BATCH, Script
from benchmarks.ours import Job
from transforms.decoding import decode_clip
from transforms.decoding.picture import shrink
from transforms.views import Frames, FrameView

#: What Inception takes (paper).
SQUARE_PX = 299
#: A batch whose activations stay small, to see what the script's batch costs it (ours).
SMALL_BATCH = 4
#: Side of the matrices whose product is timed: large enough to run at full speed (ours).
MATRIX = 1536


def compare(seed: int, path: Path) -> dict[str, Any]:
    """Times, pixels and features of both sides; differences of features are relative to the largest value."""
    script = Script(1, seed)
    with contextlib.closing(Job(1, seed)) as job:
        reader = decord.VideoReader(str(path), num_threads=1)
        indices = script.indices(reader)
        plain = FrameView(SQUARE_PX, resizer="rgb-antialias")
        views = decode_clip(path, [job.view, plain]).views
        default, antialias = views[job.view], views[plain]
        assert isinstance(default, Frames)
        assert isinstance(antialias, Frames)
        full = reader.get_batch(indices).asnumpy()
        squared = _squared(full)
        after = _squared(reader.get_batch([min(index + 1, len(reader) - 1) for index in indices]).asnumpy())
        rows = min(len(default), len(indices))
        ours = job.encoder.encode(default.pixels)[:rows]
        same_ours = job.encoder.encode(antialias.pixels)[:rows]
        eager = script.network(_normalised(default.pixels))[:rows]
        same_theirs = script.network(_normalised(squared))[:rows]
        theirs = script.network(script.preprocess(full))[:rows]
    return {
        "rows": {"script": len(indices), "ours": len(default)},
        "time_s": float(np.abs(default.times_s[:rows] - reader.get_frame_timestamp(indices)[:rows, 0]).max()),
        "pixel_mean": _mean_difference(antialias.pixels[:rows], squared[:rows]),
        "pixel_mean_next_frame": _mean_difference(antialias.pixels[:rows], after[:rows]),
        "same_pixels": _difference(eager, ours),
        "same_resizer": _difference(same_theirs, same_ours),
        "as_each_does": _difference(theirs, ours),
    }


def _squared(full: np.ndarray) -> np.ndarray:
    """uint8 [n, 299, 299, 3] of decord's full-size RGB, by the resizer of our view."""
    return np.stack([shrink(picture, SQUARE_PX) for picture in full])


def _normalised(pixels: np.ndarray) -> torch.Tensor:
    """What the script's network takes (ImageNet mean and deviation) of pictures that have their size already."""
    pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return functional.normalize(pictures, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def _mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def _difference(reference: np.ndarray, found: np.ndarray) -> dict[str, float]:
    lengths = np.linalg.norm(reference, axis=1) * np.linalg.norm(found, axis=1)
    cosine = (reference * found).sum(axis=1) / lengths
    return {"max": float(np.abs(reference - found).max() / np.abs(reference).max()), "cosine": float(cosine.min())}


def arithmetic(seed: int) -> dict[str, Any]:
    """Floating-point operations of one frame, operations a CPU second of numpy's float32 matrix product, and for some
    sizes of batch the script's network: (CPU seconds a frame, of these in the kernel).
    """
    script = Script(1, seed)
    with FlopCounterMode(display=False) as counter:
        script.network(torch.zeros(1, 3, SQUARE_PX, SQUARE_PX))
    matrix = np.random.default_rng(seed).standard_normal((MATRIX, MATRIX), np.float32)
    seconds = []
    for _ in range(10):
        began = time.process_time()
        matrix @ matrix
        seconds.append(time.process_time() - began)
    return {
        "frame": float(counter.get_total_flops()),
        "product_per_s": 2 * MATRIX**3 / min(seconds),
        "batches": {batch: _frame_s(script, batch) for batch in (BATCH, SMALL_BATCH)},
    }


def _frame_s(script: Script, batch: int) -> tuple[float, float]:
    frames = torch.zeros(batch, 3, SQUARE_PX, SQUARE_PX)
    script.network(frames)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(2 * BATCH // batch):
        script.network(frames)
    after = resource.getrusage(resource.RUSAGE_SELF)
    kernel = (after.ru_stime - before.ru_stime) / (2 * BATCH)
    return (after.ru_utime - before.ru_utime) / (2 * BATCH) + kernel, kernel


if __name__ == "__main__":
    print(json.dumps(compare(int(sys.argv[1]), Path(sys.argv[2])) | {"arithmetic": arithmetic(int(sys.argv[1]))}))
