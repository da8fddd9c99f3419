"""The features: one file each, with its card. A new file in this folder that defines ``FEATURE`` is found by itself."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from transforms.features.base import (
    Derivation,
    Extractor,
    Feature,
    NetworkExtractor,
    ProjectionSpec,
    ShotExtractor,
    SoundExtractor,
    UnknownFeatureError,
)

__all__ = [
    "Derivation",
    "Extractor",
    "Feature",
    "NetworkExtractor",
    "ProjectionSpec",
    "ShotExtractor",
    "SoundExtractor",
    "UnknownFeatureError",
    "get",
    "names",
]


@functools.cache
def _registry() -> dict[str, Feature]:
    found: dict[str, Feature] = {}
    for module in pkgutil.iter_modules(__path__):
        feature = getattr(importlib.import_module(f"{__name__}.{module.name}"), "FEATURE", None)
        if feature is not None:
            found[feature.card.name] = feature
    return found


def names() -> list[str]:
    """Names of all features, sorted."""
    return sorted(_registry())


def get(name: str) -> Feature:
    """The feature of that name.

    Raises
    ------
    UnknownFeatureError: there is none; the message lists those that exist.
    """
    try:
        return _registry()[name]
    except KeyError:
        raise UnknownFeatureError(f"no feature is called {name!r}; there are: {', '.join(names())}") from None
