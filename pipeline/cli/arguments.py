"""Options that several commands share, and what they mean as settings."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from models.backends.base import DeviceError
from models.weights import WeightsError
from pipeline.errors import JobError, UsageError
from pipeline.inputs import DEFAULT_FRACTIONS
from pipeline.settings import Settings, default_workers, parse_overrides
from transforms import features
from transforms.decoding import Limits

_GIB = 1 << 30


def positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argparse type: a number of ``kind`` above zero."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
        return value

    return parse


def add_input(parser: argparse.ArgumentParser) -> None:
    """Where clips come from, and how a new dataset is laid out."""
    group = parser.add_argument_group("input and output")
    group.add_argument(
        "--input",
        required=True,
        metavar="DIR|GLOB|MANIFEST",
        help="a folder of videos, a pattern, or a CSV or Parquet manifest (uri; optional clip_id, split, label, text)",
    )
    group.add_argument("--output", required=True, metavar="DATASET", help="the dataset's folder; clips are added to it")
    shares = ",".join(f"{share:g}" for share in DEFAULT_FRACTIONS.values())
    group.add_argument(
        "--split-fractions",
        metavar="TRAIN,VAL,TEST",
        help=f"shares of the splits where a manifest gives none (new datasets; default {shares})",
    )
    group.add_argument(
        "--shards",
        type=positive(int),
        metavar="N",
        help="shards of a new dataset (default: one for 256 clips, at least 4)",
    )


def add_compute(parser: argparse.ArgumentParser) -> None:
    """How features are computed."""
    limits = Limits()
    group = parser.add_argument_group("computing")
    group.add_argument(
        "--weights",
        default="auto",
        metavar="auto|pretrained|random|DIR",
        help="weights of the networks; auto: the published ones where they can be had, else random with a warning",
    )
    group.add_argument(
        "--backend", choices=("auto", "openvino", "torch"), default="auto", help="what runs the networks"
    )
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="cuda fails where there is no GPU"
    )
    group.add_argument("--precision", choices=("f32", "bf16"), help="bf16 is faster and deviates (default f32)")
    group.add_argument(
        "--batch", type=positive(int), default=32, metavar="N", help="frames at once on a GPU (default 32)"
    )
    group.add_argument(
        "--workers",
        type=positive(int),
        default=default_workers(),
        metavar="N",
        help="decoder processes and network threads (default: the cores, here %(default)s)",
    )
    group.add_argument("--decoder", choices=("pyav", "decord"), help="pyav is exact (default); decord for comparison")
    group.add_argument(
        "--max-seconds", type=positive(float), metavar="S", help="seconds of a clip that are looked at (default 360)"
    )
    group.add_argument("--keep-sound", action="store_true", help="also write each clip's sound track as FLAC")
    group.add_argument("--retry-rejects", action="store_true", help="try clips again that were turned away before")
    group.add_argument(
        "--clips-per-part",
        type=positive(int),
        metavar="N",
        help="most clips in one file, and lost to a kill (default 32, in jobs of 10,000 clips or more 256)",
    )
    add_set(group)
    group = parser.add_argument_group("limits of one clip (beyond them it is rejected, and nothing else)")
    for flag, value, text in (
        ("--max-wall-s", limits.wall_s, "seconds of decoding"),
        ("--max-cpu-s", limits.cpu_s, "seconds of CPU time of decoding"),
        ("--max-memory-gib", limits.address_space_bytes / _GIB, "GiB of memory of the decoder"),
        ("--max-megapixels", limits.max_pixels / 1e6, "millions of pixels of a picture"),
        ("--max-duration-s", limits.max_duration_s, "seconds of length"),
    ):
        group.add_argument(flag, type=positive(float), default=value, metavar="X", help=f"{text} (default {value:g})")


def add_set(parser: Any) -> None:
    """``--set``, for any parameter of any feature."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FEATURE.PARAMETER=VALUE",
        help="any parameter of a feature's card, such as wpca.dims=512 (may be repeated)",
    )


def add_runner(parser: argparse.ArgumentParser) -> None:
    """Which Beam runner; everything else that Beam knows passes through."""
    group = parser.add_argument_group("Beam")
    group.add_argument(
        "--runner", default="direct", help="direct (this machine, default) or a Beam runner; its options pass through"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings that parsed options mean.

    Raises
    ------
    UsageError: ``--set`` with an unknown feature, parameter or value.
    """
    overrides = parse_overrides(options.set)
    shorthands = {"decoder": "decoder", "max_seconds": "max_s", "precision": "precision"}
    for option, parameter in shorthands.items():
        value = getattr(options, option, None)
        if value is not None:
            for name in features.names():
                known = features.get(name).card.known().get(parameter)
                if known is not None:
                    try:
                        parsed = known.parse(f"{name}.{parameter}", str(value))
                    except ValueError as error:
                        raise UsageError(str(error)) from None
                    overrides.setdefault(name, {}).setdefault(parameter, parsed)
    given = vars(options)
    known_fields: dict[str, Any] = {
        key: given[key]
        for key in ("weights", "backend", "device", "batch", "workers", "keep_sound", "retry_rejects", "clips_per_part")
        if key in given
    }
    if "max_wall_s" in given:
        known_fields["limits"] = Limits(
            wall_s=options.max_wall_s,
            cpu_s=options.max_cpu_s,
            address_space_bytes=int(options.max_memory_gib * _GIB),
            max_pixels=int(options.max_megapixels * 1e6),
            max_duration_s=options.max_duration_s,
        )
    return Settings(overrides=overrides, refit=given.get("refit", False), **known_fields)


class one_line_errors:
    """Context: errors of networks and devices become a JobError, so that they are told in one line."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (DeviceError, WeightsError)):
            raise JobError(str(error)) from error
