"""A feature's entry in a dataset: its card with the parameters, weights and projection in force, and a fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import backbones
from models.weights import Weights
from transforms.card import Value, fingerprint
from transforms.features import Derivation, Feature, NetworkExtractor, SoundExtractor
from transforms.projections import Projection
from transforms.youtube8m import HIGHEST, LOWEST


def make_entry(
    feature: Feature,
    parameters: Mapping[str, Value],
    *,
    weights: Weights | None = None,
    projection: Projection | None = None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The entry that dataset.json and the schema of every part carry.

    Parameters
    ----------
    weights: of an extractor's backbone.
    projection: of a derivation that has one.
    source: the entry of the feature that a derivation reads.
    """
    card = feature.card
    quantised = parameters.get("quantiser", "none") != "none"
    dims, hop_s = card.dims, card.hop_s
    if isinstance(feature, SoundExtractor):
        dims = feature.dims(parameters) if feature.dims else dims
        hop_s = feature.hop_s(parameters) if feature.hop_s else hop_s
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
            backbone=_backbone(feature),
        ),
        "about": card.about,
        "paper": card.paper,
        "layout": card.layout,
        "dims": dims,
        "dtype": "uint8" if quantised else card.dtype,
        "unit": card.unit,
        "hop_s": hop_s,
        "one_second_grid": card.one_second_grid,
        "tolerance": card.tolerance,
        "input": card.input,
        "parameters": {
            name: {
                "value": parameters[name],
                # what a person set is theirs, whatever the source of the default
                "source": known.source if parameters[name] == known.value else "user",
                "note": known.note,
            }
            for name, known in card.known(parameters.get("contract")).items()
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


def _backbone(feature: Feature) -> str | None:
    """Name and version of an extractor's network, whose code its numbers depend on as well."""
    if not isinstance(feature, NetworkExtractor):
        return None
    card = backbones.get(feature.backbone)
    return f"{card.name} {card.version}"


def parameters_of(entry: Mapping[str, Any]) -> dict[str, Value]:
    """The parameter values in an entry."""
    return {name: known["value"] for name, known in entry["parameters"].items()}
