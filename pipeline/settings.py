"""What a person can set for a job, apart from input, output and recipe. Plain data: it travels to the workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipeline.errors import UsageError
from transforms import features
from transforms.card import Value
from transforms.decoding import Limits


def default_workers() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """Options of the steps of a job.

    Attributes
    ----------
    overrides: feature -> parameter -> value, where it differs from the card's default.
    weights: ``auto``, ``pretrained``, ``random`` or a folder.
    backend, device, batch: how networks run; none of them changes a value by more than the card's tolerance.
    workers: decoder processes, and threads of the network on a CPU.
    clips_per_part: most clips in a file; at most so many are lost when a job is killed. None: as planning sees fit.
    """

    overrides: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    weights: str = "auto"
    backend: str = "auto"
    device: str = "auto"
    batch: int = 32
    workers: int = field(default_factory=default_workers)
    limits: Limits = field(default_factory=Limits)
    keep_sound: bool = False
    retry_rejects: bool = False
    refit: bool = False
    clips_per_part: int | None = None

    def parameters(self, feature: str) -> dict[str, Value]:
        """All parameters of a feature: the card's defaults, then what was set, for what it follows or for itself."""
        card = features.get(feature).card
        known, given = card.known(), dict[str, Value]()
        for name in (*card.follows, feature):
            given |= {key: value for key, value in self.overrides.get(name, {}).items() if key in known}
        return card.values(given)

    def over(self, base: Mapping[str, Mapping[str, Value]]) -> Settings:
        """These settings, with a recipe's parameters where a person has set none."""
        merged = {name: {**base.get(name, {}), **self.overrides.get(name, {})} for name in {*base, *self.overrides}}
        return replace(self, overrides=merged)


def parse_overrides(assignments: Iterable[str]) -> dict[str, dict[str, Value]]:
    """``["inception.max_s=300"]`` as ``{"inception": {"max_s": 300.0}}``, checked against the cards.

    Raises
    ------
    UsageError: unknown feature or parameter, or a value of the wrong kind.
    """
    found: dict[str, dict[str, Value]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        feature, dot, parameter = name.partition(".")
        if not equals or not dot:
            raise UsageError(f"--set {assignment}: expected FEATURE.PARAMETER=VALUE, such as inception.max_s=300")
        try:
            known = features.get(feature).card.known()
        except features.UnknownFeatureError as error:
            raise UsageError(f"--set {assignment}: {error.args[0]}") from None
        if parameter not in known:
            has = ", ".join(sorted(known)) or "none"
            raise UsageError(f"--set {assignment}: {feature} has no parameter {parameter!r}; it has: {has}")
        try:
            found.setdefault(feature, {})[parameter] = known[parameter].parse(name, text)
        except ValueError as error:
            raise UsageError(f"--set {error}") from None
    return found
