"""What a feature is: an extractor reads a view of the clip (pictures, sound, shots), a derivation another feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.emotions.base import Score
from transforms.card import Card, Value
from transforms.projections import Projection
from transforms.views import FrameView, Shots, ShotView, Sound, SoundView

Parameters = Mapping[str, Value]


class UnknownFeatureError(LookupError):
    """No feature of that name is registered."""


@dataclass(frozen=True)
class NetworkExtractor:
    """A frozen network over the pictures of a view, batched across clips.

    Attributes
    ----------
    backbone: name in :mod:`models.backbones`.
    view: the view that the network looks at, given the parameters.
    """

    card: Card
    backbone: str
    view: Callable[[Parameters], FrameView]


@dataclass(frozen=True)
class Rows:
    """What an extractor without a network gives.

    Attributes
    ----------
    values: float32 [n, D] for a sequence, [D] for a clip-level feature; uint8 where the card says so.
    start_s: where row 0 lies on the clip's timeline.
    times_s: float64 [n], where each row of a sequence lies on the timeline.
    mask: bool [n], False where the row holds nothing: no sound, nothing to score.
    columns: [n] each, by the names of the card's columns.
    """

    values: np.ndarray
    start_s: float = 0.0
    times_s: np.ndarray | None = None
    mask: np.ndarray | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SoundExtractor:
    """A function of a clip's sound.

    Attributes
    ----------
    view: what it listens to, given the parameters.
    compute: (sound, duration of the clip in seconds, parameters) -> rows. ValueError: this sound gives no value.
    dims, hop_s: from the parameters, where the card's are only those of the defaults.
    warm: compiles what has to be compiled, once a machine; called before workers start.
    """

    card: Card
    view: Callable[[Parameters], SoundView]
    compute: Callable[[Sound, float, Parameters], Rows]
    dims: Callable[[Parameters], int] | None = None
    hop_s: Callable[[Parameters], float] | None = None
    warm: Callable[[], None] | None = None


@dataclass(frozen=True)
class ShotExtractor:
    """A function of a clip's shots and of the pictures that stand for them.

    Attributes
    ----------
    view: how the clip is cut, given the parameters.
    compute: (shots, parameters, what scores a picture) -> rows.
    scorer: name in :mod:`models.emotions`, given the parameters; None: nothing is scored.
    dims: from the parameters, where the card's are only those of the defaults.
    """

    card: Card
    view: Callable[[Parameters], ShotView]
    compute: Callable[[Shots, Parameters, Score | None], Rows]
    scorer: Callable[[Parameters], str] | None = None
    dims: Callable[[Parameters], int] | None = None

    @staticmethod
    def warm() -> None:
        """Compile what cuts a clip into shots, once a machine; called before workers start."""
        from transforms.shots.warming import warm

        warm()


Extractor = NetworkExtractor | SoundExtractor | ShotExtractor


@dataclass(frozen=True)
class ProjectionSpec:
    """What ``fit`` learns for a derivation, over the training split of its input feature.

    The card's parameters ``dims``, ``epsilon`` and ``rows`` (size of the sample; the rows with the smallest hash are
    taken) belong to it as well.
    """

    whiten: bool


@dataclass(frozen=True)
class Derivation:
    """A feature computed from another one of the same clip.

    Attributes
    ----------
    compute: (values, mask, projection, parameters) -> values. ``values`` is float32 [n, D] with ``mask`` bool [n] for a
        sequence, float32 [D] with mask None for a clip-level input.
    projection: what has to be fitted first, or None.
    dims: length of a vector from that of an input vector, where neither the card nor the projection says it.
    """

    card: Card
    compute: Callable[[np.ndarray, np.ndarray | None, Projection | None, Parameters], np.ndarray]
    projection: ProjectionSpec | None = None
    dims: Callable[[int], int] | None = None


Feature = Extractor | Derivation
