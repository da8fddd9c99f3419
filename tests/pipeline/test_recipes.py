"""Recipes: every one loads, names what exists, and indexes what can be indexed."""

from __future__ import annotations

import pytest

from pipeline import recipes
from pipeline.errors import UsageError
from pipeline.indexing.build import METRICS
from pipeline.settings import Settings
from transforms import features
from transforms.features import Extractor


@pytest.mark.parametrize("name", recipes.names())
def test_recipe_is_whole(name: str) -> None:
    recipe = recipes.load(name)
    assert recipe.name == name
    assert recipe.about
    assert recipe.paper
    assert recipe.features
    assert len(set(recipe.features)) == len(recipe.features)
    for position, feature in enumerate(recipe.features):
        card = features.get(feature).card
        if card.input is not None:
            assert card.input in recipe.features[:position], f"{feature} comes before what it is derived from"
    assert any(isinstance(features.get(feature), Extractor) for feature in recipe.features)


@pytest.mark.parametrize("name", recipes.names())
def test_indexes_name_clip_level_features_of_the_recipe(name: str) -> None:
    recipe = recipes.load(name)
    for entry in recipe.indexes:
        assert entry.feature in recipe.features
        assert features.get(entry.feature).card.layout == "clip"
        assert entry.metric in METRICS
    index_names = [entry.name for entry in recipe.indexes]
    assert len(set(index_names)) == len(index_names)


def test_the_recipe_of_the_main_job_is_there() -> None:
    assert "vmnet" in recipes.names()
    vmnet = recipes.load("vmnet")
    assert vmnet.features == ("inception", "wpca", "wpca_stats", "wpca_video", "hpss1140", "hpss380_1s")
    assert vmnet.parameters == {}


def test_the_papers_variant_sets_the_papers_contract() -> None:
    paper = recipes.load("vmnet-paper")
    assert paper.parameters["hpss1140"] == {"contract": "paper"}
    settings = Settings().over(paper.parameters)
    assert settings.parameters("hpss1140")["mel_rate_hz"] == 12_000
    assert Settings().parameters("hpss1140")["mel_rate_hz"] == 22_050
    mine = Settings(overrides={"hpss1140": {"mel_rate_hz": 22_050}, "inception": {"max_s": 9.0}}).over(paper.parameters)
    assert mine.parameters("hpss1140")["mel_rate_hz"] == 22_050
    assert mine.parameters("hpss1140")["mfcc_n_fft"] == 512
    assert mine.parameters("inception")["max_s"] == 9


def test_features_by_name_make_a_recipe_of_their_own() -> None:
    made = recipes.load_or_features("wpca, hpss380")
    assert made.features == ("inception", "wpca", "hpss380")
    assert made.indexes == ()
    assert recipes.load_or_features("vmnet") == recipes.load("vmnet")
    for text in ("nope", "hpss380,nope", "", ","):
        with pytest.raises(UsageError, match="neither a recipe") as caught:
            recipes.load_or_features(text)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nope", "", "VMNET", "../vmnet", "vmnet.yaml"])
def test_unknown_recipe_lists_those_that_exist(name: str) -> None:
    with pytest.raises(UsageError, match="vmnet") as caught:
        recipes.load(name)
    assert "\n" not in str(caught.value)


def test_inputs_are_added_in_front_of_what_needs_them() -> None:
    assert recipes.with_inputs(["wpca_video"]) == ("inception", "wpca", "wpca_stats", "wpca_video")
    assert recipes.with_inputs(["wpca_stats", "inception"]) == ("inception", "wpca", "wpca_stats")
    with pytest.raises(UsageError, match="no feature is called 'nope'"):
        recipes.with_inputs(["nope"])
