"""The end of a run: what there is now, what was turned away and why, where the time went, what to try next."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from pipeline.cli.console import clock, table
from pipeline.steps import Report
from pipeline.store import Dataset
from transforms.errors import REASONS


def show(dataset: Dataset, report: Report, *, as_json: bool) -> None:
    """Print the summary on stdout, as text or JSON."""
    content = contents(dataset)
    if as_json:
        print(json.dumps({**content, "run": asdict(report)}, indent=1))
        return
    print("\n".join(lines(dataset, content, report)))


def contents(dataset: Dataset) -> dict[str, Any]:
    """What a dataset holds, as plain data."""
    clips = dataset.clips(["id", "split", "duration_s"])
    rejects = dataset.rejects()
    whole = Counter(row["reason"] for row in rejects if row["feature"] is None)
    partial = Counter(f"{row['feature']}: {row['reason']}" for row in rejects if row["feature"] is not None)
    return {
        "dataset": str(dataset.path),
        "clips": clips.num_rows,
        "hours": round(sum(clips["duration_s"].to_pylist()) / 3600, 4),
        "splits": dict(sorted(Counter(clips["split"].to_pylist()).items())),
        "features": {
            name: {
                "clips": len(dataset.done(name)),
                "layout": card["layout"],
                "hop_s": card["hop_s"],
                "row": card.get("row", ""),
                "dims": card["dims"],
                "dtype": card["dtype"],
                "fingerprint": card["fingerprint"],
                "weights": card["weights_label"],
            }
            for name, card in sorted(dataset.meta["features"].items())
        },
        "indexes": dataset.meta["indexes"],
        "rejects": dict(whole.most_common()) | dict(partial.most_common()),
    }


def lines(dataset: Dataset, content: dict[str, Any], report: Report | None) -> list[str]:
    """The summary as text."""
    splits = ", ".join(f"{split} {count}" for split, count in content["splits"].items())
    found = [f"\n{content['dataset']}: {content['clips']} clips, {content['hours']:.2f} h ({splits or 'none'})"]
    if content["features"]:
        rows = [[name, f["clips"], _layout(f), f["dims"], f["dtype"]] for name, f in content["features"].items()]
        found += ["", table(["feature", "clips", "layout", "dims", "type"], rows, right=(1, 3))]
    for name, index in content["indexes"].items():
        found.append(f"index {name}: {index['feature']}, {index['metric']}")
    if content["rejects"]:
        found += ["", f"{sum(content['rejects'].values())} rejects (reelscore rejects {content['dataset']})"]
        rows = [[count, key, REASONS.get(key.rsplit(": ", 1)[-1], "")] for key, count in content["rejects"].items()]
        found.append(table(["count", "reason", "meaning"], rows, right=(0,)))
    random = sorted({f["weights"] for f in content["features"].values() if (f["weights"] or "").startswith("random")})
    if random:
        found += ["", f"warning: made with {random[0]} weights: good for trying things out, not for results"]
    if report is not None:
        found += ["", *_time(report)]
        if report.notes:
            found += ["", "notes:", *(f"  {line}" for line in report.notes)]
    example = dataset.clips(["id"])["id"]
    if content["indexes"] and len(example):
        index = sorted(content["indexes"])[0]
        found += ["", f"try: reelscore search {content['dataset']} {example[0].as_py()[:12]} --index {index}"]
    return found


def _layout(feature: dict[str, Any]) -> str:
    if feature["layout"] == "clip":
        return "one vector"
    if feature["hop_s"] is None:
        return f"a row {feature['row'].partition(',')[0].partition(':')[0]}"
    return "a row a second" if feature["hop_s"] == 1 else f"a row every {feature['hop_s']:.3g} s"


def _time(report: Report) -> list[str]:
    if not report.did_something():
        inputs = f": all {report.input_clips} clips of the input were done before" if report.input_clips else ""
        return [f"nothing to do{inputs}"]
    done = ", ".join(f"{name} {count}" for name, count in report.computed.items() if count) or "nothing"
    found = [f"computed now (clips): {done}"]
    steps = [f"{key} {clock(value)}" for key, value in report.seconds.items() if "." not in key]
    found.append(f"time: {', '.join(steps)}")
    inside = {key.split(".", 1)[1]: value for key, value in report.seconds.items() if "." in key}
    if inside:
        parts = ", ".join(f"{_STAGES.get(key, key)} {clock(value)}" for key, value in inside.items())
        found.append(f"  of extract: {parts}")
    return found


_STAGES = {
    "decode_cpu": "decoding (CPU time, beside the rest)",
    "feature_cpu": "features of sound and shots (CPU time, beside the rest)",
    "wait": "waiting for clips",
    "model": "network",
    "write": "writing",
}
