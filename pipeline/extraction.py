"""One unit of an extraction, from files to Parquet parts: decode, listen, look at shots, run networks, write.

Knows nothing of Beam: :mod:`pipeline.jobs.extract` wraps it, search uses it for a single file.
"""

from __future__ import annotations

import os
import queue
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.backends import FrameEncoder, load_encoder
from models.emotions.base import Score
from models.weights import ScorerWeights, Weights, load_scorer
from pipeline.entries import parameters_of
from pipeline.errors import JobError
from pipeline.inputs import files
from pipeline.planning import ClipTask, Unit, attempt_key
from pipeline.rows import Extracted, clip_row, reject_row, stored
from pipeline.store.layout import shard_of, sound_path
from pipeline.store.schema import CLIPS, REJECTS
from pipeline.store.write import write_feature, write_rows
from transforms import features
from transforms.decoding import DecoderProcess, Limits
from transforms.errors import RejectError
from transforms.features import Extractor, NetworkExtractor, ShotExtractor, SoundExtractor
from transforms.features.base import Rows
from transforms.sound import write_flac
from transforms.views import ClipInfo, DecodedClip, Frames, Shots, Sound, View


@dataclass(frozen=True)
class ExtractionConfig:
    """Everything that a worker needs to know; plain data that pickles.

    Attributes
    ----------
    entries: the extracted features' entries in dataset.json.
    output: folder of the dataset.
    """

    output: str
    shards: int
    entries: Mapping[str, Mapping[str, Any]]
    attempt: str
    limits: Limits
    workers: int
    backend: str
    device: str
    batch: int


