"""The report: tables for the terminal and the page, and prose whose every figure comes from the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from benchmarks.results import STAGES, TO_FEATURES, Figures, Round, Spread, started

#: Decode to features in exact float32, measured with prototypes on two cores with AVX-512 (review).
TARGET = 2.4
#: What tells pictures that differ by rounding and resizers from the neighbouring frame (ours).
SAME_FRAME = 0.5
HOW = (
    "Each side runs in a fresh process, in turn, in an order that a seed shuffles for every round. Imports, loading "
    "the network and a first clip of 2 s are start-up. CPU seconds are user and system time of the process, of "
    "children that ended, and of the decoder process. Both sides have the same number of threads (`--threads`) and "
    "the same seeded weights. The generated clips hold noise textures that pan, zoom and turn, three moving discs, "
    "grain and a cut every 1.2 to 6 s: H.264 with up to three B-frames, AAC. A network's speed does not depend on its "
    "weights, a decoder's does depend on the clip: `--clips` measures a folder of your own."
)


@dataclass(frozen=True)
class Report:
    """Everything that the page is made of.

    Attributes
    ----------
    agreement: what :mod:`benchmarks.agreement` printed, on the first group's clip.
    loads: load average at the beginning of each round.
    """

    command: str
    threads: int
    processor: str
    loads: Sequence[float]
    rounds: Sequence[Round]
    figures: Sequence[Figures]
    agreement: dict[str, Any]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns, the first to the left."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join([first, *others]) + " |"

    rule = "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths))
    return "\n".join([line(head), f"|{rule}|", *map(line, rows)])


def _seconds(spread: Spread) -> str:
    digits = 3 if spread.median < 0.1 else 2
    return f"{spread.median:.{digits}f} ({spread.least:.{digits}f}-{spread.most:.{digits}f})"


def _times(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.least:.2f}-{spread.most:.2f})"


def by_stage(figures: Figures) -> str:
    """The table of one group: seconds per minute of video."""
    rows = []
    lines: list[tuple[str, Sequence[str]]] = [(stage, [stage]) for stage in STAGES]
    lines.insert(len(TO_FEATURES), ("**decode to features**", TO_FEATURES))
    lines.append(("**everything**", STAGES))
    for name, stages in lines:
        cells = [name]
        if name == "preprocess":
            cells += [_seconds(figures.seconds("script", "cpu_s", stages)), "in decode", ""]
            cells += [f"{figures.seconds('script', 'wall_s', stages).median:.2f}", ""]
        else:
            cells += [_seconds(figures.seconds(side, "cpu_s", stages)) for side in ("script", "ours")]
            cells += [_times(figures.ratio(stages))]
            cells += [f"{figures.seconds(side, 'wall_s', stages).median:.2f}" for side in ("script", "ours")]
        rows.append(cells)
    return table(["stage", "script, CPU s", "ours, CPU s", "ratio", "script, wall s", "ours, wall s"], rows)


def headline(report: Report) -> str:
    """The ratios, one line for each group."""
    head = ["clips", "number", "minutes", "decode to features", "everything"]
    rows = [
        [f.name, str(f.count), f"{f.minutes:.2f}", f"**{_times(f.ratio(TO_FEATURES))}**", _times(f.ratio(STAGES))]
        for f in report.figures
    ]
    return table(head, rows)


def bounds(report: Report) -> str:
    """What the ratio could be at most on this processor, from the first group."""
    figures, arithmetic = report.figures[0], report.agreement["arithmetic"]
    work = arithmetic["frame"] / 1e9
    product = arithmetic["product_per_s"] / 1e9
    script, ours = (
        work * figures.frames_per_minute(side) / figures.seconds(side, "cpu_s", ["network"]).median
        for side in ("script", "ours")
    )
    share = figures.seconds("ours", "cpu_s", ["network"]).median / figures.seconds("ours", "cpu_s", TO_FEATURES).median
    other = figures.seconds("ours", "cpu_s", ["decode"]).median
    least = work * figures.frames_per_minute("ours") / product
    beside, alone = (figures.ratio(TO_FEATURES, least + rest).median for rest in (other, 0.0))
    reached = figures.ratio(TO_FEATURES).median
    told = "is reached" if reached >= TARGET else "is not reached"
    sentences = [
        f"The network is {share:.0%} of our decode to features ({figures.name}).",
        f"It takes {work:.2f} GFLOP a frame, counted as direct convolution; a CPU second does {ours:.0f} GFLOP "
        f"of it in ours and {script:.0f} in the script, and {product:.0f} of numpy's float32 matrix "
        "product (best of ten on this processor).",
        f"The target of {TARGET}, found with prototypes on a processor with AVX-512, {told} here ({reached:.2f}).",
        f"If our network ran at the rate of the matrix product and all else stayed, the ratio would be {beside:.2f}; "
        f"if decoding then cost nothing at all, {alone:.2f}. Convolutions that need fewer multiplications (Winograd's) "
        "can pass that rate.",
    ]
    return " ".join(sentences) + "\n\n" + _batches(figures, arithmetic["batches"])


def _batches(figures: Figures, found: dict[str, Sequence[float]]) -> str:
    """What the script's batch costs it, and the ratio with the small one."""
    (large, (large_s, large_kernel_s)), (small, (small_s, small_kernel_s)) = found.items()
    ours = figures.seconds("ours", "cpu_s", TO_FEATURES).median
    before = figures.seconds("script", "cpu_s", ["decode", "preprocess"]).median
    ratio = (before + small_s * figures.frames_per_minute("script")) / ours
    return (
        f"The script's batch matters too. Eager torch takes {large_s * 1e3:.0f} CPU ms a frame in batches of {large} "
        f"({large_kernel_s * 1e3:.0f} of them in the kernel, which hands out memory) and {small_s * 1e3:.0f} "
        f"({small_kernel_s * 1e3:.0f}) in batches of {small}, measured once before the rounds. With batches of {small} "
        f"the ratio of {figures.name} would be {ratio:.2f}."
    )


