"""Where files live that can be had again: downloaded weights and converted networks."""

from __future__ import annotations

import os
from pathlib import Path


def root() -> Path:
    """The cache folder: ``REELSCORE_CACHE``, else ``reelscore`` in the user's cache folder (XDG). It may not exist."""
    named = os.environ.get("REELSCORE_CACHE")
    if named:
        return Path(named).expanduser()
    return _user_cache() / "reelscore"


def torch_hub() -> Path:
    """Where torch's own downloads are kept, so that a file that is already here is not fetched again."""
    home = os.environ.get("TORCH_HOME")
    return (Path(home).expanduser() if home else _user_cache() / "torch") / "hub" / "checkpoints"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base).expanduser() if base else Path.home() / ".cache"
