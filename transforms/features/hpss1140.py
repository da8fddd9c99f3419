"""``hpss1140``: mean, variance and maximum of the 380 rows over the excerpt, one vector a clip."""

from __future__ import annotations

from transforms.card import Card
from transforms.features.base import Parameters, Rows, SoundExtractor
from transforms.features.hpss380 import view, warm
from transforms.music.contract import CONTRACTS, Contract
from transforms.music.layout import ROWS
from transforms.music.parameters import EXCERPT, PAPER, UNIT
from transforms.views import Sound

CARD = Card(
    name="hpss1140",
    version=1,
    about="mean, variance and maximum of the 380 harmonic and percussive rows: VM-NET's music vector",
    paper=PAPER,
    layout="clip",
    dims=3 * ROWS,
    dtype="float32",
    unit=UNIT + ", and its square",
    hop_s=None,
    tolerance=1e-4,
    parameters=EXCERPT,
    contracts=CONTRACTS,
)


def compute(sound: Sound, duration_s: float, parameters: Parameters) -> Rows:
    """The excerpt's samples -> float32 [1140]: 380 means, 380 population variances, 380 maxima."""
    from transforms.music.excerpt import frames
    from transforms.music.statistics import mean_variance_max

    values, sounding = frames(sound, Contract.of(parameters))
    return Rows(mean_variance_max(values[sounding] if parameters["short"] == "mask" else values))


FEATURE = SoundExtractor(CARD, view, compute, warm=warm)
