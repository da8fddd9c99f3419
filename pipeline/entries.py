"""A feature's entry in a dataset: its card with the parameters, weights and projection in force, and a fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import backbones, emotions
from models.backbones import Backbone
from models.emotions import Scorer
from models.weights import ScorerWeights, Weights
from transforms.card import Value, fingerprint
from transforms.features import Derivation, Feature, NetworkExtractor, ShotExtractor, SoundExtractor
from transforms.projections import Projection
from transforms.youtube8m import HIGHEST, LOWEST


def make_entry(
    feature: Feature,
    parameters: Mapping[str, Value],
    *,
    weights: Weights | ScorerWeights | None = None,
    projection: Projection | None = None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The entry that dataset.json and the schema of every part carry.

    Parameters
    ----------
    weights: of an extractor's backbone or scorer.
    projection: of a derivation that has one.
    source: the entry of the feature that a derivation reads.
    """
    card = feature.card
    quantised = parameters.get("quantiser", "none") != "none"
    dims, hop_s = card.dims, card.hop_s
    if isinstance(feature, SoundExtractor):
        dims = feature.dims(parameters) if feature.dims else dims
        hop_s = feature.hop_s(parameters) if feature.hop_s else hop_s
    elif isinstance(feature, ShotExtractor):
        dims = feature.dims(parameters) if feature.dims else dims
    elif projection is not None:
        dims = projection.dims_out
    elif isinstance(feature, Derivation) and feature.dims is not None and source is not None:
        dims = feature.dims(source["dims"])
    entry: dict[str, Any] = {
        "name": card.name,
        "version": card.version,
        "fingerprint": fingerprint(
            card,
            parameters,
            weights=weights.digest if weights else None,
            projection=projection.digest if projection else None,
            input=source["fingerprint"] if source else None,
            backbone=_backbone(feature, parameters),
        ),
        "about": card.about,
        "paper": card.paper,
        "layout": card.layout,
        "dims": dims,
        "dtype": "uint8" if quantised else card.dtype,
        "unit": card.unit,
        "hop_s": hop_s,
        "row": card.row,
        "one_second_grid": card.one_second_grid,
        "columns": {name: column.type for name, column in card.columns.items()},
        "tolerance": card.tolerance,
        "input": card.input,
        "parameters": {
            name: {
                "value": parameters[name],
                # what a person set is theirs, whatever the source of the default
                "source": known.source if parameters[name] == known.value else "user",
                "note": known.note,
            }
            for name, known in card.known(parameters.get(card.chooser[0])).items()
        },
        # random features never pass for trained ones: what a feature is made from passes this on
        "weights": weights.to_dict() if weights else (source or {}).get("weights"),
        "weights_label": weights.label if weights else (source or {}).get("weights_label"),
    }
    if quantised:
        # as transforms.youtube8m.dequantise has it, so that a reader needs no code of ours
        span = HIGHEST - LOWEST
        entry["dequantise"] = {"scale": span / 255, "offset": span / 512 + LOWEST}
    return entry


def _backbone(feature: Feature, parameters: Mapping[str, Value]) -> str | None:
    """Name and version of an extractor's network or scorer, whose code its numbers depend on as well."""
    if isinstance(feature, NetworkExtractor):
        card: Backbone | Scorer = backbones.get(feature.backbone)
    elif isinstance(feature, ShotExtractor) and feature.scorer is not None:
        card = emotions.get(feature.scorer(parameters))
    else:
        return None
    return f"{card.name} {card.version}"


def parameters_of(entry: Mapping[str, Any]) -> dict[str, Value]:
    """The parameter values in an entry."""
    return {name: known["value"] for name, known in entry["parameters"].items()}
