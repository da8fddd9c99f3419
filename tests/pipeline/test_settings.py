"""--set and its shorthands: checked against the cards, in one line."""

from __future__ import annotations

import pickle

import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings, default_workers, parse_overrides
from transforms import features


def test_values_take_the_kind_of_the_default() -> None:
    found = parse_overrides(["inception.max_s=300", "wpca.dims=512", "inception.decoder=decord", "wpca.dims=256"])
    assert found == {"inception": {"max_s": 300.0, "decoder": "decord"}, "wpca": {"dims": 256}}
    assert isinstance(found["inception"]["max_s"], float)
    assert isinstance(found["wpca"]["dims"], int)
    assert parse_overrides([]) == {}


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("inception.max_s", "expected FEATURE.PARAMETER=VALUE"),
        ("max_s=300", "expected FEATURE.PARAMETER=VALUE"),
        ("=", "expected FEATURE.PARAMETER=VALUE"),
        ("nope.max_s=300", "no feature is called 'nope'"),
        ("inception.nope=1", "no parameter 'nope'; it has: decoder, max_s"),
        ("inception.max_s=long", "expected a value of type float"),
        ("inception.max_s=nan", "expected a finite number"),
        ("inception.max_s=inf", "expected a finite number"),
        ("inception.max_s=-inf", "expected a finite number"),
        ("inception.size_px=200", "expected one of 299"),
        ("inception.max_s=0", "expected at least 1"),
        ("wpca.dims=1.5", "expected a value of type int"),
        ("wpca.dims=0", "expected at least 1"),
        ("inception.decoder=vlc", "expected one of pyav, decord"),
        ("inception.rate_hz=2", "expected one of 1.0"),
        ("inception.decoder=", "expected one of pyav, decord"),
    ],
)
def test_wrong_assignments(assignment: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_overrides([assignment])
    line = str(caught.value)
    assert expected in line
    assert line.startswith("--set ")
    assert "\n" not in line


def test_parameters_are_the_defaults_with_what_was_set() -> None:
    settings = Settings(overrides=parse_overrides(["wpca.dims=7"]))
    defaults = features.get("wpca").card.defaults()
    assert settings.parameters("wpca") == {**defaults, "dims": 7}
    assert Settings().parameters("wpca") == defaults
    assert features.get("wpca").card.defaults() == defaults, "the card itself is untouched"


def test_settings_travel() -> None:
    settings = Settings(overrides={"wpca": {"dims": 7}}, weights="random")
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert default_workers() >= 1
