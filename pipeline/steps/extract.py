"""The step that reads media: decode and extract what the dataset lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from models.weights import ScorerWeights, Weights, resolve, scorer_files
from pipeline import entries, planning
from pipeline.errors import JobError
from pipeline.inputs import InputClip, files
from pipeline.settings import Settings
from pipeline.steps.current import make_current
from pipeline.steps.report import Report, Say
from pipeline.store import Dataset
from transforms import features
from transforms.card import Value
from transforms.features import Extractor, NetworkExtractor, ShotExtractor, SoundExtractor

#: Compiling takes longer than this, loading what was compiled before does not (ours).
_NOTABLE_S = 4.0


def resolve_weights(
    dataset: Dataset, name: str, extractor: Extractor, parameters: Mapping[str, Value], choice: str, say: Say
) -> Weights | ScorerWeights | None:
    """The weights for an extractor, None for one that has no network and no scorer.

    Raises
    ------
    JobError: ``auto`` would fall back to random weights over features that pretrained ones have made.
    """
    if isinstance(extractor, ShotExtractor) and extractor.scorer is not None:
        return scorer_files(extractor.scorer(parameters), choice, say=say)
    if not isinstance(extractor, NetworkExtractor):
        return None
    weights = resolve(extractor.backbone, choice, say=say)
    before = dataset.meta["features"].get(name, {}).get("weights") or {}
    if choice == "auto" and weights.source == "random" and before.get("source", "random") != "random":
        raise JobError(
            f"{name}: this dataset was made with {before['source']} weights, which cannot be had now; random ones "
            "would replace good features: mend the network, or say --weights random"
        )
    return weights


def extract(
    dataset: Dataset, clips: list[InputClip], wanted: Sequence[str], settings: Settings, beam: Sequence[str], say: Say
) -> Report:
    """Decode and extract what the dataset lacks of ``clips``.

    Parameters
    ----------
    wanted: names of extractors (derivations among them are passed over).
    """
    report = Report(input_clips=len(clips))
    current: dict[str, dict[str, Any]] = {}
    for name in wanted:
        feature = features.get(name)
        if isinstance(feature, Extractor):
            parameters = settings.parameters(name)
            weights = resolve_weights(dataset, name, feature, parameters, settings.weights, say)
            current[name] = entries.make_entry(feature, parameters, weights=weights)
    for name, entry in current.items():
        make_current(dataset, name, entry, report, say)
    dataset.save()

    plan = planning.plan_extraction(
        clips,
        dataset,
        current,
        settings.limits,
        workers=settings.workers,
        clips_per_part=settings.clips_per_part,
        keep_sound=settings.keep_sound,
        retry_rejects=settings.retry_rejects,
        say=say,
    )
    report.todo, report.rejected_before, report.duplicates = plan.todo, plan.rejected_before, plan.duplicates
    for line in plan.notes:
        report.note(line, say)
    if plan.duplicates:
        report.note(f"{plan.duplicates} files have the same content as another one and are not computed twice", say)
    if plan.changed:
        report.note(f"{len(plan.changed)} clips have new content and are computed again", say)
    dataset.drop(plan.changed)
    dataset.drop_rejects(plan.stale_rejects, [None, "sound", *current])
    dataset.drop_rejects(plan.lost_rejects)
    dataset.relocate({i: (files.storable(clip.uri), clip.size_bytes, clip.mtime_ns) for i, clip in plan.moved.items()})
    if not plan.units:
        return report

    needed = {name for unit in plan.units for task in unit.tasks for name in task.features}
    warm({function for name in needed if (function := warming(name))}, say)

    from pipeline.extraction import ExtractionConfig
    from pipeline.jobs.extract import extract as run

    config = ExtractionConfig(
        output=str(dataset.path),
        shards=dataset.shards,
        entries=current,
        attempt=plan.attempt,
        limits=settings.limits,
        workers=settings.workers,
        backend=settings.backend,
        device=settings.device,
        batch=settings.batch,
    )
    result = run(plan, config, beam)
    for name in current:
        report.computed[name] = result["rows"].get(name, 0)
    report.rejects = result["rejects"]
    report.media_s = result["media_s"]
    report.encoders = result["encoders"]
    report.seconds = {"extract": result["wall_s"], **{f"extract.{k}": v for k, v in result["seconds"].items()}}
    return report


def warming(name: str) -> Callable[[], None] | None:
    """What compiles the kernels of a feature; None where it has none."""
    feature = features.get(name)
    return feature.warm if isinstance(feature, SoundExtractor | ShotExtractor) else None


def warm(functions: Iterable[Callable[[], None]], say: Say) -> None:
    """Compile what features of the sound and shots need, before workers start that would each do it."""
    for function in functions:
        began = time.monotonic()
        function()
        took_s = time.monotonic() - began
        if took_s > _NOTABLE_S:
            say(f"kernels were compiled in {took_s:.0f} s; the next run finds them ready")
