"""Which weights a network runs with: the published ones, a person's own, or seeded random ones.

:mod:`models.published` finds, fetches and verifies the files. This module needs no torch: tensors are read by
:func:`load_state`, which is called only where a network is built. A scorer of emotions is never random: its numbers
would mean nothing, and they choose the key frames.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import backbones, emotions, random_weights
from models.checkpoint import Checkpoint, file_sha256
from models.download import FIRST_BYTE_S, STALL_S, Progress
from models.emotions.base import Score
from models.published import Fetcher, WeightsError, folder, in_directory, published, search

if TYPE_CHECKING:
    import torch

_log = logging.getLogger("reelscore")

__all__ = [
    "Checkpoint",
    "ScorerWeights",
    "Weights",
    "WeightsError",
    "fetch",
    "listing",
    "load_scorer",
    "load_state",
    "resolve",
    "scorer_files",
]


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


@dataclass(frozen=True)
class ScorerWeights:
    """The files that a scorer of emotions runs with.

    Parameters
    ----------
    scorer: its name.
    source: ``pretrained``, ``directory``, or ``none`` for a scorer that needs no files.
    digest: SHA-256 in hex over the digests of all files and their roles; None without files.
    paths: the files by role.
    published: whether they are the published ones.
    """

    scorer: str
    source: str
    digest: str | None
    paths: Mapping[str, str]
    published: bool

    @property
    def label(self) -> str:
        """For people, for example ``pretrained emotion-ferplus-8.onnx + face_detection_yunet_2023mar.onnx``."""
        if not self.paths:
            return "no weights"
        files = " + ".join(Path(path).name for _, path in sorted(self.paths.items()))
        if self.source == "pretrained":
            return f"pretrained {files}"
        note = "the published files" if self.published else "not the published files"
        return f"directory {Path(next(iter(self.paths.values()))).parent}: {files}, {note}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes."""
        return {**asdict(self), "paths": dict(self.paths)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ScorerWeights:
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
        wanted = (card.checkpoint.filename, f"{backbone}.safetensors", f"{backbone}.pth")
        path = in_directory(Path(choice).expanduser(), wanted, backbone)
        digest = file_sha256(path)
        return Weights(backbone, "directory", digest, str(path), None, card.checkpoint.matches(digest))
    fetcher = Fetcher(folder(cache), say, progress, first_byte_s, stall_s)
    try:
        path = fetcher.have(card.checkpoint, backbone, ", or choose random weights")
    except WeightsError as error:
        if choice == "pretrained":
            raise
        say(f"warning: {backbone} runs with random weights; its features mean nothing ({error})")
        return resolve(backbone, "random", seed=seed)
    return Weights(backbone, "pretrained", file_sha256(path), str(path), None, True)


def scorer_files(
    scorer: str,
    choice: str,
    *,
    cache: str | Path | None = None,
    say: Callable[[str], object] = _log.warning,
    progress: Progress | None = None,
    first_byte_s: float = FIRST_BYTE_S,
    stall_s: float = STALL_S,
) -> ScorerWeights:
    """Decide on the files of a scorer of emotions and have them here.

    Parameters
    ----------
    scorer: its name. One that needs no files has none, whatever the choice.
    choice: ``pretrained`` or ``auto`` (the published files), or a folder that holds each file under its published name
        or as ``<scorer>-<role>.onnx``.
    cache, say, progress, first_byte_s, stall_s: as in :func:`resolve`.

    Raises
    ------
    WeightsError: they cannot be had, or random ones were asked for.
    ValueError: there is no such scorer.
    """
    card = emotions.get(scorer)
    if not card.checkpoints:
        return ScorerWeights(scorer, "none", None, {}, False)
    if choice == "random":
        raise WeightsError(
            f"scorer {scorer} never runs with random weights: its scores would mean nothing; choose pretrained weights "
            f"or a folder, or the scorer {emotions.DEFAULT}, which needs none"
        )
    fetcher = Fetcher(folder(cache), say, progress, first_byte_s, stall_s)
    otherwise = f", or choose the scorer {emotions.DEFAULT}, which needs none"
    paths = {}
    for role, checkpoint in card.checkpoints.items():
        if choice in ("auto", "pretrained"):
            paths[role] = fetcher.have(checkpoint, f"scorer {scorer}", otherwise)
        else:
            wanted = (checkpoint.filename, f"{scorer}-{role}.onnx")
            paths[role] = in_directory(Path(choice).expanduser(), wanted, f"the {role} network of scorer {scorer}")
    digests = {role: file_sha256(path) for role, path in paths.items()}
    theirs = all(card.checkpoints[role].matches(digest) for role, digest in digests.items())
    source = "pretrained" if choice in ("auto", "pretrained") else "directory"
    return ScorerWeights(scorer, source, _over_all(digests), {role: str(path) for role, path in paths.items()}, theirs)


def load_scorer(weights: ScorerWeights) -> Score:
    """What scores pictures, from the files that :func:`scorer_files` decided on.

    Raises
    ------
    WeightsError: a file is gone, has changed since it was chosen, or is not what it should be.
    """
    paths = {role: Path(path) for role, path in weights.paths.items()}
    for role, path in paths.items():
        if not path.is_file():
            raise WeightsError(f"{path} is gone: it was chosen as the {role} network of scorer {weights.scorer}")
    if paths and _over_all({role: file_sha256(path) for role, path in paths.items()}) != weights.digest:
        files = " or ".join(str(path) for path in paths.values())
        raise WeightsError(f"{files} has changed since it was chosen for scorer {weights.scorer}")
    return emotions.get(weights.scorer).load(paths)


def fetch(
    name: str,
    *,
    cache: str | Path | None = None,
    say: Callable[[str], object] = _log.warning,
    progress: Progress | None = None,
    first_byte_s: float = FIRST_BYTE_S,
    stall_s: float = STALL_S,
) -> list[Path]:
    """Have published files here, by the name of what needs them or their own; returns where they are.

    Raises
    ------
    WeightsError: one cannot be had.
    ValueError: the registry knows no such name.
    """
    registry = published()
    found = [one for one, users in registry if name in (*users, one.name, one.filename)]
    if not found:
        known = ", ".join(sorted({user for _, users in registry for user in users}))
        raise ValueError(f"no published weights are called {name!r}; there are: {known}")
    fetcher = Fetcher(folder(cache), say, progress, first_byte_s, stall_s)
    return [fetcher.have(one, name) for one in found]


def listing(*, cache: str | Path | None = None) -> list[dict[str, Any]]:
    """Every published file: ``used_by, name, filename, url, sha256, licence, bytes, about, path``.

    ``used_by`` has the networks and scorers that need the file; ``path`` is where the verified file lies here, None
    where it does not.
    """
    rows = []
    for checkpoint, users in published():
        found, _ = search(checkpoint, folder(cache))
        rows.append({"used_by": users, **asdict(checkpoint), "path": str(found) if found else None})
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


def _over_all(digests: Mapping[str, str]) -> str:
    """One SHA-256 over those of several files by role."""
    lines = "".join(f"{role}:{digest}\n" for role, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
