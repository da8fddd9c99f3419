"""The exact pruned walk for H.264: the pictures of a sequential decode for about half of the work.

Two kinds of pictures are never decoded: non-reference pictures that no row shows, and those between the last wanted
picture of a group and the next IDR picture. What a wanted picture can refer to is always decoded, so the pixels are
those of a sequential decode, bit for bit. Whatever could break that promise (missing or repeated times, new
parameter sets, damage, a wanted picture that does not come out) raises :class:`~transforms.decoding.walk.NotPrunable`.
Groups are cut at IDR pictures only: after an open group's key picture, leading pictures still refer to what was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transforms.decoding import h264, plan, walk
from transforms.decoding.rows import RowFiller

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from transforms.decoding.timeline import Track

#: Codecs whose decoder honours skip_frame exactly as this walk needs it (bit equality is tested on real clips).
CODECS = ("h264",)


def decode(
    stream: VideoStream, packets: Iterable[Packet], track: Track, fillers: list[RowFiller], max_pixels: int
) -> walk.Outcome:
    """Fill the rows of all views; parameters and errors as in :func:`transforms.decoding.sequential.decode`.

    Raises
    ------
    NotPrunable: the rows are not to be used; decode sequentially.
    """
    if track.damaged:
        raise walk.NotPrunable("damaged packets")
    if None in track.pts:
        raise walk.NotPrunable("packets without pts")
    if len(set(track.pts)) < len(track.pts):
        raise walk.NotPrunable("repeated pts")
    shown_pts = track.shown_pts()
    expected = [plan.choose(filler.rows, shown_pts) for filler in fillers]
    wanted = {pts for chosen in expected for pts in chosen if pts is not None}
    pts: list[int] = [each for each in track.pts if each is not None]
    actions = plan.prune(pts, track.restarts, wanted)
    outcome = walk.Outcome()
    context = walk.prepare(stream, max_pixels, strict=True)
    units = h264.Units(context.extradata)
    shown = set(shown_pts)
    sent = _sent(context, units, packets, pts, actions)
    for frame in walk.pictures(context, sent, outcome, max_pixels, strict=True):
        if frame.pts not in shown:
            raise walk.NotPrunable("a picture without a packet's pts")
        if outcome.last_pts is not None and frame.pts <= outcome.last_pts:
            raise walk.NotPrunable("pictures out of order")
        walk.show(frame, frame.pts, fillers, outcome)
    for filler in fillers:
        filler.finish()
    if [filler.chosen for filler in fillers] != expected:
        raise walk.NotPrunable("a wanted picture did not come out")
    return outcome


def _sent(
    context: VideoCodecContext, units: h264.Units, packets: Iterable[Packet], pts: list[int], actions: list[int]
) -> Iterator[Packet]:
    """The packets that the decoder gets, each after telling it what may be skipped."""
    last_needed = max((index for index, action in enumerate(actions) if action != plan.DROP), default=-1)
    skipping: int | None = None
    index = -1
    for index, packet in enumerate(packets):
        if index > last_needed:
            return
        if index >= len(pts) or packet.pts != pts[index]:
            raise walk.NotPrunable("packets differ between two readings")
        if packet.has_sidedata("new_extradata") or units.changes_parameters(packet):
            raise walk.NotPrunable("parameter change")
        action = actions[index]
        if action == plan.DROP:
            continue
        if action != skipping:
            context.skip_frame = "DEFAULT" if action == plan.DECODE else "NONREF"
            skipping = action
        yield packet
    if index < last_needed:
        raise walk.NotPrunable("packets differ between two readings")
