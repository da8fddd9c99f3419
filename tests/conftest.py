"""Fixtures shared by all tests: where real media lies, and small clips made on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real clips that REELSCORE_MEDIA names; the test is skipped where it is not set."""
    root = os.environ.get("REELSCORE_MEDIA")
    if not root or not (Path(root) / "MANIFEST.csv").is_file():
        pytest.skip("REELSCORE_MEDIA does not name the folder of real test media")
    return Path(root).resolve()
