"""``reelscore fit``: only the step that learns projections, or imports published ones."""

from __future__ import annotations

import argparse

from pipeline import recipes, steps
from pipeline.cli import arguments, summary
from pipeline.cli.console import say
from pipeline.cli.session import beam_arguments, record_run
from pipeline.errors import JobError
from pipeline.store import Dataset
from transforms import features
from transforms.features import Derivation

HELP = "learn the projections whose input features are there (second step of run)"
EPILOG = (
    "Example:\n  reelscore fit vmnet dataset/ --import yt8m_pca.tgz\n\n"
    "A projection of a derived feature (wpca_video) needs its input first: fit, derive, fit, derive; `run` does it all."
)
TAKES_BEAM_OPTIONS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help=f"one of: {', '.join(recipes.names())}")
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument("--refit", action="store_true", help="learn again what was learned before")
    parser.add_argument(
        "--import",
        dest="matrices",
        metavar="PATH",
        help="YouTube-8M's published matrices for wpca instead of fitting: yt8m_pca.tgz, or a folder with its .npy "
        "files or MediaPipe's two .pb files",
    )
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
        fitted = [
            n for n in recipe.features if isinstance(f := features.get(n), Derivation) and f.projection is not None
        ]
        if options.matrices:
            steps.import_projection(dataset, fitted[0], options.matrices, settings, report, say)
        else:
            if not any(dataset.done(str(features.get(name).card.input)) for name in fitted):
                raise JobError(f"{dataset.path}: nothing to fit on; `reelscore extract` comes first")
            steps.fit(dataset, fitted, settings, beam, report, say)
    summary.show(dataset, report, as_json=options.json)
    return 0
