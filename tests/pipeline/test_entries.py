"""Entries: what dataset.json says of a feature; the fingerprint changes with anything the numbers depend on."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from building import inception_entry

from models.weights import Weights, resolve
from pipeline.entries import make_entry, parameters_of
from transforms import features
from transforms.card import Value
from transforms.projections import Projection

CARDS = {name: features.get(name).card for name in features.names()}
ALL = [(name, key) for name, card in CARDS.items() for key in card.known() if key != card.chooser[0]]


def projection(scale: float = 1.0) -> Projection:
    return Projection("x", np.zeros(4), np.eye(4)[:2] * scale, np.ones(2), whiten=True)


def random_weights(seed: int = 0) -> Weights:
    return resolve("inception", "random", seed=seed)


def another(name: str, parameter: str) -> Value:
    """A value of the same kind that is not the default, allowed or not."""
    known = features.get(name).card.known()[parameter]
    for choice in known.choices:
        if choice != known.value:
            return choice
    if isinstance(known.value, bool):
        return not known.value
    if isinstance(known.value, (int, float)):
        return known.value + 1
    return f"not {known.value}"


@pytest.mark.parametrize(("name", "parameter"), ALL)
def test_any_parameter_changes_the_fingerprint_and_is_marked_as_the_users(name: str, parameter: str) -> None:
    feature = features.get(name)
    defaults = feature.card.defaults()
    plain = make_entry(feature, defaults)
    changed = make_entry(feature, {**defaults, parameter: another(name, parameter)})
    assert plain["fingerprint"] != changed["fingerprint"]
    assert plain["parameters"][parameter]["source"] == feature.card.known()[parameter].source
    assert changed["parameters"][parameter]["source"] == "user"
    others = {key: value for key, value in changed["parameters"].items() if key != parameter}
    assert others == {key: value for key, value in plain["parameters"].items() if key != parameter}


def test_a_contract_is_recorded_with_its_own_sources() -> None:
    feature = features.get("hpss1140")
    code, paper = (make_entry(feature, feature.card.values({"contract": name})) for name in ("code", "paper"))
    assert code["fingerprint"] != paper["fingerprint"]
    assert code["parameters"]["mel_rate_hz"] | {"note": ""} == {"value": 22_050, "source": "code", "note": ""}
    assert paper["parameters"]["mel_rate_hz"] | {"note": ""} == {"value": 12_000, "source": "review", "note": ""}
    mine = make_entry(feature, feature.card.values({"contract": "paper", "mel_rate_hz": 22_050}))
    assert mine["parameters"]["mel_rate_hz"]["source"] == "user"
    assert (paper["dims"], paper["hop_s"], paper["weights"]) == (1140, None, None)


def test_weights_projection_and_input_change_the_fingerprint() -> None:
    feature = features.get("inception")
    defaults = feature.card.defaults()
    prints = [
        make_entry(feature, defaults, weights=w)["fingerprint"] for w in (None, random_weights(), random_weights(1))
    ]
    derived = features.get("wpca")
    for fitted, source in (
        (projection(), inception_entry()),
        (projection(2.0), inception_entry()),
        (projection(), inception_entry(max_s=300.0)),
    ):
        made = make_entry(derived, derived.card.defaults(), projection=fitted, source=source)
        prints.append(made["fingerprint"])
    assert len(set(prints)) == len(prints)
    assert all(len(p) == 16 and int(p, 16) >= 0 for p in prints)


def test_entry_is_plain_data_that_survives_json() -> None:
    for entry in (inception_entry(), derived_entry("wpca", projection=projection(), source=inception_entry())):
        assert json.loads(json.dumps(entry)) == entry
        assert Weights.from_dict(entry["weights"]) == random_weights()


def derived_entry(name: str, **options: Any) -> dict[str, Any]:
    feature = features.get(name)
    return make_entry(feature, feature.card.defaults(), **options)


def test_dimensions_come_from_card_projection_or_input() -> None:
    assert derived_entry("inception")["dims"] == 2048
    wpca = derived_entry("wpca", projection=projection(), source=inception_entry())
    assert wpca["dims"] == 2
    assert derived_entry("wpca_stats", source=wpca)["dims"] == 14


def test_random_weights_are_passed_on_through_every_derivation() -> None:
    entry = inception_entry()
    for name in ("wpca", "wpca_stats", "wpca_video"):
        entry = derived_entry(name, projection=projection() if name != "wpca_stats" else None, source=entry)
        assert entry["weights_label"] == "random (seed 0)"
        assert entry["weights"]["source"] == "random"


def test_quantised_feature_says_how_to_map_it_back() -> None:
    feature = features.get("wpca")
    entry = make_entry(feature, {**feature.card.defaults(), "quantiser": "truncate"}, projection=projection())
    assert entry["dtype"] == "uint8"
    steps = np.array([0, 255]) * entry["dequantise"]["scale"] + entry["dequantise"]["offset"]
    assert steps[1] - steps[0] == pytest.approx(4.0)
    assert steps == pytest.approx([-2 + 4 / 512, 2 + 4 / 512])
    assert "dequantise" not in make_entry(feature, feature.card.defaults(), projection=projection())


def test_parameters_come_back() -> None:
    assert parameters_of(inception_entry(max_s=5.0)) == {**features.get("inception").card.defaults(), "max_s": 5.0}
