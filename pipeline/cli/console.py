"""What a person sees: our lines, errors of one line, and third-party noise only when asked for."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence


def quiet(verbose: bool) -> None:
    """Keep the log noise of libraries away, unless ``verbose``."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if verbose:
        os.environ["REELSCORE_VERBOSE"] = "1"
        return
    # a failed job is told in one line by ourselves, not by Beam's worker as well
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore")


def say(line: str) -> None:
    """A line about what is going on (stderr, so that results on stdout stay clean)."""
    print(line, file=sys.stderr, flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Columns side by side, two spaces between them; the columns in ``right`` are aligned to the right."""
    cells = [[str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        padded = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def clock(seconds: float) -> str:
    """``1:02:03``, ``2:03`` or ``4.5 s`` for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d} min"
