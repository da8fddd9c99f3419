"""Writes transforms/music/median31.py: running medians of 31 as straight-line code of min and max.

Run it after a change here: ``python tools/make_median.py``. A test compares the module with what this writes.

A sorting network (K. E. Batcher, Sorting networks and their applications, AFIPS 1968: odd-even merge), of which only
that is kept which the wanted outputs depend on. For one window of 31 that leaves 152 comparators, 274 operations. Four
neighbouring windows share 28 samples, so here those are ordered once: on 32 wires, of which the outer four are
constants and fold away, and only as far as the middle four. Those then meet the two samples that two of the windows add
(a merge of the same kind, as far as the middle two), and at last the one sample that a window has for itself: 70
operations a median.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

PATH = Path(__file__).resolve().parent.parent / "transforms" / "music" / "median31.py"

Comparator = tuple[int, int]

_TEMPLATE = '''"""Running medians of 31, equal to scipy.ndimage.median_filter(mode="reflect") of float32 along one axis.

Written by tools/make_median.py, which also says how it works; change that, not this.
"""

from __future__ import annotations

import numba
import numpy as np

#: Medians are made tile by tile (ours): both lie in the innermost cache (20 KiB), at strides known to the compiler,
#: which then takes neighbouring columns together. What a smaller tile leaves over is computed and not used.
ROWS, COLUMNS = 64, 32


@numba.njit("void(f4[:, :], i8, i8, i8, f4[:, :])", cache=True, nogil=True)
def running(samples: np.ndarray, base: int, total: int, first: int, medians: np.ndarray) -> None:
    """Medians of the 31 samples around each one, down the columns; samples mirror at both ends, the edge repeated.

    Parameters
    ----------
    samples: float32 [rows, columns] with any strides and without NaN; row i is sample ``base + i`` of ``total``. It
        must hold what is looked at, 15 samples on either side of a median as far as there are; nothing checks that.
    first: the sample of the first row of ``medians``.
    medians: float32 [rows, columns] with any strides, overwritten.
    """
    tile = np.empty((ROWS + 30, COLUMNS), np.float32)
    found = np.empty((ROWS, COLUMNS), np.float32)
    for top in range(0, medians.shape[0], ROWS):
        rows = min(ROWS, medians.shape[0] - top)
        for left in range(0, medians.shape[1], COLUMNS):
            columns = min(COLUMNS, medians.shape[1] - left)
            for i in range(rows + 30):
                sample = (first + top + i - 15) % (2 * total)
                source = min(sample, 2 * total - 1 - sample) - base
                for k in range(columns):
                    tile[i, k] = samples[source, left + k]
            for row in range(0, ROWS, 4):  # bounds that are constants, or the compiler cannot tell what overlaps
                if row >= rows:
                    break
                for k in range(COLUMNS):
{body}
            for i in range(rows):
                for k in range(columns):
                    medians[top + i, left + k] = found[i, k]
'''


def batcher(wires: int, run: int = 1) -> list[Comparator]:
    """Comparators (low, high) that sort ``wires`` wires (a power of two) of which runs of ``run`` are sorted."""
    found, p = [], run
    while p < wires:
        k = p
        while k:
            for j in range(k % p, wires - k, 2 * k):
                for i in range(j, j + min(k, wires - j - k)):
                    if i // (2 * p) == (i + k) // (2 * p):
                        found.append((i, i + k))
            k //= 2
        p *= 2
    return found


def statements(
    network: Sequence[Comparator], names: Sequence[str], wanted: Iterable[int], constant: Collection[int]
) -> list[str]:
    """The part of a network that the outputs ``wanted`` depend on, in Python; wire i is the variable ``names[i]``.

    ``constant`` wires hold minus infinity at the low end or plus infinity at the high end: nothing moves across them.
    """
    needed, lines = set(wanted), []
    for low, high in reversed(network):
        if low in constant or high in constant or not needed & {low, high}:
            continue
        a, b = names[low], names[high]
        if {low, high} <= needed:
            lines.append(f"{a}, {b} = min({a}, {b}), max({a}, {b})")
        else:
            lines.append(f"{a} = min({a}, {b})" if low in needed else f"{b} = max({a}, {b})")
        needed |= {low, high}
    return lines[::-1]


def shared() -> list[str]:
    """Orders the 28 samples x3 to x30 on wires 2 to 29; the middle four end up in x15 to x18."""
    return statements(batcher(32), [f"x{i + 1}" for i in range(32)], range(14, 18), {0, 1, 30, 31})


def pair(letter: str, own: tuple[int, int]) -> list[str]:
    """Merges two samples into the middle four; the middle two of all six end up in ``letter``2 and ``letter``3."""
    names = [f"{letter}{i}" for i in range(8)]
    copies = [f"{name} = x{i}" for name, i in zip(names, (15, 16, 17, 18, *own), strict=False)]
    return copies + statements([(4, 5), *batcher(8, run=4)], names, (2, 3), {6, 7})


def text() -> str:
    """The module."""
    body = [
        *(f"x{i} = tile[row + {i}, k]" for i in range(34)),
        "# what all four windows share, as far as its middle four",
        *shared(),
        "# windows 0 and 1 also share samples 1 and 2, windows 2 and 3 samples 31 and 32",
        *pair("a", (1, 2)),
        *pair("b", (31, 32)),
        "# and one sample each of their own, between the middle two or beyond",
        *(
            f"found[row + {i}, k] = max({p}2, min({p}3, x{own}))"
            for i, (p, own) in enumerate(zip("aabb", (0, 31, 2, 33), strict=True))
        ),
    ]
    return _TEMPLATE.format(body="\n".join(" " * 20 + line for line in body))


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8", newline="\n")
