"""What scores the emotion of a picture: one file each, found by listing this folder.

A file ``<name>.py`` here holds one :class:`~models.emotions.base.Scorer` called ``SCORER`` whose name is the file's. To
add a scorer, add such a file; nothing else changes. ``base.py`` and files that begin with ``_`` are no scorers.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil

from models.emotions.base import Emotion, Score, Scorer

__all__ = ["DEFAULT", "Emotion", "Score", "Scorer", "get", "names"]

#: The scorer that needs no weights.
DEFAULT = "colour"


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all scorers, sorted."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name != "base" and not name.startswith("_")))


@functools.cache
def get(name: str) -> Scorer:
    """The card of one scorer.

    Raises
    ------
    ValueError: there is none of that name.
    """
    if name not in names():
        raise ValueError(f"no scorer is called {name!r}; there are: {', '.join(names())}")
    card = importlib.import_module(f"{__name__}.{name}").SCORER
    if not isinstance(card, Scorer) or card.name != name:
        raise ValueError(f"models/emotions/{name}.py must hold a Scorer called SCORER whose name is {name!r}")
    return card
