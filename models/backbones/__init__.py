"""The frozen networks: one file each, found by listing this folder.

A file ``<name>.py`` here holds one :class:`~models.backbones.base.Backbone` called ``BACKBONE`` whose name is the
file's. To add a network, add such a file; nothing else changes.
"""

from __future__ import annotations

import functools

from models import registry
from models.backbones.base import Backbone

__all__ = ["Backbone", "get", "names"]


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all networks, sorted."""
    return registry.listed(__path__)


@functools.cache
def get(name: str) -> Backbone:
    """The card of one network.

    Raises
    ------
    ValueError: there is none of that name.
    """
    return registry.card(__name__, __path__, name, Backbone, "backbone")
