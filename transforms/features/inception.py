"""``inception``: the 2048-d average pool of Inception v3, one row a second of the timeline."""

from __future__ import annotations

from transforms.card import Card, Parameter
from transforms.features.base import NetworkExtractor, Parameters
from transforms.views import PAPER_MAX_S, FrameView

CARD = Card(
    name="inception",
    version=1,
    about="Inception v3 average pool of one frame a second",
    paper="VM-NET (arXiv 1704.06761), section 'video features'; YouTube-8M (arXiv 1609.08675) feature extractor",
    layout="sequence",
    dims=2048,
    dtype="float16",
    unit="1",
    hop_s=1.0,
    one_second_grid=True,
    # torch, OpenVINO and CUDA in float32 agree to 6e-6 of the largest value (measured); float16 rounds at 2^-11.
    tolerance=5e-4,
    parameters={
        "max_s": Parameter(
            PAPER_MAX_S, "paper", "the first 360 s; the released YouTube-8M code stops at 300", minimum=1
        ),
        "size_px": Parameter(299, "code", "input of Inception v3; the aspect ratio is not kept", choices=(299,)),
        "rate_hz": Parameter(1.0, "paper", "one frame a second", choices=(1.0,)),
        "decoder": Parameter("pyav", "ours", "exact presentation times; decord for comparison", ("pyav", "decord")),
        "resizer": Parameter(
            "swscale-bilinear",
            "ours",
            "papers name none; straight from the coded picture to RGB at the network's size",
            ("swscale-bilinear", "rgb-antialias"),
        ),
        "precision": Parameter("f32", "ours", "bf16 is faster and deviates; see the benchmark", ("f32", "bf16")),
    },
)


def view(parameters: Parameters) -> FrameView:
    """One square picture a second, up to ``max_s``."""
    return FrameView(
        size_px=int(parameters["size_px"] or 0),
        rate_hz=float(parameters["rate_hz"] or 0),
        max_s=float(parameters["max_s"] or 0),
        decoder=str(parameters["decoder"]),
        resizer=str(parameters["resizer"]),
    )


FEATURE = NetworkExtractor(CARD, backbone="inception", view=view)
