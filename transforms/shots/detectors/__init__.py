"""The shot detectors: one file each, found by listing this folder.

A file ``<name>.py`` here holds a function ``make(view)`` that returns a :class:`~transforms.shots.detector.Detector`
with the view's parameters. To add a method, add such a file; nothing else changes.
"""

from __future__ import annotations

import importlib
import pkgutil

from transforms.shots.detector import Detector
from transforms.views import ShotView

__all__ = ["METHODS", "make"]

#: The names of all methods, sorted.
METHODS: tuple[str, ...] = tuple(
    sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
)


def make(view: ShotView) -> Detector:
    """A fresh detector for one clip.

    Raises
    ------
    ValueError: there is no method of that name.
    """
    if view.method not in METHODS:
        raise ValueError(f"unknown shot method {view.method!r}; there are: {', '.join(METHODS)}")
    detector: Detector = importlib.import_module(f"{__name__}.{view.method}").make(view)
    return detector
