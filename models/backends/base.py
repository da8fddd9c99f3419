"""What every backend promises to its caller."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from models.backbones.base import Backbone


class DeviceError(Exception):
    """The device, backend or precision that was asked for is not here; one line for a person."""


class FrameEncoder(Protocol):
    """A frozen network, ready to run.

    Attributes
    ----------
    dims, input_px: as on the network's card.
    batch: calls with fewer frames than this may leave the device idle; any number is accepted.
    tolerance: greatest difference from the float32 reference (torch on a processor), divided by the greatest
        absolute value of the reference's output.
    """

    dims: int
    input_px: int
    batch: int
    tolerance: float

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """uint8 [n, input_px, input_px, 3] RGB -> float32 [n, dims]; n may be 0.

        Raises
        ------
        ValueError: another shape or dtype.
        """

    def describe(self) -> dict[str, Any]:
        """Backend, device, precision, library versions and threads, as plain data."""

    def close(self) -> None:
        """Give the device's memory back; the encoder is not used afterwards."""


def checked(card: Backbone, frames: np.ndarray) -> np.ndarray:
    """`frames` if they are what `card` takes.

    Raises
    ------
    ValueError: another shape or dtype.
    """
    side = card.input_px
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != (side, side, 3):
        found = f"{frames.dtype} {list(frames.shape)}"
        raise ValueError(f"{card.name} takes uint8 [n, {side}, {side}, 3], found {found}")
    return frames
