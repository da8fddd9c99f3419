"""The step that computes features from features."""

from __future__ import annotations

import time
from collections.abc import Sequence

from pipeline.derivation import missing_parts
from pipeline.entries import make_entry
from pipeline.settings import Settings
from pipeline.steps.current import make_current
from pipeline.steps.fit import fit
from pipeline.steps.report import Report, Say
from pipeline.store import Dataset
from transforms import features
from transforms.features import Derivation
from transforms.projections import load_projection


def derive(
    dataset: Dataset, wanted: Sequence[str], settings: Settings, beam: Sequence[str], report: Report, say: Say
) -> None:
    """Compute the derivations in ``wanted`` for every clip that has the input and lacks them.

    A projection that is missing is fitted on the way: a chain (frames, statistics, one vector) is done in one go.
    """
    for name in wanted:
        feature = features.get(name)
        if not isinstance(feature, Derivation):
            continue
        fit(dataset, [name], settings, beam, report, say)
        began = time.monotonic()
        source = dataset.meta["features"].get(str(feature.card.input))
        path = dataset.projection_path(name)
        if source is None or (feature.projection is not None and path is None):
            continue
        projection = load_projection(path) if path else None
        entry = make_entry(feature, settings.parameters(name), projection=projection, source=source)
        make_current(dataset, name, entry, report, say)
        dataset.save()

        missing, clips = missing_parts(dataset, entry)
        if missing:
            from pipeline.jobs.derive import derive as run

            run(dataset, entry, missing, path, beam)
            report.computed[name] = clips
            report.seconds["derive"] = round(report.seconds.get("derive", 0.0) + time.monotonic() - began, 3)
