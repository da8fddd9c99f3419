"""The contract that every feature keeps; a new file in transforms/features is checked by itself."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import typing
from typing import Any

import numpy as np
import pytest

import transforms.features
from models import backbones
from pipeline.store.schema import COLUMN_TYPES
from transforms import features
from transforms.card import Card, Source
from transforms.features import (
    Derivation,
    Extractor,
    NetworkExtractor,
    ProjectionSpec,
    ShotExtractor,
    SoundExtractor,
    UnknownFeatureError,
)
from transforms.features.base import Feature, Rows
from transforms.projections import Projection
from transforms.views import FrameView, Sound, SoundView

NAMES = features.names()
DERIVED = [name for name in NAMES if isinstance(features.get(name), Derivation)]
EXTRACTED = [name for name in NAMES if isinstance(features.get(name), Extractor)]
NETWORKS = [name for name in NAMES if isinstance(features.get(name), NetworkExtractor)]
SEEN = [name for name in NAMES if isinstance(features.get(name), ShotExtractor)]
HEARD = [name for name in NAMES if isinstance(features.get(name), SoundExtractor)]


@pytest.fixture(params=NAMES)
def feature(request: pytest.FixtureRequest) -> Feature:
    return features.get(request.param)


@pytest.fixture
def card(feature: Feature) -> Card:
    return feature.card


def test_every_file_of_the_folder_is_a_feature_of_its_name() -> None:
    files = {module.name for module in pkgutil.iter_modules(transforms.features.__path__)} - {"base"}
    assert files == set(NAMES)
    for name in files:
        module = importlib.import_module(f"transforms.features.{name}")
        assert module.FEATURE is features.get(name)
        assert module.FEATURE.card.name == name
        assert module.FEATURE.card is module.CARD
        assert (module.__doc__ or "").startswith(f"``{name}``: ")


def test_unknown_feature_lists_those_that_exist() -> None:
    with pytest.raises(UnknownFeatureError, match=r"there are: .*inception"):
        features.get("nope")


def test_card_says_what_it_has_to(card: Card) -> None:
    assert card.version >= 1
    assert card.tolerance > 0
    for text in (card.about, card.paper, card.unit):
        assert text.strip()
        assert "\n" not in text
    assert card.layout in ("clip", "sequence")
    assert card.dtype in ("float32", "float16", "uint8")
    assert card.dims is None or card.dims >= 1


def test_layout_hop_and_type_fit_together(card: Card) -> None:
    if card.layout == "sequence":
        # rows are evenly spaced, or the card says what a row is
        assert (card.hop_s is not None) != bool(card.row)
        assert card.hop_s is None or card.hop_s > 0
    else:
        assert card.hop_s is None
        assert not card.columns
        # the store's rule: float16 is for sequences, a vector a clip is small enough for float32
        assert card.dtype == "float32"
    if card.dtype == "float16":
        assert card.tolerance >= 2**-11, "half a unit in the last place of float16 is more than the card allows"


def test_every_parameter_says_where_it_comes_from(card: Card) -> None:
    contracts = [card.known(contract) for contract in card.contracts or (None,)]
    assert len({tuple(known) for known in contracts}) == 1, "every contract has the same parameters"
    for name, parameter in [item for known in contracts for item in known.items()]:
        assert parameter.source in typing.get_args(Source), name
        assert parameter.note.strip(), name
        assert isinstance(parameter.value, (int, float, str, bool)), name
        # the default itself is allowed, and survives the way through a command line unchanged
        parsed = parameter.parse(name, str(parameter.value))
        assert parsed == parameter.value
        assert type(parsed) is type(parameter.value)
        assert not parameter.choices or parameter.value in parameter.choices


def test_compute_and_view_have_docstrings(feature: Feature) -> None:
    function = feature.view if isinstance(feature, NetworkExtractor) else feature.compute
    assert (function.__doc__ or "").strip()


def test_columns_say_what_they_are_and_leave_the_stores_own_alone(card: Card) -> None:
    for name, column in card.columns.items():
        assert column.type in COLUMN_TYPES
        assert column.about.strip()
        assert name not in ("id", "sha256", "start_s", "hop_s", "times_s", "mask", "values")


def test_what_a_card_follows_has_parameters_in_common_with_it(card: Card) -> None:
    for name in card.follows:
        assert set(features.get(name).card.known()) <= set(card.known())


@pytest.mark.parametrize("name", NETWORKS)
def test_extractor_fits_its_backbone(name: str) -> None:
    feature = features.get(name)
    assert isinstance(feature, NetworkExtractor)
    backbone = backbones.get(feature.backbone)
    view = feature.view(feature.card.defaults())
    assert feature.card.input is None
    assert feature.card.dims == backbone.dims
    assert isinstance(view, FrameView)
    assert view.size_px == backbone.input_px
    assert feature.card.hop_s == 1 / view.rate_hz


@pytest.mark.parametrize("name", EXTRACTED)
def test_view_follows_every_parameter_that_names_a_field_of_it(name: str) -> None:
    feature = features.get(name)
    assert isinstance(feature, Extractor)
    defaults = feature.card.defaults()
    plain = feature.view(defaults)
    for field in set(vars(plain)) & set(defaults):
        value = defaults[field]
        if feature.card.known()[field].choices == (value,):
            continue
        other: object = f"not {value}" if isinstance(value, str) else float(value or 0) + 1
        if isinstance(value, bool):
            other = not value
        changed = feature.view(typing.cast(Any, defaults | {field: other}))
        assert getattr(changed, field) == other
        assert changed != plain


def heard(name: str, duration_s: float, start_s: float, end_s: float, level: float = 0.3, **changes: Any) -> Rows:
    """A sound feature of a made-up clip: noise and a tone from ``start_s`` to ``end_s``, silence elsewhere."""
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    parameters = feature.card.values(changes)
    view = feature.view(parameters)
    rate = view.rate_hz
    low, high = round(start_s * rate), round(end_s * rate)
    samples = np.zeros(round(duration_s * rate), np.float32)
    noise = np.random.default_rng(0).normal(size=high - low) * 0.1
    samples[low:high] = level * (noise + np.sin(2 * np.pi * 440 / rate * np.arange(high - low)))
    if view.excerpt_s is not None:
        length = int(view.excerpt_s * rate)
        low += max(0, high - low - length) // 2
        sound = Sound(samples[low : min(high, low + length)], rate, start_s, end_s, origin=low)
    else:
        sound = Sound(samples, rate, start_s, end_s)
    before = sound.samples.tobytes()
    rows = feature.compute(sound, duration_s, parameters)
    assert sound.samples.tobytes() == before
    return rows


def check_rows(name: str, rows: Rows, **changes: Any) -> None:
    """The shapes and types that the store takes."""
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    card, parameters = feature.card, feature.card.values(changes)
    dims = feature.dims(parameters) if feature.dims else card.dims
    assert rows.values.dtype == np.float32
    assert np.isfinite(rows.values).all()
    if card.layout == "clip":
        assert rows.values.shape == (dims,)
        assert rows.times_s is None
        assert rows.mask is None
        return
    assert rows.times_s is not None
    assert rows.mask is not None
    assert rows.values.shape == (len(rows.mask), dims)
    assert len(rows.values) >= 1
    assert rows.mask.dtype == bool
    assert rows.times_s.shape == rows.mask.shape
    hop_s = feature.hop_s(parameters) if feature.hop_s else card.hop_s
    assert np.diff(rows.times_s) == pytest.approx(hop_s)


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize(
    ("duration_s", "start_s", "end_s"),
    [(4.3, 0, 4.3), (0.6, 0.2, 0.5), (0.001, 0, 0.0005), (31.4, 0.5, 30.9)],
    ids=["short", "shorter than a second", "a few samples", "longer than the excerpt"],
)
def test_sound_gives_rows_of_the_promised_shape(name: str, duration_s: float, start_s: float, end_s: float) -> None:
    rows = heard(name, duration_s, start_s, end_s)
    check_rows(name, rows)
    if rows.mask is not None:
        assert rows.mask.any()
    assert heard(name, duration_s, start_s, end_s).values.tobytes() == rows.values.tobytes()


@pytest.mark.parametrize("name", HEARD)
def test_silence_is_finite_and_not_masked(name: str) -> None:
    rows = heard(name, 3.0, 0.0, 3.0, level=0.0)
    check_rows(name, rows)
    assert rows.mask is None or rows.mask[0]


@pytest.mark.parametrize("name", [name for name in HEARD if features.get(name).card.contracts])
def test_every_contract_computes(name: str) -> None:
    card = features.get(name).card
    found = [heard(name, 2.0, 0.0, 2.0, contract=contract) for contract in card.contracts]
    for contract, rows in zip(card.contracts, found, strict=True):
        check_rows(name, rows, contract=contract)
    assert len({rows.values.tobytes() for rows in found}) == len(found)


@pytest.mark.parametrize("name", HEARD)
def test_sound_views_have_the_rate_of_the_card(name: str) -> None:
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    assert feature.card.input is None
    view = feature.view(feature.card.defaults())
    assert isinstance(view, SoundView)
    assert view.rate_hz == feature.card.defaults()["rate_hz"]


def test_the_registry_imports_nothing_heavy() -> None:
    heavy = ["librosa", "numba", "scipy", "torch", "av", "apache_beam"]
    code = "import sys; from transforms import features; features.names(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(heavy) & set(loaded)


@pytest.mark.parametrize("name", DERIVED)
def test_derivation_reads_a_feature_that_exists(name: str) -> None:
    feature = features.get(name)
    assert isinstance(feature, Derivation)
    card = feature.card
    assert card.input in NAMES
    source = features.get(str(card.input)).card
    if card.layout == "sequence":
        assert source.layout == "sequence"
        assert card.hop_s == source.hop_s
    chain = [name]
    while (above := features.get(chain[-1]).card.input) is not None:
        assert above not in chain
        chain.append(above)
    assert isinstance(features.get(chain[-1]), Extractor)
    if feature.projection is not None:
        assert isinstance(feature.projection, ProjectionSpec)
        assert {"dims", "epsilon", "rows"} <= set(card.parameters)
    # exactly one of card, projection and function says how long a vector is
    assert [card.dims is not None, feature.projection is not None, feature.dims is not None].count(True) == 1


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("rows", [1, 7])
def test_computed_values_have_the_promised_shape_and_leave_the_input_alone(name: str, rows: int) -> None:
    feature = features.get(name)
    assert isinstance(feature, Derivation)
    card, dims = feature.card, 7
    rng = np.random.default_rng(0)
    projection = Projection(name, rng.normal(size=dims), np.eye(dims)[:3], np.arange(3, 0, -1), whiten=True)
    sequence = features.get(str(card.input)).card.layout == "sequence"
    values = rng.normal(size=(rows, dims) if sequence else dims).astype(np.float32)
    mask = np.arange(rows) < max(1, rows - 2) if sequence else None
    before = values.tobytes()
    expected = 3 if feature.projection else (feature.dims(dims) if feature.dims else card.dims)
    found = [
        feature.compute(values, mask, projection if feature.projection else None, card.defaults()) for _ in range(2)
    ]
    assert values.tobytes() == before
    assert found[0].tobytes() == found[1].tobytes()
    assert found[0].dtype == (np.uint8 if card.dtype == "uint8" else np.float32)
    assert found[0].shape == ((rows, expected) if card.layout == "sequence" else (expected,))
    assert np.isfinite(found[0]).all()
    if card.layout == "sequence":
        assert mask is not None
        assert not found[0][~mask].any(), "rows without a picture are 0"


def test_every_derived_row_stands_alone() -> None:
    # the same values whatever the other rows of the clip are
    for name in DERIVED:
        feature = features.get(name)
        assert isinstance(feature, Derivation)
        if feature.card.layout != "sequence":
            continue
        values = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
        projection = Projection(name, np.zeros(4), np.eye(4)[:2], np.ones(2), whiten=True)
        whole = feature.compute(values, np.ones(5, bool), projection, feature.card.defaults())
        for row in range(5):
            alone = feature.compute(values[row : row + 1], np.ones(1, bool), projection, feature.card.defaults())
            assert alone.tobytes() == whole[row : row + 1].tobytes()