def same(report: Report) -> str:
    """Whether both saw the same frames, and how far their features are apart."""
    found = report.agreement
    same_frames = found["time_s"] == 0 and found["pixel_mean"] < SAME_FRAME * found["pixel_mean_next_frame"]
    rows = [
        ["same pixels, each its own network", *_apart(found["same_pixels"])],
        ["each its own decoder and network, both shrunk from RGB by OpenCV", *_apart(found["same_resizer"])],
        ["as each really does", *_apart(found["as_each_does"])],
    ]
    verdict = "Both sides show the same frames" if same_frames else "**The two sides do not show the same frames**"
    return (
        f"{verdict} ({report.figures[0].name}: {found['rows']['ours']} rows of ours, {found['rows']['script']} of the "
        f"script; presentation times differ by at most {found['time_s']:.3f} s; shrunk to 299x299 alike, pixels differ "
        f"by {found['pixel_mean']:.2f} of 255 on average, from decord's next frame by "
        f"{found['pixel_mean_next_frame']:.2f}).\n\n"
        + table(["features of the two", "greatest difference / greatest value", "least cosine"], rows)
        + "\n\nIn the second line colours are converted with chroma interpolated in full by ours, not by decord. The "
        "last line differs on purpose: ours squeezes the whole picture to 299x299 with swscale's bilinear "
        "filter straight from the coded picture, as YouTube-8M's extractor keeps no aspect ratio; the script follows "
        "torchvision's documentation (shorter side to 342 with antialias, centre crop of 299) and loses the left and "
        "right edges. The weights are random, so the size of these differences says nothing about trained ones."
    )


def _apart(found: dict[str, float]) -> list[str]:
    return [f"{found['max']:.1e}", f"{found['cosine']:.6f}"]


def _machine(report: Report) -> str:
    versions = {side: report.rounds[0][side].about["versions"] for side in ("script", "ours")}
    named = {side: ", ".join(f"{name} {number}" for name, number in found.items()) for side, found in versions.items()}
    loads = ", ".join(f"{load:.1f}" for load in report.loads)
    ready = {side: started(report.rounds, side) for side in ("script", "ours")}
    return "\n".join(
        [
            f"- Processor: {report.processor}; {report.threads} thread(s) for each side.",
            f"- Load average when each round began, the benchmark's own work included: {loads}.",
            *(f"- {side.capitalize()}: {named[side]}; {report.rounds[0][side].about['network']}." for side in versions),
            *(
                f"- Start-up of {name}, not counted: {_seconds(ready[side][0])} CPU s, "
                f"{_seconds(ready[side][1])} wall s."
                for side, name in (("script", "the script"), ("ours", "ours"))
            ),
        ]
    )


def render(report: Report) -> str:
    """The page."""
    parts = [
        "# Performance",
        f"Written by `{report.command}` on {date.today().isoformat()}; do not edit it by hand.",
        "CPU seconds of the script that a researcher would write (`benchmarks/naive.py`: decord at full size, "
        "torchvision's transforms, eager torch, librosa, `numpy.save`) over those of a worker of the job "
        "(`benchmarks/ours.py`: decoding in the child process, the default backend in float32, a float16 Parquet "
        f"part). Median of {len(report.rounds)} pairs of runs, least and greatest in brackets; more than 1 is in our "
        "favour.",
        headline(report),
        "## The machine",
        _machine(report),
        "## By stage",
        "Seconds per minute of video. Ratios are of CPU seconds, pair by pair.",
    ]
    for figures in report.figures:
        parts += [f"### {figures.name}", by_stage(figures)]
        parts += [f"Decoded by {', '.join(figures.decoders)}. {_left_out(figures)}".strip()]
    parts += [
        "`sound` is decoding the track and resampling it to 12 kHz. Ours reads the file once more for it here, which "
        "the job does not. `write` of ours makes compressed Parquet and waits for the disk (fsync); `numpy.save` does "
        "neither.",
        "## What bounds it",
        bounds(report),
        "## The same frames, the same numbers",
        same(report),
        "## How it is measured",
        HOW,
    ]
    return "\n\n".join(parts) + "\n"


def _left_out(figures: Figures) -> str:
    if not figures.failed:
        return ""
    listed = ", ".join(f"{name} ({side}: {kind})" for name, side, kind in figures.failed)
    return f"Left out on both sides, because one of them failed: {listed}."
