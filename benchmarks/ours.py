"""Our path, as a worker of the job runs it: the decoder's child process, the default backend, a Parquet part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import soxr

from benchmarks.clock import Clock
from models.backends import load_encoder
from models.weights import resolve
from pipeline.entries import make_entry, parameters_of
from pipeline.rows import stored
from pipeline.store.write import write_feature
from transforms import features
from transforms.decoding import DecoderProcess
from transforms.features import NetworkExtractor
from transforms.views import Frames, Sound, SoundView

SOUND = SoundView(12_000)


class Job:
    """What a worker of the job keeps open: one decoder and one network."""

    def __init__(self, threads: int, seed: int) -> None:
        feature = features.get("inception")
        assert isinstance(feature, NetworkExtractor)
        weights = resolve(feature.backbone, "random", seed=seed)
        self.entry = make_entry(feature, feature.card.defaults(), weights=weights)
        self.view = feature.view(parameters_of(self.entry))
        self.encoder = load_encoder(feature.backbone, weights, device="cpu", threads=threads)
        self.decoder = DecoderProcess()

    def run(self, path: Path, out: Path, clock: Clock) -> dict[str, Any]:
        """Extract one clip into ``out``; the seconds of each stage go to ``clock``."""
        clock.watch(self.decoder.pid)
        with clock.stage("decode"):
            clip = self.decoder.decode(path, [self.view])
        frames = clip.views[self.view]
        assert isinstance(frames, Frames)
        with clock.stage("network"):
            values = self.encoder.encode(frames.pixels)
        with clock.stage("sound"):
            # by itself, so that it can be told apart; the job takes both from one reading of the file
            sound = self.decoder.decode(path, [SOUND]).views.get(SOUND)
        with clock.stage("write"):
            values[~frames.mask] = 0.0
            row = {"id": path.stem, "sha256": "0" * 64, "times_s": frames.times_s, "mask": frames.mask}
            write_feature(out, self.entry, [row | {"values": stored(values, self.entry)}], 0, 1)
        samples = len(sound.samples) if isinstance(sound, Sound) else 0
        seconds = min(clip.info.duration_s, self.view.max_s)
        return {"frames": len(values), "samples": samples, "seconds": seconds, "decoder": clip.info.decoder}

    def describe(self) -> dict[str, Any]:
        """Versions, and how the network is run."""
        described = self.encoder.describe()
        versions = {"av": av.__version__, **described["versions"], "soxr": soxr.__version__, "pyarrow": pa.__version__}
        network = f"{'+'.join(described['versions'])} {described['precision']}, batch {described['request_batch']}"
        return {"versions": versions, "network": network}

    def close(self) -> None:
        """End the decoder."""
        self.decoder.close()
        self.encoder.close()
