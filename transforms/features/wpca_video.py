"""``wpca_video``: one vector a clip: the WPCA statistics, globally normalised, reduced by PCA, of unit length."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Derivation, Parameters, ProjectionSpec
from transforms.projections import Projection

CARD = Card(
    name="wpca_video",
    version=1,
    about="the clip's picture as one unit vector: normalised WPCA statistics after PCA",
    paper="VM-NET (arXiv 1704.06761), section 'video features'; YouTube-8M, video-level features",
    layout="clip",
    dims=None,
    dtype="float32",
    unit="1",
    hop_s=None,
    tolerance=1e-2,
    input="wpca_stats",
    parameters={
        "dims": Parameter(1024, "paper", "components kept", minimum=1),
        "rows": Parameter(100_000, "ours", "training clips that the PCA is fitted on, chosen by hash", minimum=2),
        "normalise": Parameter("mean", "review", "global normalisation subtracts the training mean", choices=("mean",)),
        "epsilon": Parameter(0.0, "ours", "no whitening: neither paper nor code say so", choices=(0.0,)),
    },
)


def compute(
    values: np.ndarray, mask: np.ndarray | None, projection: Projection | None, parameters: Parameters
) -> np.ndarray:
    """float32 [7 d] -> float32 [D] of Euclidean length 1 (all 0 for a clip that equals the training mean)."""
    assert projection is not None
    reduced = projection.apply(values[None])[0]
    length = float(np.linalg.norm(reduced.astype(np.float64)))
    return reduced if length == 0 else (reduced / np.float32(length)).astype(np.float32)


FEATURE = Derivation(CARD, compute, ProjectionSpec(whiten=False))
