"""decord as researchers use it: every ``round(average fps)``-th frame, whatever the timestamps say.

It is here for comparison. Where the frame rate is not a whole number it drifts, with a variable rate it is off by
seconds, and it knows neither edit lists nor a stream's late start; a test shows each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from transforms.decoding.picture import PictureMaker
from transforms.errors import RejectError
from transforms.views import Frames, FrameView

if TYPE_CHECKING:
    from transforms.decoding.rows import Allocate

#: Pictures decoded at a time, at full size (ours: 16 pictures of 1080p are 100 MB).
_BATCH = 16


def decode(path: str, view: FrameView, count: int, allocate: Allocate) -> Frames:
    """Rows of a view by frame index: row k holds frame ``k * round(fps / rate)``, the last frame from then on.

    Parameters
    ----------
    path: a file whose container has been found safe.
    count: rows to make; ``times_s`` are decord's own timestamps.

    Raises
    ------
    RejectError: ``decode_error`` with decord's words.
    """
    import av
    import decord

    maker = PictureMaker(view.size_px, view.resizer)
    pixels = allocate((count, view.size_px, view.size_px, 3), np.uint8)
    try:
        reader = decord.VideoReader(path, num_threads=1)
        step = max(1, round(reader.get_avg_fps() / view.rate_hz))
        indices = [min(k * step, len(reader) - 1) for k in range(count)]
        for first in range(0, count, _BATCH):
            for offset, picture in enumerate(reader.get_batch(indices[first : first + _BATCH]).asnumpy()):
                pixels[first + offset] = maker.make(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        times_s = reader.get_frame_timestamp(indices)[:, 0].astype(np.float64)
    except (decord.DECORDError, RuntimeError, IndexError) as problem:
        message = f"decord gave up ({str(problem).splitlines()[0]}); use the pyav decoder"
        raise RejectError("decode_error", message, "decode") from problem
    return Frames(pixels, times_s, np.ones(count, dtype=bool))
