"""Statistics of frames over a track, as the published extractor stacks them."""

from __future__ import annotations

import numpy as np


def mean_variance_max(frames: np.ndarray) -> np.ndarray:
    """float32 [3 d] of frames [n, d]: means, population variances (divided by n), maxima; summed in float64."""
    exact = frames.astype(np.float64)
    return np.concatenate([exact.mean(axis=0), exact.var(axis=0), exact.max(axis=0)]).astype(np.float32)
