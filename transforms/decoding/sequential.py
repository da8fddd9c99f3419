"""The straightforward decode: every packet in order, converting only the pictures that a row shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from transforms.decoding import walk

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

    from transforms.decoding.timeline import Track


def decode(
    stream: VideoStream, packets: Iterable[Packet], track: Track, fillers: Sequence[walk.Taker], max_pixels: int
) -> walk.Outcome:
    """Fill the rows of all views; stops after the last picture that one of them shows.

    Parameters
    ----------
    stream: with a decoder that has not been used yet; ``packets``: all of the stream, in order.
    track: what the timeline found of the stream.

    Raises
    ------
    RejectError: ``too_many_pixels``.
    MemoryError: the decoder wanted more than the process may have.
    """
    outcome = walk.Outcome()
    context = walk.prepare(stream, max_pixels, strict=False)
    hidden = {pts for pts, shown in zip(track.pts, track.shown, strict=True) if not shown}
    hidden -= set(track.shown_pts())
    clock = walk.Clock(track.first or 0, walk.tick_spacing(stream, track.time_base))
    for frame in walk.pictures(context, packets, outcome, max_pixels, strict=False):
        pts = clock.pts(frame)
        if pts in hidden or (outcome.last_pts is not None and pts < outcome.last_pts):
            continue  # outside the edit list, or out of order: never shown
        walk.show(frame, pts, fillers, outcome)
        if all(filler.done for filler in fillers):
            break
    for filler in fillers:
        filler.finish()
    return outcome