@dataclass
class UnitResult:
    """What became of a unit.

    Attributes
    ----------
    rejects: one (feature or None, reason) for each.
    seconds: ``decode_cpu`` (in the decoders), ``feature_cpu`` (of the features of sound and shots), ``wait`` (for
        both), ``model``, ``write``.
    """

    clips: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rejects: list[tuple[str | None, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    media_s: float = 0.0
    encoders: dict[str, dict[str, Any]] = field(default_factory=dict)


class Extraction:
    """A worker's decoders and networks, opened once and used for many units."""

    def __init__(self, config: ExtractionConfig) -> None:
        self._config = config
        self._extractors: dict[str, Extractor] = {}
        for name in config.entries:
            feature = features.get(name)
            assert isinstance(feature, Extractor)
            self._extractors[name] = feature
        self._encoders: dict[str, FrameEncoder] = {}
        self._scorers: dict[str, Score] = {}
        self._decoders: queue.SimpleQueue[DecoderProcess] = queue.SimpleQueue()
        self._opened: list[DecoderProcess] = []
        self._pool: ThreadPoolExecutor | None = None
        self._backlog: deque[ClipTask] = deque()
        self._ahead: deque[Future[Extracted]] = deque()

    def open(self) -> None:
        """Load the networks and get the decoders ready.

        Raises
        ------
        models.backends.DeviceError: the device that was asked for is not there.
        """
        loaded: dict[tuple[str, str | None], Score] = {}
        for name, extractor in self._extractors.items():
            entry = self._config.entries[name]
            if isinstance(extractor, ShotExtractor) and extractor.scorer is not None:
                weights = ScorerWeights.from_dict(entry["weights"])
                which = weights.scorer, weights.digest
                if which not in loaded:
                    loaded[which] = load_scorer(weights)
                self._scorers[name] = loaded[which]
            if not isinstance(extractor, NetworkExtractor):
                continue
            self._encoders[name] = load_encoder(
                extractor.backbone,
                Weights.from_dict(entry["weights"]),
                backend=self._config.backend,
                device=self._config.device,
                precision=str(entry["parameters"]["precision"]["value"]),
                threads=self._config.workers,
                batch=self._config.batch,
            )
        for _ in range(self._config.workers):
            # an environment variable reaches the processes of other runners as well
            decoder = DecoderProcess(self._config.limits, verbose=bool(os.environ.get("REELSCORE_VERBOSE")))
            self._opened.append(decoder)
            self._decoders.put(decoder)
        self._pool = ThreadPoolExecutor(self._config.workers, thread_name_prefix="decode")

    def close(self) -> None:
        """End the decoders; safe to call twice."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self._backlog.clear()
        self._ahead.clear()
        for decoder in self._opened:
            decoder.close()
        self._opened = []
        for encoder in self._encoders.values():
            encoder.close()
        self._encoders = {}
        self._scorers = {}

    # -- one clip --------------------------------------------------------------------------------------------------

    def _views(self, task: ClipTask) -> dict[str, View]:
        return {n: self._extractors[n].view(parameters_of(self._config.entries[n])) for n in task.features}

    def _decode(self, task: ClipTask) -> Extracted:
        result = Extracted(task, task.sha256 or "")
        decoder = self._decoders.get()
        try:
            if task.refused is not None:
                raise RejectError(*task.refused, "read")
            with tempfile.TemporaryDirectory(prefix="reelscore-fetch-") as folder:
                path = files.fetch(task.uri, Path(folder))
                if not result.sha256:
                    result.sha256 = files.sha256(str(path))
                if files.stat(task.uri) != (task.size_bytes, task.mtime_ns):
                    raise RejectError("content_changed", f"{task.uri}: changed while the job ran; run again", "read")
                if task.needs_row or task.features:
                    views = list(dict.fromkeys(self._views(task).values()))
                    result.decoded = decoder.decode(str(path), views)
                    self._compute(result)
                if task.needs_sound and (result.decoded is None or result.decoded.info.audio is not None):
                    self._keep_sound(path, result)
        except RejectError as error:
            result.errors.append((None, error))
        finally:
            self._decoders.put(decoder)
        return result

    def _compute(self, result: Extracted) -> None:
        """Compute what the clip's sound and shots give, beside the others' decoding; their data is dropped then."""
        decoded = result.decoded
        assert decoded is not None
        began = time.thread_time()
        for name, view in self._views(result.task).items():
            extractor, entry = self._extractors[name], self._config.entries[name]
            if isinstance(extractor, NetworkExtractor):
                continue
            try:
                try:
                    rows = self._rows(name, extractor, decoded, view)
                except ValueError as error:
                    raise RejectError("not_computable", f"{name}: {error}", "extract") from None
                except MemoryError:
                    raise RejectError("memory_limit", f"{name}: not enough memory for this clip", "extract") from None
                row = {"id": result.task.clip_id, "sha256": result.sha256, "start_s": rows.start_s}
                row["values"] = stored(rows.values, entry)
                if entry["layout"] == "sequence":
                    row |= {"times_s": rows.times_s, "mask": rows.mask, **rows.columns}
                result.values[name] = row
            except RejectError as error:
                result.errors.append((name, error))
        for view in [view for view, data in decoded.views.items() if not isinstance(data, Frames)]:
            del decoded.views[view]
        result.feature_cpu_s = time.thread_time() - began

    def _rows(self, name: str, extractor: SoundExtractor | ShotExtractor, decoded: DecodedClip, view: View) -> Rows:
        parameters, data = parameters_of(self._config.entries[name]), decoded.views.get(view)
        if isinstance(extractor, ShotExtractor):
            assert isinstance(data, Shots)
            return extractor.compute(data, parameters, self._scorers.get(name))
        if data is None:
            raise _why_silent(decoded.info)
        assert isinstance(data, Sound)
        return extractor.compute(data, decoded.info.duration_s, parameters)

    def _keep_sound(self, path: Path, result: Extracted) -> None:
        clip_id = result.task.clip_id
        shard = shard_of(clip_id, self._config.shards)
        target = sound_path(Path(self._config.output), result.sha256, shard)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_flac(path, target, self._config.limits, result.decoded.info if result.decoded else None)
        except RejectError as error:
            result.errors.append(("sound", error))

    def start(self, tasks: Sequence[ClipTask]) -> None:
        """Begin to decode clips; :meth:`decoded` gives them back in the order in which they were started."""
        self._backlog.extend(tasks)
        self._submit()

    def decoded(self, count: int) -> Iterator[Extracted]:
        """The next ``count`` clips that were started, as soon as each is decoded."""
        for _ in range(count):
            clip = self._ahead.popleft().result()
            self._submit()
            yield clip

    def _submit(self) -> None:
        """Keep every decoder busy with one clip more waiting, and no more: decoded clips are large."""
        assert self._pool is not None
        while self._backlog and len(self._ahead) <= self._config.workers:
            self._ahead.append(self._pool.submit(self._decode, self._backlog.popleft()))

    # -- many clips ------------------------------------------------------------------------------------------------

    def extract(self, clips: Iterator[Extracted], clock: dict[str, float]) -> Iterator[Extracted]:
        """Run the networks over decoded clips, filling batches across clips; frames are dropped as soon as used."""
        waiting: list[Extracted] = []
        frames = 0
        while True:
            began = time.perf_counter()
            clip = next(clips, None)
            clock["wait"] = clock.get("wait", 0.0) + time.perf_counter() - began
            if clip is not None:
                waiting.append(clip)
                if clip.decoded is not None:
                    clock["decode_cpu"] = clock.get("decode_cpu", 0.0) + clip.decoded.cpu_s
                    clock["feature_cpu"] = clock.get("feature_cpu", 0.0) + clip.feature_cpu_s
                    frames += max((len(f) for f in clip.decoded.views.values() if isinstance(f, Frames)), default=0)
            if waiting and (clip is None or frames >= self._config.batch):
                began = time.perf_counter()
                self._encode(waiting)
                clock["model"] = clock.get("model", 0.0) + time.perf_counter() - began
                yield from waiting
                waiting, frames = [], 0
            if clip is None:
                return

    def _encode(self, clips: list[Extracted]) -> None:
        for name, encoder in self._encoders.items():
            entry = self._config.entries[name]
            found: list[tuple[Extracted, Frames, np.ndarray]] = []
            for clip in clips:
                if clip.decoded is not None and name in clip.task.features:
                    frames = clip.decoded.views[self._views(clip.task)[name]]
                    assert isinstance(frames, Frames)
                    found.append((clip, frames, _first_of_equals(frames)))
            if not found:
                continue
            pixels = [frames.pixels[np.unique(first)] for _, frames, first in found]
            encoded = encoder.encode(pixels[0] if len(pixels) == 1 else np.concatenate(pixels))
            ends = np.cumsum([len(p) for p in pixels])
            for (clip, frames, first), block in zip(found, np.split(encoded, ends[:-1]), strict=True):
                values = block[np.unique(first, return_inverse=True)[1]]
                values[~frames.mask] = 0.0
                try:
                    clip.values[name] = {
                        "id": clip.task.clip_id,
                        "sha256": clip.sha256,
                        "values": stored(values, entry),
                        "times_s": frames.times_s,
                        "mask": frames.mask,
                    }
                except RejectError as error:
                    clip.errors.append((name, error))
        for clip in clips:
            if clip.decoded is not None:
                clip.decoded.views.clear()

    def finish(self, unit: Unit, done: Callable[..., None] = lambda **event: None) -> UnitResult:
        """Extract a unit whose tasks were started, and write its parts.

        Parameters
        ----------
        done: called for each finished clip, with ``frames`` or ``reason``.

        Raises
        ------
        JobError: the output cannot be written.
        """
        result = UnitResult(encoders={name: encoder.describe() for name, encoder in self._encoders.items()})
        clock: dict[str, float] = {"decode_cpu": 0.0, "feature_cpu": 0.0, "wait": 0.0, "model": 0.0}
        finished: list[Extracted] = []
        for clip in self.extract(self.decoded(len(unit.tasks)), clock):
            finished.append(clip)
            whole = [error.reason for feature, error in clip.errors if feature is None]
            frames = sum(len(v["values"]) for name, v in clip.values.items() if name in self._encoders)
            done(**({"reason": whole[0]} if whole else {"frames": frames}))
        began = time.perf_counter()
        try:
            self._write(unit, finished, result)
        except OSError as error:
            raise JobError(
                f"{error.filename or self._config.output}: cannot be written ({error.strerror or error}); what was "
                "finished before is kept, run the same command again when there is room"
            ) from error
        clock["write"] = time.perf_counter() - began
        result.seconds = clock
        return result

    def _write(self, unit: Unit, clips: list[Extracted], result: UnitResult) -> None:
        config = self._config
        output = Path(config.output)
        # clips first: a feature row never lacks its clip, and a clip without features is simply worked on again
        rows = [clip_row(clip) for clip in clips if clip.decoded is not None and clip.task.needs_row]
        if rows:
            write_rows(output / "clips", CLIPS, rows, unit.shard, config.shards, "clips")
        for name, entry in config.entries.items():
            values = [clip.values[name] for clip in clips if name in clip.values]
            if values:
                write_feature(output / "features" / name, dict(entry), values, unit.shard, config.shards)
            result.rows[name] = len(values)
        rejects = [
            reject_row(clip, name, error, attempt_key(config.limits, config.entries, name))
            for clip in clips
            for feature, error in clip.errors
            # a clip that has its row is not turned away as a whole, only what was to be computed from it now
            for name in ([feature] if feature or clip.task.needs_row else clip.task.features)
        ]
        if rejects:
            write_rows(
                output / "rejects", REJECTS, rows=rejects, shard=unit.shard, shards=config.shards, salt=config.attempt
            )
        result.clips = sum(clip.decoded is not None for clip in clips)
        result.media_s = sum(clip.decoded.info.duration_s for clip in clips if clip.decoded is not None)
        result.rejects = [(row["feature"], row["reason"]) for row in rejects]


def _why_silent(info: ClipInfo) -> RejectError:
    """Why a clip has no sound to listen to."""
    if info.audio is None:
        return RejectError("no_sound", "the file has no sound stream", "sound")
    return RejectError("sound_error", f"nothing of the {info.audio.codec} track decodes where it is wanted", "sound")


def _first_of_equals(frames: Frames) -> np.ndarray:
    """int [n]: for each row the first row of its run of identical pictures, so that each is forwarded once."""
    first = np.arange(len(frames))
    for row in range(1, len(frames)):
        if np.array_equal(frames.pixels[row], frames.pixels[first[row - 1]]):
            first[row] = first[row - 1]
    return first
