"""``reelscore inspect``: what a dataset, or one clip of it, holds."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from pipeline.cli import arguments, summary
from pipeline.cli.console import say, table
from pipeline.errors import UsageError
from pipeline.sheets import SheetData
from pipeline.store import Dataset, FeatureRows
from pipeline.store.write import write_atomically

HELP = "show what a dataset holds, or one clip of it"
EPILOG = (
    "Examples:\n  reelscore inspect dataset/ --clip 3fa9c1d2\n"
    "  reelscore inspect dataset/ --clip 3fa9c1d2 --sheet clip.html"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help="a dataset's folder")
    parser.add_argument("--clip", metavar="ID", help="a clip id, or its beginning")
    parser.add_argument(
        "--sheet",
        metavar="FILE.html|FILE.png",
        help="with --clip: also write its shots and keyframes as a contact sheet; a file of that name is replaced",
    )
    parser.add_argument("--all", action="store_true", help="with --clip: all shots, not the first 40")
    arguments.add_json(parser)


def run(options: argparse.Namespace) -> int:
    dataset = Dataset.open(options.dataset)
    for flag, given in (("--sheet", options.sheet is not None), ("--all", options.all)):
        if given and not options.clip:
            raise UsageError(f"{flag} is about one clip: say which with --clip ID")
    if options.clip:
        sheet = _place(options.sheet) if options.sheet is not None else None
        return _clip(dataset, options.clip, sheet, options.all, options.json)
    content = summary.contents(dataset)
    print(json.dumps(content, indent=1) if options.json else "\n".join(summary.lines(dataset, content, None)).lstrip())
    return 0


def _clip(dataset: Dataset, name: str, sheet: Path | None, every: bool, as_json: bool) -> int:
    from pipeline.searching import find_clip
    from pipeline.sheets import text
    from pipeline.sheets.load import sheet_data
    from pipeline.store.one_clip import clip_rows

    clip_id = find_clip(dataset, name)
    if clip_id is None:
        raise UsageError(f"{dataset.path}: no clip {name!r}")
    clips = dataset.clips()
    (row,) = clips.filter(pc.equal(clips["id"], clip_id)).to_pylist()
    found = {
        feature: rows
        for feature in sorted(dataset.meta["features"])
        if (rows := clip_rows(dataset, feature, clip_id)) is not None
    }
    values = {feature: _values(rows) for feature, rows in found.items()}
    data = sheet_data(dataset, row, found)
    if sheet is not None:
        _write(data, sheet)
    if as_json:
        print(json.dumps({"clip": row, "features": values, **data.plain()}, indent=1))
        return 0
    print(table(["", ""], [[key, value] for key, value in row.items() if value not in (None, [])]))
    cells = [
        [n, "x".join(map(str, v["shape"])), v["masked"], *("-" if v[k] is None else f"{v[k]:.4g}" for k in _FIGURES)]
        for n, v in values.items()
    ]
    print("\n" + table(["feature", "shape", "masked", *_FIGURES], cells, right=(1, 2, 3, 4)))
    print("\n" + "\n".join(text.lines(data, shutil.get_terminal_size().columns, every)))
    return 0


_FIGURES = ("mean", "max")


def _values(rows: FeatureRows) -> dict[str, Any]:
    (array,) = rows.floats()
    return {
        "shape": list(array.shape),
        "masked": int((~rows.masks[0]).sum()) if rows.masks else 0,
        "mean": float(np.mean(array)) if array.size else None,
        "max": float(np.max(array)) if array.size else None,
    }


def _place(name: str) -> Path:
    """Where the sheet goes.

    Raises
    ------
    UsageError: no kind of file that we write, or no place for a file.
    """
    path = Path(name)
    if path.suffix.lower() not in (".html", ".png"):
        raise UsageError(f"--sheet {name}: expected a file name that ends with .html or .png")
    if not path.parent.is_dir():
        raise UsageError(f"--sheet {name}: no folder {path.parent}; make it first, or choose another")
    if path.is_dir():
        raise UsageError(f"--sheet {name}: this is a folder; give the name of a file")
    return path


def _write(data: SheetData, path: Path) -> None:
    """Write the sheet, and say where.

    Raises
    ------
    UsageError: there is nothing to draw, or the file cannot be written.
    """
    if not data.shots and not data.keyframes:
        raise UsageError(f"--sheet: nothing to draw; {'; '.join(data.missing) or 'the clip has no shots'}")
    if path.suffix.lower() == ".png":
        from pipeline.sheets.strip import png

        content = png(data)
    else:
        from pipeline.sheets.html import page

        content = page(data).encode("utf-8")
    try:
        write_atomically(path, content)
    except OSError as error:
        raise UsageError(f"--sheet {path}: cannot be written ({error.strerror or error})") from None
    say(f"contact sheet: {path}")
