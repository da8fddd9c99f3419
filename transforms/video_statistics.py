"""Video-level statistics of frame features: mean, standard deviation and the five largest values per dimension.

YouTube-8M's video-level description, as VM-NET uses it (paper): 1024 dimensions a frame become 7168 a video.
"""

from __future__ import annotations

import numpy as np

#: Largest values kept per dimension (paper).
TOP = 5


def video_statistics(frames: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Statistics over the frames of one clip, accumulated in float64.

    Parameters
    ----------
    frames: float [n, d], one row a frame.
    mask: bool [n], False where the row holds no frame; such rows have no part in the result.

    Returns
    -------
    float32 [7 * d]: ``[mean d | standard deviation d | largest d | second d | ... | fifth d]``. The standard deviation
    is the population's (divided by n). With fewer than five frames the smallest value is repeated (ours: the paper does
    not say); a single frame has standard deviation 0. Values that are not finite pass through.

    Raises
    ------
    ValueError: wrong shapes, or no valid row.
    """
    frames, mask = np.asarray(frames), np.asarray(mask)
    if frames.ndim != 2 or mask.shape != frames.shape[:1] or mask.dtype != bool:
        raise ValueError(
            f"found frames {frames.shape} and mask {mask.shape} {mask.dtype}; expected [n, d] and bool [n]"
        )
    if not mask.any():
        raise ValueError(f"none of the {len(frames)} rows holds a frame; at least one is needed")
    # C order whatever comes in: numpy sums in another order, with other last bits, along a contiguous axis.
    valid = np.ascontiguousarray(frames[mask], dtype=np.float64)
    largest = np.sort(valid, axis=0)[::-1][:TOP]
    if len(largest) < TOP:
        largest = np.concatenate([largest, np.repeat(largest[-1:], TOP - len(largest), axis=0)])
    return np.concatenate([valid.mean(axis=0), valid.std(axis=0), largest.ravel()]).astype(np.float32)
