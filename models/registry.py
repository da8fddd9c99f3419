"""Cards that are found by listing a folder: a file holds one, under the upper-case name of its kind."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Protocol, TypeVar


class _Named(Protocol):
    @property
    def name(self) -> str: ...


C = TypeVar("C", bound=_Named)


def listed(folder: Iterable[str]) -> tuple[str, ...]:
    """The names of the files of a package that hold a card, sorted: all but ``base.py`` and those that begin with _."""
    found = (module.name for module in pkgutil.iter_modules(folder))
    return tuple(sorted(name for name in found if name != "base" and not name.startswith("_")))


def card(package: str, folder: Iterable[str], name: str, kind: type[C], called: str) -> C:
    """The card of that name.

    Parameters
    ----------
    package, folder: ``__name__`` and ``__path__`` of the package that holds the files.
    kind: what a card is; ``called``: what it is called, in lower case.

    Raises
    ------
    ValueError: there is none of that name, or its file holds none.
    """
    names = listed(folder)
    if name not in names:
        raise ValueError(f"no {called} is called {name!r}; there are: {', '.join(names)}")
    found = getattr(importlib.import_module(f"{package}.{name}"), called.upper())
    if not isinstance(found, kind) or found.name != name:
        file, wanted = f"{package.replace('.', '/')}/{name}.py", kind.__name__
        raise ValueError(f"{file} must hold a {wanted} called {called.upper()} whose name is {name!r}")
    return found
