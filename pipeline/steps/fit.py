"""The step that learns projections, or takes published ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pipeline.errors import TooFewError, UsageError
from pipeline.settings import Settings
from pipeline.steps.current import retire
from pipeline.steps.report import Report, Say
from pipeline.store import Dataset
from transforms import features
from transforms.features import Derivation
from transforms.projections import Projection
from transforms.youtube8m import load_matrices


def fit(
    dataset: Dataset, wanted: Sequence[str], settings: Settings, beam: Sequence[str], report: Report, say: Say
) -> None:
    """Learn the projections that ``wanted`` derivations need and the dataset lacks.

    A projection is kept when clips are added; it is learned again where its input or its parameters have changed, or
    with ``settings.refit``. Where too few clips exist to learn anything, the note says so and nothing is written.
    """
    for name in wanted:
        feature = features.get(name)
        if not isinstance(feature, Derivation) or feature.projection is None:
            continue
        parameters = _fit_parameters(settings, name)
        source = dataset.meta["features"].get(str(feature.card.input))
        if source is None or not dataset.done(source["name"]):
            continue
        if _holds(dataset, name, source, parameters) and not settings.refit:
            continue
        from pipeline.jobs.fit import fit as run

        began = time.monotonic()
        try:
            projection, fitted_on = run(dataset, source["name"], name, parameters, feature.projection.whiten, beam)
        except TooFewError as error:
            dataset.meta["projections"].pop(name, None)
            retire(dataset, name)
            dataset.save()
            report.note(f"{name}: not computed: {error}", say)
            continue
        report.seconds["fit"] = round(report.seconds.get("fit", 0.0) + time.monotonic() - began, 3)
        keep_projection(dataset, name, projection, source["fingerprint"], parameters, fitted_on)
        reduced = projection.meta.get("reduced")
        about = f"{fitted_on['rows']} rows of {fitted_on['clips']} clips, {projection.dims_out} dimensions"
        say(f"{name}: fitted on {about}")
        if reduced:
            report.note(f"{name}: {reduced}", say)


def _fit_parameters(settings: Settings, name: str) -> dict[str, Any]:
    """The parameters of a derivation that its projection depends on."""
    return {key: value for key, value in settings.parameters(name).items() if key in ("dims", "epsilon", "rows")}


def _holds(dataset: Dataset, name: str, source: dict[str, Any], parameters: dict[str, Any]) -> bool:
    """Whether the projection of a derivation is there and still the right one.

    Imported matrices stay, whatever happens to the feature that they are applied to; only a refit replaces them.
    """
    known, path = dataset.meta["projections"].get(name), dataset.projection_path(name)
    if known is None or path is None or not path.is_file():
        return False
    return bool(known["imported"]) or (known["input"] == source["fingerprint"] and known["parameters"] == parameters)


def keep_projection(
    dataset: Dataset,
    name: str,
    projection: Projection,
    input_fingerprint: str,
    parameters: dict[str, Any],
    fitted_on: dict[str, Any],
    *,
    imported: bool = False,
) -> None:
    """Write a projection under its digest and make it the current one of a derivation."""
    folder = dataset.path / "projections"
    folder.mkdir(exist_ok=True)
    file = f"{name}-{projection.digest[:12]}.safetensors"
    projection.save(folder / file)
    dataset.meta["projections"][name] = {
        "file": file,
        "digest": projection.digest,
        "input": input_fingerprint,
        "parameters": parameters,
        "fitted_on": fitted_on,
        "imported": imported,
        **{key: projection.meta.get(key) for key in ("source", "reduced")},
    }
    dataset.save()


def import_projection(dataset: Dataset, name: str, path: str, settings: Settings, report: Report, say: Say) -> None:
    """Make YouTube-8M's published matrices the projection of ``name`` instead of fitting one.

    Raises
    ------
    UsageError: ``path`` holds no such matrices, or they do not fit the input feature.
    """
    began = time.monotonic()
    feature = features.get(name)
    if not isinstance(feature, Derivation) or feature.projection is None:
        raise UsageError(f"{name} has no projection; matrices can be imported for wpca")
    source = dataset.card(str(feature.card.input))
    try:
        projection = load_matrices(path, name)
    except (ValueError, OSError) as error:
        raise UsageError(f"--import {path}: {error}") from None
    if projection.dims_in != source["dims"]:
        raise UsageError(
            f"--import {path}: made for {projection.dims_in} dimensions, {source['name']} has {source['dims']}"
        )
    parameters = _fit_parameters(settings, name)
    keep_projection(dataset, name, projection, source["fingerprint"], parameters, {}, imported=True)
    report.seconds["fit"] = round(time.monotonic() - began, 3)
    say(f"{name}: {projection.meta['source']} matrices imported, {projection.dims_out} dimensions")
