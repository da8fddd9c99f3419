"""Inception-v3: the 2048-d average pool before the classifier.

YouTube-8M's frame features come from the same layer of Google's 2015 release; torchvision's weights are a port of that
line of models, so values are comparable in kind but not equal to the published features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.backbones.base import Backbone
from models.checkpoint import Checkpoint

if TYPE_CHECKING:
    import torch


def _network() -> torch.nn.Module:
    import torch
    from torchvision.models import inception_v3

    with torch.device("meta"):  # values would be drawn for two seconds, only to be replaced
        # aux_logits=True is the published architecture; the head is used in training only and is taken off again.
        module = inception_v3(weights=None, init_weights=False, aux_logits=True, transform_input=False)
    module.AuxLogits = None
    module.aux_logits = False
    module.dropout = torch.nn.Identity()
    module.fc = torch.nn.Identity()
    return module


def _halves(module: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Up to the last block of 35x35 pixels, and from there on."""
    import torch

    children = dict(module.named_children())  # torchvision lists them in the order in which they run
    cut = list(children).index("Mixed_6a")
    layers = list(children.values())
    return torch.nn.Sequential(*layers[:cut]), torch.nn.Sequential(*layers[cut:], torch.nn.Flatten())


BACKBONE = Backbone(
    name="inception",
    version=1,
    dims=2048,  # paper: width of the last pool
    input_px=299,  # paper
    # code: torchvision trains on (x/255 - 0.5) / 0.5. Its documented ImageNet mean and deviation followed by
    # transform_input=True are the same map.
    mean=(127.5, 127.5, 127.5),
    scale=(127.5, 127.5, 127.5),
    checkpoint=Checkpoint(
        name="inception_v3_google",
        filename="inception_v3_google-0cc3c7bd.pth",
        url="https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        sha256="0cc3c7bd",
        licence="none stated for the file; torchvision is BSD-3-Clause, the ported Google release Apache-2.0",
        bytes=108_949_747,
        about="ImageNet-1k classifier, ported by torchvision from Google's weights (IMAGENET1K_V1)",
    ),
    paper="Szegedy et al., Rethinking the Inception Architecture for Computer Vision, arXiv 1512.00567",
    network=_network,
    unused=("AuxLogits.", "fc."),
    halves=_halves,
)
