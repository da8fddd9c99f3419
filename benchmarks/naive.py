"""The script that a researcher would write, kept plain: decord, torchvision's documented transforms, eager torch,
librosa, numpy. What it does is split into the same stages as ours, and nothing else is done to it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import audioread
import decord
import librosa
import numpy as np
import torch
import torchvision
from torchvision.models import Inception_V3_Weights, inception_v3

from benchmarks.clock import Clock
from models import random_weights

BATCH = 32
SOUND_HZ = 12_000
MAX_S = 360


class Script:
    """The researcher's script: the network is loaded once, then clip after clip."""

    def __init__(self, threads: int, seed: int) -> None:
        torch.set_num_threads(threads)
        self.threads = threads
        # as inception_v3(weights=IMAGENET1K_V1) sets it, which needs a download; the seeded tensors come by name
        model = inception_v3(weights=None, init_weights=False, transform_input=True)
        model.load_state_dict(random_weights.state(model, seed))
        model.fc = torch.nn.Identity()
        self.model = model.eval()
        # resize to 342, centre crop of 299, ImageNet mean and deviation: what the documentation of the weights gives
        self.transforms = Inception_V3_Weights.IMAGENET1K_V1.transforms()

    def run(self, path: Path, out: Path, clock: Clock) -> dict[str, Any]:
        """Extract one clip into ``out``; the seconds of each stage go to ``clock``."""
        with clock.stage("decode"):
            frames = self.decode(path)
        features = []
        for first in range(0, len(frames), BATCH):
            with clock.stage("preprocess"):
                batch = self.preprocess(frames[first : first + BATCH])
            with clock.stage("network"):
                features.append(self.network(batch))
        del frames
        with clock.stage("sound"):
            sound = self.sound(path)
        with clock.stage("write"):
            np.save(out / f"{path.stem}.npy", np.concatenate(features))
        return {"frames": sum(map(len, features)), "samples": len(sound)}

    def decode(self, path: Path) -> np.ndarray:
        """uint8 [n, height, width, 3]: one frame a second, by index."""
        reader = decord.VideoReader(str(path), num_threads=self.threads)
        return reader.get_batch(self.indices(reader)).asnumpy()

    @staticmethod
    def indices(reader: decord.VideoReader) -> list[int]:
        """The frame numbers ``k * fps``."""
        fps = reader.get_avg_fps()
        return [int(k * fps) for k in range(min(MAX_S, math.ceil(len(reader) / fps)))]

    def preprocess(self, frames: np.ndarray) -> torch.Tensor:
        """float32 [n, 3, 299, 299]."""
        return self.transforms(torch.from_numpy(frames).permute(0, 3, 1, 2))

    def network(self, batch: torch.Tensor) -> np.ndarray:
        """float32 [n, 2048]."""
        with torch.no_grad():
            return self.model(batch).numpy()

    def sound(self, path: Path) -> np.ndarray:
        """float32 [samples]; none where the clip is silent, which audioread cannot tell from a file it cannot read."""
        try:
            return librosa.load(path, sr=SOUND_HZ, mono=True)[0]
        except audioread.exceptions.NoBackendError:
            return np.zeros(0, np.float32)

    def describe(self) -> dict[str, Any]:
        """Versions, and how the network is run."""
        libraries = {"decord": decord, "torch": torch, "torchvision": torchvision, "librosa": librosa, "numpy": np}
        versions = {name: library.__version__.partition("+")[0] for name, library in libraries.items()}
        return {"versions": versions, "network": f"torch eager f32, batch {BATCH}"}

    def close(self) -> None:
        """Nothing outlives a clip."""
