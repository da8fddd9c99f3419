"""What is known of a published file of weights: where it is, under which licence, and how to tell it from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """One published file of weights.

    Parameters
    ----------
    name: short name of the training run that made it.
    filename: the name under which the publisher offers it; the cache keeps it.
    url: where it is published.
    sha256: its SHA-256 in hex, or the leading digits where the publisher states no more (torchvision: eight, in the
        file's name).
    licence: what the publisher says of its use.
    bytes: its size, None where unknown.
    about: what it was trained on, and where that is described.
    """

    name: str
    filename: str
    url: str
    sha256: str
    licence: str
    bytes: int | None
    about: str

    def matches(self, digest: str) -> bool:
        """Whether a file with this full SHA-256 is the published one, as far as the publisher lets us know."""
        return digest.startswith(self.sha256)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
