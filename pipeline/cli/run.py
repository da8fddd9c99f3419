"""``reelscore run``: a recipe as a whole, from videos to an index."""

from __future__ import annotations

import argparse

from pipeline import recipes, steps
from pipeline.cli import arguments, summary
from pipeline.cli.console import say
from pipeline.cli.session import beam_arguments, open_or_create, record_run
from pipeline.inputs import read_input

HELP = "run a recipe: extract, fit, derive and index what the dataset lacks"
EPILOG = """Example:
  reelscore run vmnet --input videos/ --output dataset/

The same command again computes only what is new."""
TAKES_BEAM_OPTIONS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(recipes.names())}")
    arguments.add_input(parser)
    arguments.add_compute(parser)
    parser.add_argument("--refit", action="store_true", help="learn the projections again from what is there now")
    arguments.add_runner(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    recipe = recipes.load(options.recipe)
    settings = arguments.settings_of(options).over(recipe.parameters)
    beam = beam_arguments(options)
    clips = read_input(options.input, say)
    dataset = open_or_create(options, len(clips))
    with dataset.lock(), arguments.one_line_errors(), record_run(dataset, options) as record:
        report = steps.extract(dataset, clips, recipe.features, settings, beam, say)
        record(report)
        steps.derive(dataset, recipe.features, settings, beam, report, say)
        ready = [entry for entry in recipe.indexes if entry.feature in dataset.meta["features"]]
        steps.build_indexes(dataset, ready, None, beam, report, say)
        if recipe.indexes and not ready and not dataset.clips(["id"]).num_rows:
            report.note("no clip could be computed, so there is no index", say)
    summary.show(dataset, report, as_json=options.json)
    if not dataset.clips(["id"]).num_rows and clips:
        # everything was turned away: the job worked, the input did not
        return 1
    return 0
