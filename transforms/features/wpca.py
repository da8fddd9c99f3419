"""``wpca``: Inception frames, centred, rotated to their principal axes and whitened, as in YouTube-8M."""

from __future__ import annotations

import numpy as np

from transforms.card import Card, Parameter
from transforms.features.base import Derivation, Parameters, ProjectionSpec
from transforms.projections import Projection
from transforms.youtube8m import quantise

CARD = Card(
    name="wpca",
    version=1,
    about="whitened principal components of the Inception frames",
    paper="YouTube-8M feature_extractor.py; VM-NET (arXiv 1704.06761), section 'video features'",
    layout="sequence",
    dims=None,
    dtype="float16",
    unit="standard deviations of the training frames",
    hop_s=1.0,
    one_second_grid=True,
    # the float16 rounding of the input, magnified by 1 / sqrt(eigenvalue + epsilon)
    tolerance=1e-2,
    input="inception",
    parameters={
        "dims": Parameter(1024, "paper", "components kept", minimum=1),
        "epsilon": Parameter(1e-4, "code", "added to the eigenvalue, inside the square root", minimum=0),
        "rows": Parameter(
            200_000, "ours", "training frames that the projection is fitted on, chosen by hash", minimum=2
        ),
        "quantiser": Parameter(
            "none",
            "code",
            "YouTube-8M's 8 bits over [-2, 2]: round (its Python code) or truncate (MediaPipe)",
            ("none", "round", "truncate"),
        ),
    },
)


def compute(
    values: np.ndarray, mask: np.ndarray | None, projection: Projection | None, parameters: Parameters
) -> np.ndarray:
    """float32 [n, 2048] -> float32 [n, d], or uint8 [n, d] with a quantiser. Rows without a picture become 0."""
    assert projection is not None
    assert mask is not None
    z = projection.apply(values)
    z[~mask] = 0.0
    variant = parameters["quantiser"]
    return z if variant == "none" else quantise(z, str(variant))


FEATURE = Derivation(CARD, compute, ProjectionSpec(whiten=True))
