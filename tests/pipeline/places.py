"""Where planning is tried out: a folder of stand-ins for videos, and a dataset that an extraction would have left."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from building import (
    FRACTIONS,
    add_clips,
    add_feature,
    add_rejects,
    clip_row,
    feature_row,
    inception_entry,
    reject_row,
    sequence,
)

from pipeline.inputs import InputClip, files
from pipeline.planning import ClipTask, ExtractionPlan, plan_extraction
from pipeline.store import Dataset
from transforms.decoding import Limits


class Place:
    """A folder of stand-ins for videos, and a dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dataset = Dataset.create(folder / "set", 4, FRACTIONS)
        self.entries = {"inception": inception_entry()}

    def clip(self, name: str, content: str | None = None, **given: Any) -> InputClip:
        """A file (written where ``content`` is given) as the input names it."""
        path = self.folder / name
        if content is not None:
            path.write_text(content)
        size, mtime = files.stat(str(path))
        return InputClip(str(path), size_bytes=size, mtime_ns=mtime, **given)

    def plan(self, clips: list[InputClip], **options: Any) -> ExtractionPlan:
        given: dict[str, Any] = {"workers": 2, "clips_per_part": 32, "limits": Limits(), "entries": self.entries}
        return plan_extraction(clips, self.dataset, **(given | options))

    def carry_out(
        self, plan: ExtractionPlan, reject: dict[str, str] | None = None, audio: dict[str, Any] | None = None
    ) -> None:
        """What an extraction leaves behind: rows for all tasks, but rejects for those in ``reject`` (id -> reason) and
        for those that planning could not read. ``audio`` is the sound stream of the clips."""
        self.dataset.drop(plan.changed)
        self.dataset.drop_rejects(plan.stale_rejects, [None, "sound", *self.entries])
        self.dataset.drop_rejects(plan.lost_rejects)
        self.dataset.relocate({i: (clip.uri, clip.size_bytes, clip.mtime_ns) for i, clip in plan.moved.items()})
        for task in tasks_of(plan):
            sha256 = task.sha256 or ("" if task.refused else sha(Path(task.uri).read_text()))
            same = {"sha256": sha256, "uri": task.uri, "size_bytes": task.size_bytes, "mtime_ns": task.mtime_ns}
            reason = task.refused[0] if task.refused else (reject or {}).get(task.clip_id)
            if reason:
                add_rejects(self.dataset, [reject_row(task.clip_id, **same, attempt=plan.attempt, reason=reason)])
                continue
            if task.needs_row:
                streams = {"video": None, "audio": audio, "video_streams": 1, "audio_streams": int(audio is not None)}
                add_clips(self.dataset, [clip_row(task.clip_id, **same, split=task.split, streams=streams)])
            for name in task.features:
                row = feature_row(task.clip_id, sequence(task.clip_id), sha256=sha256)
                add_feature(self.dataset, self.entries[name], [row])


def sha(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def tasks_of(plan: ExtractionPlan) -> list[ClipTask]:
    return [task for unit in plan.units for task in unit.tasks]


def counts(plan: ExtractionPlan) -> tuple[int, int, int, int]:
    return plan.clips, plan.todo, plan.rejected_before, plan.duplicates
