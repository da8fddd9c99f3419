"""The command line sets up logging, warnings and an environment variable; a test leaves no trace of that."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("REELSCORE_VERBOSE", "")
    beam = logging.getLogger("apache_beam")
    level, handlers = beam.level, list(logging.root.handlers)
    with warnings.catch_warnings():
        yield
    beam.setLevel(level)
    logging.root.handlers = handlers
