"""Which weights a network runs with: the published ones, a person's own, or seeded random ones.

The registry of published files is made of the cards in :mod:`models.backbones`; this module finds, fetches and verifies
the files. It needs no torch: tensors are read by :func:`load_state`, which is called only where a network is built.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import backbones, cache, random_weights
from models.backbones.base import Backbone
from models.checkpoint import Checkpoint, file_sha256
from models.download import FIRST_BYTE_S, STALL_S, DownloadError, Progress, download, failed_before

if TYPE_CHECKING:
    import torch

_log = logging.getLogger("reelscore")

__all__ = ["Checkpoint", "Weights", "WeightsError", "fetch", "listing", "load_state", "resolve"]


class WeightsError(Exception):
    """The weights that were asked for cannot be had; one line for a person, with what to do."""


@dataclass(frozen=True)
class Weights:
    """The weights that a network runs with.

    Parameters
    ----------
    backbone: name of the network.
    source: ``pretrained``, ``random`` or ``directory``.
    digest: SHA-256 in hex of the file; of recipe, network and seed where they are random.
    path: the file, None where they are random.
    seed: None unless they are random.
    published: whether the file is the published checkpoint.
    """

    backbone: str
    source: str
    digest: str
    path: str | None
    seed: int | None
    published: bool

    @property
    def label(self) -> str:
        """For people, for example ``pretrained inception_v3_google-0cc3c7bd.pth`` or ``random (seed 0)``."""
        if self.path is None:
            return f"random (seed {self.seed})"
        if self.source == "pretrained":
            return f"pretrained {Path(self.path).name}"
        note = "the published checkpoint" if self.published else "not the published checkpoint"
        return f"directory {self.path}, {note}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Weights:
        """The inverse of :meth:`to_dict`."""
        return cls(**values)


def resolve(
    backbone: str,
    choice: str,
    *,
    cache: str | Path | None = None,
    say: Callable[[str], object] = _log.warning,
    progress: Progress | None = None,
    seed: int = 0,
    first_byte_s: float = FIRST_BYTE_S,
    stall_s: float = STALL_S,
) -> Weights:
    """Decide on the weights of a network and have their file here.

    Parameters
    ----------
    backbone: name of the network.
    choice: ``pretrained``, ``random``, ``auto`` (pretrained where it can be had, else random with a warning), or a
        folder that holds the file under its published name, ``<backbone>.safetensors`` or ``<backbone>.pth``.
    cache: folder for what is downloaded; by default as :mod:`models.cache` says.
    say: takes one line for a person: warnings, and what is being fetched; by default the log.
    progress: called while a file comes in.
    seed: of random weights.
    first_byte_s, stall_s: limits of a download (:mod:`models.download`).

    Raises
    ------
    WeightsError: what was asked for cannot be had.
    ValueError: there is no such network.
    """
    card = backbones.get(backbone)
    if choice == "random":
        return Weights(backbone, "random", random_weights.digest(backbone, seed), None, seed, False)
    if choice not in ("auto", "pretrained"):
        return _from_directory(card, Path(choice).expanduser())
    try:
        path = _published_file(card, _folder(cache), say, progress, first_byte_s, stall_s)
    except WeightsError as error:
        if choice == "pretrained":
            raise
        say(f"warning: {backbone} runs with random weights; its features mean nothing ({error})")
        return resolve(backbone, "random", seed=seed)
    return Weights(backbone, "pretrained", file_sha256(path), str(path), None, True)


def fetch(
    name: str,
    *,
    cache: str | Path | None = None,
    say: Callable[[str], object] = _log.warning,
    progress: Progress | None = None,
    first_byte_s: float = FIRST_BYTE_S,
    stall_s: float = STALL_S,
) -> Path:
    """Have a published file here, by the name of its network or its own; returns where it is.

    Raises
    ------
    WeightsError: it cannot be had.
    ValueError: the registry knows no such name.
    """
    for backbone in backbones.names():
        card = backbones.get(backbone)
        if name in (backbone, card.checkpoint.name, card.checkpoint.filename):
            return _published_file(card, _folder(cache), say, progress, first_byte_s, stall_s)
    known = ", ".join(backbones.names())
    raise ValueError(f"no published weights are called {name!r}; there are: {known}")


def listing(*, cache: str | Path | None = None) -> list[dict[str, Any]]:
    """Every published file: ``backbone, name, filename, url, sha256, licence, bytes, about, path``.

    ``path`` is where the verified file lies here, None where it does not.
    """
    rows = []
    for backbone in backbones.names():
        checkpoint = backbones.get(backbone).checkpoint
        found, _ = _search(checkpoint, _folder(cache))
        rows.append({"backbone": backbone, **asdict(checkpoint), "path": str(found) if found else None})
    return rows


def load_state(weights: Weights) -> dict[str, torch.Tensor]:
    """The tensors of a weights file by name (:meth:`models.backbones.base.Backbone.build` takes them).

    Raises
    ------
    WeightsError: the file is gone, has changed since it was resolved, or holds no plain tensors.
    """
    if weights.path is None:
        if weights.seed is None:
            raise ValueError("weights without a path need a seed")
        return random_weights.state(backbones.get(weights.backbone).network(), weights.seed)
    path = Path(weights.path)
    if not path.is_file():
        raise WeightsError(f"{path} is gone: it was chosen as the weights of {weights.backbone}")
    if file_sha256(path) != weights.digest:
        raise WeightsError(f"{path} has changed since it was chosen as the weights of {weights.backbone}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        import torch

        # weights_only: a pickle from elsewhere must not run code.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path} cannot be read as weights: {' '.join(str(error).split())[:300]}") from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds {type(state).__name__}, expected a dictionary of tensors")
    return state


def _folder(named: str | Path | None) -> Path:
    return (Path(named).expanduser() if named else cache.root()) / "weights"


def _search(checkpoint: Checkpoint, folder: Path) -> tuple[Path | None, Path | None]:
    """The verified file, and a damaged one that bears its name."""
    damaged = None
    for path in (folder / checkpoint.filename, cache.torch_hub() / checkpoint.filename):
        if path.is_file():
            if checkpoint.matches(file_sha256(path)):
                return path, damaged
            damaged = damaged or path
    return None, damaged


def _published_file(
    card: Backbone,
    folder: Path,
    say: Callable[[str], object],
    progress: Progress | None,
    first_byte_s: float,
    stall_s: float,
) -> Path:
    checkpoint = card.checkpoint
    found, damaged = _search(checkpoint, folder)
    if found:
        return found
    if damaged:
        say(f"warning: {damaged} is not the published file (its SHA-256 does not start with {checkpoint.sha256})")
    if not failed_before(checkpoint):
        size = f" ({checkpoint.bytes / 1e6:.0f} MB)" if checkpoint.bytes else ""
        say(f"fetching {checkpoint.filename}{size} from {checkpoint.url}")
    try:
        return download(checkpoint, folder, progress=progress, first_byte_s=first_byte_s, stall_s=stall_s)
    except DownloadError as error:
        raise WeightsError(
            f"no pretrained weights for {card.name}: {error}; put {checkpoint.filename} into {folder} "
            f"(from {checkpoint.url}), or choose random weights"
        ) from error


def _from_directory(card: Backbone, folder: Path) -> Weights:
    if not folder.is_dir():
        raise WeightsError(f"no folder {folder}: weights are auto, pretrained, random, or a folder that holds them")
    wanted = (card.checkpoint.filename, f"{card.name}.safetensors", f"{card.name}.pth")
    for name in wanted:
        path = (folder / name).resolve()
        if path.is_file():
            digest = file_sha256(path)
            return Weights(card.name, "directory", digest, str(path), None, card.checkpoint.matches(digest))
    raise WeightsError(f"{folder} holds no weights for {card.name}: expected one of {', '.join(wanted)}")
