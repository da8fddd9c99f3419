"""``reelscore index``: a FAISS index over any clip-level feature."""

from __future__ import annotations

import argparse

from pipeline import steps
from pipeline.cli import arguments, summary
from pipeline.cli.console import say
from pipeline.cli.session import beam_arguments, record_run
from pipeline.indexing.build import KINDS, METRICS, IndexSpec
from pipeline.recipes import IndexEntry
from pipeline.store import Dataset

HELP = "build a FAISS index over a clip-level feature (last step of run)"
EPILOG = "Example:\n  reelscore index dataset/ --feature wpca_video --name video"
TAKES_BEAM_OPTIONS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = IndexSpec()
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument("--feature", required=True, help="the clip-level feature")
    parser.add_argument("--name", help="name of the index (default: the feature's)")
    parser.add_argument("--metric", choices=METRICS, default="cosine", help="default cosine")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default=default.kind,
        help="flat is exact; ivfpq is approximate and re-ranked; auto (default): flat below --ann-from clips",
    )
    number = arguments.positive(int)
    parser.add_argument(
        "--ann-from", type=number, default=default.ann_from, metavar="N", help=f"default {default.ann_from}"
    )
    parser.add_argument(
        "--nlist", type=number, metavar="N", help="inverted lists (default: about 4 times the root of the clips)"
    )
    parser.add_argument("--nprobe", type=number, default=default.nprobe, metavar="N", help=f"default {default.nprobe}")
    arguments.add_runner(parser)
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    beam = beam_arguments(options)
    dataset = Dataset.open(options.dataset)
    report = steps.Report()
    wanted = IndexEntry(options.name or options.feature, options.feature, options.metric)
    spec = {key: getattr(options, key) for key in ("kind", "ann_from", "nlist", "nprobe")}
    with dataset.lock(), record_run(dataset, options) as record:
        record(report)
        steps.build_indexes(dataset, [wanted], spec, beam, report, say)
    summary.show(dataset, report, as_json=options.json)
    return 0
