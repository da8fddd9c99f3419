"""The step that builds FAISS indexes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from pipeline.errors import JobError, UsageError
from pipeline.index_files import check_feature, content_of, describe, is_current
from pipeline.indexing.build import IndexSpec
from pipeline.recipes import IndexEntry
from pipeline.steps.report import Report, Say
from pipeline.store import Dataset

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def build_indexes(
    dataset: Dataset,
    wanted: Sequence[IndexEntry],
    options: dict[str, Any] | None,
    beam: Sequence[str],
    report: Report,
    say: Say,
) -> None:
    """Build the indexes in ``wanted`` that are missing or no longer what the dataset holds.

    Parameters
    ----------
    options: fields of :class:`pipeline.indexing.build.IndexSpec` other than the metric; None keeps those that the index
        was built with before (or takes the defaults).

    Raises
    ------
    UsageError: the feature cannot be indexed, or the options make no sense.
    JobError: it cannot be built or written.
    """
    for entry in wanted:
        check_feature(dataset, entry.feature)
        if not _NAME.fullmatch(entry.name):
            raise UsageError(f"index name {entry.name!r}: expected letters, digits, '.', '_' and '-', no dot in front")
        try:
            spec = _spec_before(dataset, entry.name) if options is None else None
            spec = spec or IndexSpec(metric=entry.metric, **(options or {}))
        except ValueError as error:
            raise UsageError(str(error)) from None
        content, clips = content_of(dataset, entry.feature, spec)
        if not clips:
            continue
        if is_current(dataset, entry.name, content):
            # a run that was killed may have written the index and not have listed it
            _list(dataset, entry.name)
            continue
        from pipeline.jobs.index import build_index

        began = time.monotonic()
        build_index(dataset, entry.name, entry.feature, spec, content, beam)
        report.seconds["index"] = round(report.seconds.get("index", 0.0) + time.monotonic() - began, 3)
        description = _list(dataset, entry.name)
        recall = description["recall_at_10"]["value"]
        measured = f", recall@10 {recall:.3f}" if recall is not None else ""
        say(f"index {entry.name}: {clips} clips by {entry.feature} ({description['build']['kind']}{measured})")
        for line in description["build"]["messages"]:
            report.note(f"index {entry.name}: {line}", say)


def _list(dataset: Dataset, name: str) -> dict[str, Any]:
    """Name an index in dataset.json, if it is not there yet; returns its description."""
    description = describe(dataset, name)
    assert description is not None
    listed = {key: description[key] for key in ("feature", "fingerprint", "metric")}
    if dataset.meta["indexes"].get(name) != listed:
        dataset.meta["indexes"][name] = listed
        dataset.save()
    return description


def _spec_before(dataset: Dataset, name: str) -> IndexSpec | None:
    """What an index was built with; None where there is none, or its description is damaged."""
    try:
        known = describe(dataset, name)
    except JobError:
        return None
    return IndexSpec(**known["spec"]) if known else None
