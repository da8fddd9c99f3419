"""Recipes: one YAML file for each published system, read and checked here."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import yaml

from pipeline.errors import UsageError
from transforms import features


@dataclass(frozen=True)
class IndexEntry:
    """An index that a recipe builds: its name, the clip-level feature in it, and the metric."""

    name: str
    feature: str
    metric: str


@dataclass(frozen=True)
class Recipe:
    """A published system as features and indexes.

    Attributes
    ----------
    features: names in an order in which every derivation follows its input.
    """

    name: str
    about: str
    paper: str
    features: tuple[str, ...]
    indexes: tuple[IndexEntry, ...]


def names() -> list[str]:
    """Names of the recipes that come with the program."""
    return sorted(p.name.removesuffix(".yaml") for p in resources.files(__name__).iterdir() if p.name.endswith(".yaml"))


def load(name: str) -> Recipe:
    """The recipe of that name.

    Raises
    ------
    UsageError: unknown recipe; the message lists those that exist.
    """
    if name not in names():
        raise UsageError(f"no recipe is called {name!r}; there are: {', '.join(names())}")
    content = yaml.safe_load((resources.files(__name__) / f"{name}.yaml").read_text())
    return Recipe(
        name=name,
        about=content["about"],
        paper=content["paper"],
        features=with_inputs(content["features"]),
        indexes=tuple(IndexEntry(**entry) for entry in content.get("indexes", [])),
    )


def with_inputs(wanted: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Features with everything that they are derived from, inputs first.

    Raises
    ------
    UsageError: an unknown feature.
    """
    ordered: list[str] = []

    def add(name: str) -> None:
        try:
            card = features.get(name).card
        except features.UnknownFeatureError as error:
            raise UsageError(error.args[0]) from None
        if card.input is not None:
            add(card.input)
        if name not in ordered:
            ordered.append(name)

    for name in wanted:
        add(name)
    return tuple(ordered)
