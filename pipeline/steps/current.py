"""Making an entry the current one of its feature, or a feature no longer one of the dataset."""

from __future__ import annotations

import shutil
from typing import Any

from pipeline import entries
from pipeline.index_files import index_folder
from pipeline.steps.report import Report, Say
from pipeline.store import Dataset


def make_current(dataset: Dataset, name: str, entry: dict[str, Any], report: Report, say: Say) -> None:
    """Put an entry into dataset.json; values under another fingerprint are set aside."""
    before = dataset.meta["features"].get(name)
    aside = dataset.settle(name, entry["fingerprint"])
    if aside and before and before["fingerprint"] != entry["fingerprint"]:
        changed = _difference(before, entry)
        report.note(f"{name}: {changed} changed; values under the old one are set aside", say)
    dataset.meta["features"][name] = entry


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What is new in an entry, for people."""
    old, new = entries.parameters_of(before), entries.parameters_of(after)
    changed = [f"{key} ({old.get(key)} -> {new[key]})" for key in new if new[key] != old.get(key)]
    if before["version"] != after["version"]:
        changed.append(f"version ({before['version']} -> {after['version']})")
    if before.get("weights_label") != after.get("weights_label"):
        changed.append(f"weights ({before.get('weights_label')} -> {after.get('weights_label')})")
    return ", ".join(changed) or "what it is computed from"


def retire(dataset: Dataset, name: str) -> None:
    """Take a feature that can no longer be computed, and all that is derived from it, out of the dataset.

    Its values are set aside and come back with the same fingerprint. An index over it goes; it is quickly built again.
    """
    for known in [n for n, entry in dataset.meta["features"].items() if entry["input"] == name]:
        retire(dataset, known)
    if dataset.meta["features"].pop(name, None) is not None:
        dataset.settle(name, "none")
        for index in [key for key, known in dataset.meta["indexes"].items() if known["feature"] == name]:
            del dataset.meta["indexes"][index]
            shutil.rmtree(index_folder(dataset, index), ignore_errors=True)
