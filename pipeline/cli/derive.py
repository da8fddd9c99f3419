"""``reelscore derive``: only the step that computes features from features."""

from __future__ import annotations

import argparse

from pipeline import recipes, steps
from pipeline.cli import arguments, summary
from pipeline.cli.console import say
from pipeline.cli.session import beam_arguments, record_run
from pipeline.store import Dataset

HELP = "compute features from features: projections, statistics (third step of run)"
TAKES_BEAM_OPTIONS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(recipes.names())}")
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    arguments.add_set(parser)
    arguments.add_runner(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    recipe = recipes.load(options.recipe)
    settings = arguments.settings_of(options).over(recipe.parameters)
    beam = beam_arguments(options)
    dataset = Dataset.open(options.dataset)
    report = steps.Report()
    with dataset.lock(), record_run(dataset, options) as record:
        record(report)
        steps.derive(dataset, recipe.features, settings, beam, report, say)
    summary.show(dataset, report, as_json=options.json)
    return 0
