"""What is missing: the input against the dataset gives the units of work of an extraction."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.identify import Identified, identify
from pipeline.inputs import InputClip, assign_split, files
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import sound_path
from transforms.decoding import Limits

#: Most clips in a part (ours): a kill costs minutes; from so many clips on, files would be too many instead.
_CLIPS_PER_PART, _LARGE_JOB, _CLIPS_PER_LARGE_PART = 32, 10_000, 256


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
    changed: ids of which the dataset holds values of other content, which go before anything is computed.
    stale_rejects: ids whose rejects no longer hold, because what was turned away is tried again.
    lost_rejects: ids of which nothing is there any more, because their file is another one now.
    moved: id -> where the same content lies now.
    """

    units: list[Unit]
    attempt: str
    clips: int
    todo: int
    rejected_before: int
    duplicates: int = 0
    changed: list[str] = field(default_factory=list)
    stale_rejects: list[str] = field(default_factory=list)
    lost_rejects: list[str] = field(default_factory=list)
    moved: dict[str, InputClip] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def attempt_key(limits: Limits, entries: Mapping[str, Mapping[str, Any]], feature: str | None = None) -> str:
    """16 hex digits over what decides whether something can be computed: the limits and the parameters.

    Parameters
    ----------
    feature: what is to be computed of a clip, for instance ``sound``, which has no entry; None: the clip as a whole,
        which all features together decide.
    """
    views = {name: entry["parameters"] for name, entry in entries.items() if feature in (None, name)}
    text = json.dumps([asdict(limits), views], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plan_extraction(
    clips: list[InputClip],
    dataset: Dataset,
    entries: Mapping[str, Mapping[str, Any]],
    limits: Limits,
    *,
    workers: int,
    clips_per_part: int | None = None,
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
    table = dataset.clips(["id", "uri", "sha256", "size_bytes", "mtime_ns", "split", "streams"]).to_pylist()
    rejects = dataset.rejects()
    have = {row["id"]: row for row in table}
    done = {name: dataset.done(name) for name in entries}
    refused: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for reject in rejects:
        refused[reject["id"]].append(reject)
    held = have.keys() | {clip_id for ids in done.values() for clip_id in ids}
    found, duplicates = identify(clips, [*table, *rejects], held, say)

    plan = ExtractionPlan([], attempt_key(limits, entries), len(found), 0, 0, duplicates)
    attempts = {name: attempt_key(limits, entries, name) for name in (None, "sound", *entries)}
    by_shard: dict[int, list[ClipTask]] = defaultdict(list)
    kept_split = 0
    for one in found:
        row: Mapping[str, Any] | None = have.get(one.clip_id)
        stale = [ids for ids in done.values() if one.sha256 and ids.get(one.clip_id, one.sha256) != one.sha256]
        if stale or (row is not None and one.sha256 and row["sha256"] != one.sha256):
            plan.changed.append(one.clip_id)
            row = None
        content = row["sha256"] if row else one.sha256
        missing = [n for n in entries if one.clip_id not in done[n] or done[n][one.clip_id] != content]
        split = row["split"] if row else one.clip.split or assign_split(one.clip_id, dataset.meta["split_fractions"])
        kept_split += bool(row and one.clip.split and one.clip.split != row["split"])
        # where one reject no longer holds, everything that was turned away is tried again
        relevant = [r for r in refused[one.clip_id] if r["feature"] in (None, "sound", *entries)]
        standing = not retry_rejects and all(_holds(reject, one, attempts[reject["feature"]]) for reject in relevant)
        gone = {reject["feature"] for reject in relevant} if standing else set()
        known_as = [row] if row is not None else relevant if standing else []
        if one.sha256 and any(not _same_file(known, one.clip) for known in known_as):
            plan.moved[one.clip_id] = one.clip
        if None in gone:
            plan.rejected_before += 1
            continue
        missing = [name for name in missing if name not in gone]
        needs_sound = keep_sound and "sound" not in gone and (row is None or _lacks_sound(dataset, row))
        if not missing and row is not None and not needs_sound:
            continue
        if relevant and not standing:
            plan.stale_rejects.append(one.clip_id)
        task = ClipTask(
            clip_id=one.clip_id,
            uri=one.clip.uri,
            sha256=content,
            size_bytes=one.clip.size_bytes,
            mtime_ns=one.clip.mtime_ns,
            split=split,
            label=one.clip.label,
            text=one.clip.text,
            features=tuple(missing),
            needs_row=row is None,
            needs_sound=needs_sound,
            refused=(one.error.reason, one.error.message) if one.error else None,
        )
        by_shard[shard_of(one.clip_id, dataset.shards)].append(task)
        plan.todo += 1
    now = {files.storable(one.clip.uri): one.clip_id for one in found}
    ids = set(now.values())
    plan.lost_rejects += {r["id"] for r in rejects if r["uri"] in now and r["id"] not in ids}
    if kept_split:
        plan.notes.append(f"{kept_split} clips keep the split recorded earlier, the manifest now says another")
    # small units keep every core busy to the end and lose little to a kill; large ones make few files
    most = clips_per_part or (_CLIPS_PER_PART if plan.todo < _LARGE_JOB else _CLIPS_PER_LARGE_PART)
    size = max(1, min(most, -(-plan.todo // (workers * 8))))
    for shard in sorted(by_shard):
        tasks = sorted(by_shard[shard], key=lambda task: task.clip_id)
        plan.units += [Unit(shard, tuple(tasks[i : i + size])) for i in range(0, len(tasks), size)]
    return plan


def _same_file(row: Mapping[str, Any], clip: InputClip) -> bool:
    """Whether a row was made from the file as it is now, by address, size and time of change."""
    now = (files.storable(clip.uri), clip.size_bytes, clip.mtime_ns)
    return (row["uri"], row["size_bytes"], row["mtime_ns"]) == now


def _holds(reject: Mapping[str, Any], one: Identified, attempt: str) -> bool:
    """Whether a reject still says what would happen: same circumstances, same content."""
    if reject["attempt"] != attempt or reject["reason"] == "content_changed":
        return False
    # without a hash the file could not be read, or had no bytes: it is the same if it looks the same
    return bool(reject["sha256"] == one.sha256 if reject["sha256"] else _same_file(reject, one.clip))


def _lacks_sound(dataset: Dataset, row: Mapping[str, Any]) -> bool:
    if row["streams"]["audio"] is None:
        return False
    return not sound_path(dataset.path, row["sha256"], shard_of(row["id"], dataset.shards)).exists()
