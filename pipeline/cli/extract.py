"""``reelscore extract``: only the step that reads media."""

from __future__ import annotations

import argparse

from pipeline import recipes, steps
from pipeline.cli import arguments, summary
from pipeline.cli.console import say
from pipeline.cli.session import beam_arguments, open_or_create, record_run
from pipeline.inputs import read_input

HELP = "decode videos and compute the features that read them (first step of run)"
TAKES_BEAM_OPTIONS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe",
        metavar="RECIPE|FEATURES",
        help=f"one of: {', '.join(recipes.names())}; or features such as hpss380,mfcc32 (docs/features lists them)",
    )
    arguments.add_input(parser)
    arguments.add_compute(parser)
    arguments.add_runner(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    recipe = recipes.load_or_features(options.recipe)
    settings = arguments.settings_of(options).over(recipe.parameters)
    beam = beam_arguments(options)
    clips = read_input(options.input, say)
    dataset = open_or_create(options, len(clips))
    with dataset.lock(), arguments.one_line_errors(), record_run(dataset, options) as record:
        report = steps.extract(dataset, clips, recipe.features, settings, beam, say)
        record(report)
    summary.show(dataset, report, as_json=options.json)
    return 0
