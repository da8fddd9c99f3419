"""What one clip may cost before it is turned away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Ceilings for one clip; a clip that exceeds one becomes a reject, never a hung or swollen job.

    Parameters
    ----------
    wall_s: seconds on the clock for one clip, after which the decoder is killed (reason ``wall_limit``).
    cpu_s: CPU seconds for one clip, counted in whole seconds by the kernel (``cpu_limit``).
    address_space_bytes: virtual memory of the decoder process, libraries included (``memory_limit``).
    max_pixels: width times height of one coded picture (``too_many_pixels``).
    max_duration_s: length of the clip's timeline (``too_long``).
    """

    wall_s: float = 600.0  # ours: twenty times what six minutes of 4K need on one core
    cpu_s: float = 600.0  # ours: as wall_s, one decoding thread cannot use more
    address_space_bytes: int = 4 << 30  # ours: an 8K HEVC clip decodes within 2 GiB
    max_pixels: int = 36_000_000  # ours: 8K UHD (7680 x 4320 = 33.2 M) passes, 12336 x 12336 does not
    max_duration_s: float = 6 * 3600.0  # ours: longer than any music video, film or concert
