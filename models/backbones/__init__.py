"""The frozen networks: one file each, found by listing this folder.

A file ``<name>.py`` here holds one :class:`~models.backbones.base.Backbone` called ``BACKBONE`` whose name is the
file's. To add a network, add such a file; nothing else changes.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from models.backbones.base import Backbone

__all__ = ["Backbone", "get", "names"]


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all networks, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "base"))


@functools.cache
def get(name: str) -> Backbone:
    """The card of one network.

    Raises
    ------
    ValueError: there is none of that name.
    """
    if name not in names():
        raise ValueError(f"no backbone is called {name!r}; there are: {', '.join(names())}")
    card = importlib.import_module(f"{__name__}.{name}").BACKBONE
    if not isinstance(card, Backbone) or card.name != name:
        raise ValueError(f"models/backbones/{name}.py must hold a Backbone called BACKBONE whose name is {name!r}")
    return card
