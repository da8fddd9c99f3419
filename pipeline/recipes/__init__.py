"""Recipes: one YAML file for each published system, read and checked here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

import yaml

from pipeline.errors import UsageError
from pipeline.settings import parse_overrides
from transforms import features
from transforms.card import Value


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
    parameters: feature -> parameter -> value, where the recipe differs from the cards.
    """

    name: str
    about: str
    paper: str
    features: tuple[str, ...]
    indexes: tuple[IndexEntry, ...]
    parameters: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)


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
        parameters=parse_overrides(f"{key}={value}" for key, value in content.get("set", {}).items()),
    )


def load_or_features(text: str) -> Recipe:
    """The recipe of that name, or one made of the features that ``text`` lists, separated by commas.

    Raises
    ------
    UsageError: neither.
    """
    if text in names():
        return load(text)
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in features.names()]
    if unknown or not wanted:
        raise UsageError(
            f"{text!r} is neither a recipe ({', '.join(names())}) nor a list of features; "
            f"not a feature: {', '.join(unknown) or 'nothing is named'}; there are: {', '.join(features.names())}"
        )
    return Recipe(",".join(wanted), "", "", with_inputs(wanted), ())


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
