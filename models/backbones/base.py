"""The card of a frozen network that turns pictures into feature vectors.

A card is data: it can be read without torch. Only :meth:`Backbone.build` imports what the network needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Backbone:
    """One frozen network.

    Parameters
    ----------
    name: the name of its file in this folder.
    version: raised whenever the same weights would give other numbers.
    dims: length of the feature vector.
    input_px: side of the square picture that it takes.
    mean, scale: per channel (RGB); the network sees ``(pixel - mean) / scale`` of the uint8 picture.
    checkpoint: the published weights.
    paper: where the network is described.
    network: makes the module, float32 [n, 3, input_px, input_px] normalised -> float32 [n, dims]. Its tensors have the
        names of the checkpoint's; they need no values and may be on torch's ``meta`` device.
    unused: prefixes of the checkpoint's tensors that the feature does not need (classifier heads).
    halves: cuts the module in two that are run one after the other, where its large 3x3 and 5x5 convolutions end: a
        processor may run them by different libraries. None where there is nothing to gain.
    """

    name: str
    version: int
    dims: int
    input_px: int
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    checkpoint: Checkpoint
    paper: str
    network: Callable[[], torch.nn.Module]
    unused: tuple[str, ...] = ()
    halves: Callable[[torch.nn.Module], tuple[torch.nn.Module, torch.nn.Module]] | None = None

    def build(self, state: Mapping[str, torch.Tensor]) -> torch.nn.Module:
        """The network in inference mode with the tensors of `state`; those it does not need are left out.

        Raises
        ------
        RuntimeError: a tensor is missing, unknown, or of another shape.
        """
        module = self.network()
        wanted = {name: value for name, value in state.items() if not name.startswith(self.unused)}
        module.load_state_dict(wanted, strict=True, assign=True)
        return module.float().eval().requires_grad_(False)
