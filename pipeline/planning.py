"""What is missing: the input against the dataset gives the units of work of an extraction."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.errors import JobError, UsageError
from pipeline.inputs import InputClip, assign_split, files
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import sound_path
from transforms.decoding import Limits
from transforms.errors import RejectError


@dataclass(frozen=True)
class ClipTask:
    """One clip to work on; travels to a worker.

    Attributes
    ----------
    sha256: content hash where it is known; None means that the worker makes it.
    features: extracted features that the clip lacks.
    needs_row: whether the clips table lacks it.
    needs_sound: whether its sound track is to be kept and is not there yet.
    refused: (reason, message) where planning already found that it cannot be read.
    """

    clip_id: str
    uri: str
    sha256: str | None
    size_bytes: int
    mtime_ns: int
    split: str
    label: str | None
    text: str | None
    features: tuple[str, ...]
    needs_row: bool
    needs_sound: bool = False
    refused: tuple[str, str] | None = None


@dataclass(frozen=True)
class Unit:
    """Clips of one shard that are decoded, extracted and written together."""

    shard: int
    tasks: tuple[ClipTask, ...]


@dataclass
class ExtractionPlan:
    """What an extraction has to do, and what it found done.

    Attributes
    ----------
    attempt: names the circumstances of a reject; a clip is not tried again under the same ones.
    """

    units: list[Unit]
    attempt: str
    clips: int
    todo: int
    rejected_before: int
    duplicates: int = 0
    changed: list[str] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def attempt_key(limits: Limits, entries: Mapping[str, Mapping[str, Any]]) -> str:
    """16 hex digits over what decides whether a clip can be computed: the limits and the views."""
    views = {name: entry["parameters"] for name, entry in entries.items()}
    text = json.dumps([asdict(limits), views], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan_extraction(
    clips: list[InputClip],
    dataset: Dataset,
    entries: Mapping[str, Mapping[str, Any]],
    limits: Limits,
    *,
    workers: int,
    clips_per_part: int,
    keep_sound: bool = False,
    retry_rejects: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> ExtractionPlan:
    """Compare the input with the dataset.

    A clip is recognised by its address, size and time of change, and hashed only where one of them differs. What the
    dataset has of a clip under the same content and fingerprint is not computed again; a reject under the same
    circumstances is not tried again, unless ``retry_rejects``.

    Parameters
    ----------
    entries: the extracted features, as they are (or will be) in dataset.json.
    """
    table = dataset.clips(["id", "uri", "sha256", "size_bytes", "mtime_ns", "split", "audio_streams"]).to_pylist()
    have = {row["id"]: row for row in table}
    rejects = dataset.rejects()
    attempt = attempt_key(limits, entries)
    identified, duplicates = _identify(clips, [*table, *rejects], have, say)

    done = {name: dataset.done(name) for name in entries}
    refused: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for reject in rejects:
        refused[reject["id"]].append(reject)

    plan = ExtractionPlan([], attempt, len(identified), 0, 0, duplicates)
    by_shard: dict[int, list[ClipTask]] = defaultdict(list)
    kept_split = 0
    for clip_id, sha256, error, clip in identified:
        row: Mapping[str, Any] | None = have.get(clip_id)
        if row is not None and sha256 is not None and row["sha256"] != sha256:
            plan.changed.append(clip_id)
            row = None
        split = row["split"] if row else clip.split or assign_split(clip_id, dataset.meta["split_fractions"])
        kept_split += bool(row and clip.split and clip.split != row["split"])
        content = row["sha256"] if row else sha256
        missing = [n for n in entries if clip_id not in done[n] or (content and done[n][clip_id] != content)]
        if clip_id in refused:
            current = [
                r for r in refused[clip_id] if r["attempt"] == attempt and r["sha256"] in (content, sha256 or "")
            ]
            if current and not retry_rejects:
                gone = {r["feature"] for r in current}
                missing = [] if None in gone else [name for name in missing if name not in gone]
                if None in gone:
                    plan.rejected_before += 1
                    continue
            elif missing or row is None:
                plan.retried.append(clip_id)
        needs_sound = keep_sound and (row is None or _lacks_sound(dataset, row, refused[clip_id]))
        if not missing and row is not None and not needs_sound:
            continue
        task = ClipTask(
            clip_id=clip_id,
            uri=clip.uri,
            sha256=content,
            size_bytes=clip.size_bytes,
            mtime_ns=clip.mtime_ns,
            split=split,
            label=clip.label,
            text=clip.text,
            features=tuple(missing),
            needs_row=row is None,
            needs_sound=needs_sound,
            refused=(error.reason, error.message) if error else None,
        )
        by_shard[shard_of(clip_id, dataset.shards)].append(task)
        plan.todo += 1
    if kept_split:
        plan.notes.append(f"{kept_split} clips keep the split recorded earlier, the manifest now says another")
    # small units keep every core busy to the end and lose little to a kill; large ones make few files
    size = max(1, min(clips_per_part, -(-plan.todo // (workers * 8))))
    for shard in sorted(by_shard):
        tasks = sorted(by_shard[shard], key=lambda task: task.clip_id)
        plan.units += [Unit(shard, tuple(tasks[i : i + size])) for i in range(0, len(tasks), size)]
    return plan


def _lacks_sound(dataset: Dataset, row: Mapping[str, Any], rejects: list[dict[str, Any]]) -> bool:
    if not row["audio_streams"] or any(reject["feature"] == "sound" for reject in rejects):
        return False
    return not sound_path(dataset.path, row["sha256"], shard_of(row["id"], dataset.shards)).exists()


def _identify(
    clips: list[InputClip],
    known_rows: list[dict[str, Any]],
    have: Mapping[str, Mapping[str, Any]],
    say: Callable[[str], None],
) -> tuple[list[tuple[str, str | None, RejectError | None, InputClip]], int]:
    """(id, content hash or None, why it cannot be read, clip) of each clip, and how many had the content of another."""
    known = {(r["uri"], r["size_bytes"], r["mtime_ns"]): r for r in known_rows}
    hashes: dict[int, str | RejectError] = {}
    unknown: list[int] = []
    for number, clip in enumerate(clips):
        row = known.get((clip.uri, clip.size_bytes, clip.mtime_ns))
        if row is not None and row["sha256"] and clip.clip_id in (None, row["id"]):
            hashes[number] = row["sha256"]
        elif clip.clip_id is None or clip.clip_id in have:
            unknown.append(number)
    if len(unknown) > 1000:
        say(f"hashing {len(unknown)} files")
    hashes.update(zip(unknown, files.sha256_of_many(clips[number].uri for number in unknown), strict=True))

    identified: dict[str, tuple[str, str | None, RejectError | None, InputClip]] = {}
    duplicates = 0
    for number, clip in enumerate(clips):
        found = hashes.get(number)
        error = found if isinstance(found, RejectError) else None
        sha256 = found if isinstance(found, str) else None
        if clip.clip_id is not None:
            clip_id = clip.clip_id
        elif sha256 is not None:
            clip_id = sha256
        else:
            clip_id = "unread-" + hashlib.sha256(clip.uri.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        if clip_id in identified:
            if clip.clip_id is not None:
                raise UsageError(f"clip_id {clip_id!r} is also the content hash of another clip; give it another id")
            duplicates += 1
            continue
        identified[clip_id] = (clip_id, sha256, error, clip)
    if not identified:
        raise JobError("the input names no clip")
    return list(identified.values()), duplicates
