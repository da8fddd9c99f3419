"""``wpca_stats``: mean, standard deviation and the five largest values of each WPCA dimension over a clip."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Derivation, Parameters
from transforms.projections import Projection
from transforms.video_statistics import video_statistics

CARD = Card(
    name="wpca_stats",
    version=1,
    about="mean, standard deviation and top-5 of the WPCA frames: 7 values a dimension (7168 of 1024)",
    paper="YouTube-8M (arXiv 1609.08675), video-level features; VM-NET, section 'video features'",
    layout="clip",
    dims=None,
    dtype="float32",
    unit="standard deviations of the training frames",
    hop_s=None,
    tolerance=1e-2,
    input="wpca",
    parameters={
        "top": Parameter(5, "paper", "ordinal statistics a dimension", choices=(5,)),
        "short": Parameter(
            "repeat", "ours", "clips of fewer than five frames repeat the smallest", choices=("repeat",)
        ),
    },
)


def compute(
    values: np.ndarray, mask: np.ndarray | None, projection: Projection | None, parameters: Parameters
) -> np.ndarray:
    """float32 [n, d] and mask [n] -> float32 [7 d]: mean, standard deviation, then the five largest, descending."""
    assert mask is not None
    return video_statistics(values, mask)


def dims(frame_dims: int) -> int:
    """Seven values for each dimension of a frame."""
    return 7 * frame_dims


FEATURE = Derivation(CARD, compute, dims=dims)
