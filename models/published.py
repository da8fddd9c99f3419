"""The registry of published files of weights: what needs which, whether it is here, and having it here.

It is made of the cards in :mod:`models.backbones` and :mod:`models.emotions`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models import backbones, cache, emotions
from models.checkpoint import Checkpoint, file_sha256
from models.download import FIRST_BYTE_S, STALL_S, DownloadError, Progress, download, failed_before


class WeightsError(Exception):
    """The weights that were asked for cannot be had; one line for a person, with what to do."""


def published() -> list[tuple[Checkpoint, list[str]]]:
    """Every published file once, with the names of the networks and scorers that need it."""
    found: dict[str, tuple[Checkpoint, list[str]]] = {}
    cards = [(name, backbones.get(name).checkpoint) for name in backbones.names()]
    cards += [(name, one) for name in emotions.names() for one in emotions.get(name).checkpoints.values()]
    for name, checkpoint in cards:
        found.setdefault(checkpoint.filename, (checkpoint, []))[1].append(name)
    return list(found.values())


def folder(named: str | Path | None) -> Path:
    """Where downloaded weights are kept, below the named cache folder or the usual one."""
    return (Path(named).expanduser() if named else cache.root()) / "weights"


def search(checkpoint: Checkpoint, kept: Path) -> tuple[Path | None, Path | None]:
    """The verified file, and a damaged one that bears its name."""
    damaged = None
    for path in (kept / checkpoint.filename, cache.torch_hub() / checkpoint.filename):
        if path.is_file():
            if checkpoint.matches(file_sha256(path)):
                return path, damaged
            damaged = damaged or path
    return None, damaged


@dataclass(frozen=True)
class Fetcher:
    """Has published files here.

    Parameters
    ----------
    kept: folder for what is downloaded.
    say: takes one line for a person.
    progress: called while a file comes in.
    first_byte_s, stall_s: limits of a download (:mod:`models.download`).
    """

    kept: Path
    say: Callable[[str], object]
    progress: Progress | None = None
    first_byte_s: float = FIRST_BYTE_S
    stall_s: float = STALL_S

    def have(self, checkpoint: Checkpoint, user: str, otherwise: str = "") -> Path:
        """The verified file, fetched if it is not here.

        Parameters
        ----------
        user: what it is for.
        otherwise: what else a person can do if it cannot be had.

        Raises
        ------
        WeightsError: it cannot be had.
        """
        found, damaged = search(checkpoint, self.kept)
        if found:
            return found
        if damaged:
            wanted = checkpoint.sha256
            self.say(f"warning: {damaged} is not the published file (its SHA-256 does not start with {wanted})")
        if not failed_before(checkpoint):
            size = f" ({checkpoint.bytes / 1e6:.3g} MB)" if checkpoint.bytes else ""
            self.say(f"fetching {checkpoint.filename}{size} from {checkpoint.url}")
        limits = {"first_byte_s": self.first_byte_s, "stall_s": self.stall_s}
        try:
            return download(checkpoint, self.kept, progress=self.progress, **limits)
        except DownloadError as error:
            raise WeightsError(
                f"no pretrained weights for {user}: {error}; put {checkpoint.filename} into {self.kept} "
                f"(from {checkpoint.url}){otherwise}"
            ) from error


def in_directory(place: Path, wanted: Sequence[str], user: str) -> Path:
    """The first of the wanted files that a person's folder holds.

    Raises
    ------
    WeightsError: there is no such folder, or it holds none of them.
    """
    if not place.is_dir():
        raise WeightsError(f"no folder {place}: weights are auto, pretrained, random, or a folder that holds them")
    for name in wanted:
        path = (place / name).resolve()
        if path.is_file():
            return path
    raise WeightsError(f"{place} holds no weights for {user}: expected one of {', '.join(wanted)}")
