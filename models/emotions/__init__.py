"""What scores the emotion of a picture: one file each, found by listing this folder.

A file ``<name>.py`` here holds one :class:`~models.emotions.base.Scorer` called ``SCORER`` whose name is the file's. To
add a scorer, add such a file; nothing else changes. ``base.py`` and files that begin with ``_`` are no scorers.
"""

from __future__ import annotations

import functools

from models import registry
from models.emotions.base import Emotion, Score, Scorer

__all__ = ["DEFAULT", "Emotion", "Score", "Scorer", "get", "names"]

#: The scorer that needs no weights.
DEFAULT = "colour"


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all scorers, sorted."""
    return registry.listed(__path__)


@functools.cache
def get(name: str) -> Scorer:
    """The card of one scorer.

    Raises
    ------
    ValueError: there is none of that name.
    """
    return registry.card(__name__, __path__, name, Scorer, "scorer")
