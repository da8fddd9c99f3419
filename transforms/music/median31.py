"""Running medians of 31, equal to scipy.ndimage.median_filter(mode="reflect") of float32 along one axis.

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
                    x0 = tile[row + 0, k]
                    x1 = tile[row + 1, k]
                    x2 = tile[row + 2, k]
                    x3 = tile[row + 3, k]
                    x4 = tile[row + 4, k]
                    x5 = tile[row + 5, k]
                    x6 = tile[row + 6, k]
                    x7 = tile[row + 7, k]
                    x8 = tile[row + 8, k]
                    x9 = tile[row + 9, k]
                    x10 = tile[row + 10, k]
                    x11 = tile[row + 11, k]
                    x12 = tile[row + 12, k]
                    x13 = tile[row + 13, k]
                    x14 = tile[row + 14, k]
                    x15 = tile[row + 15, k]
                    x16 = tile[row + 16, k]
                    x17 = tile[row + 17, k]
                    x18 = tile[row + 18, k]
                    x19 = tile[row + 19, k]
                    x20 = tile[row + 20, k]
                    x21 = tile[row + 21, k]
                    x22 = tile[row + 22, k]
                    x23 = tile[row + 23, k]
                    x24 = tile[row + 24, k]
                    x25 = tile[row + 25, k]
                    x26 = tile[row + 26, k]
                    x27 = tile[row + 27, k]
                    x28 = tile[row + 28, k]
                    x29 = tile[row + 29, k]
                    x30 = tile[row + 30, k]
                    x31 = tile[row + 31, k]
                    x32 = tile[row + 32, k]
                    x33 = tile[row + 33, k]
                    # what all four windows share, as far as its middle four
                    x3, x4 = min(x3, x4), max(x3, x4)
                    x5, x6 = min(x5, x6), max(x5, x6)
                    x7, x8 = min(x7, x8), max(x7, x8)
                    x9, x10 = min(x9, x10), max(x9, x10)
                    x11, x12 = min(x11, x12), max(x11, x12)
                    x13, x14 = min(x13, x14), max(x13, x14)
                    x15, x16 = min(x15, x16), max(x15, x16)
                    x17, x18 = min(x17, x18), max(x17, x18)
                    x19, x20 = min(x19, x20), max(x19, x20)
                    x21, x22 = min(x21, x22), max(x21, x22)
                    x23, x24 = min(x23, x24), max(x23, x24)
                    x25, x26 = min(x25, x26), max(x25, x26)
                    x27, x28 = min(x27, x28), max(x27, x28)
                    x29, x30 = min(x29, x30), max(x29, x30)
                    x5, x7 = min(x5, x7), max(x5, x7)
                    x6, x8 = min(x6, x8), max(x6, x8)
                    x9, x11 = min(x9, x11), max(x9, x11)
                    x10, x12 = min(x10, x12), max(x10, x12)
                    x13, x15 = min(x13, x15), max(x13, x15)
                    x14, x16 = min(x14, x16), max(x14, x16)
                    x17, x19 = min(x17, x19), max(x17, x19)
                    x18, x20 = min(x18, x20), max(x18, x20)
                    x21, x23 = min(x21, x23), max(x21, x23)
                    x22, x24 = min(x22, x24), max(x22, x24)
                    x25, x27 = min(x25, x27), max(x25, x27)
                    x26, x28 = min(x26, x28), max(x26, x28)
                    x6, x7 = min(x6, x7), max(x6, x7)
                    x10, x11 = min(x10, x11), max(x10, x11)
                    x14, x15 = min(x14, x15), max(x14, x15)
                    x18, x19 = min(x18, x19), max(x18, x19)
                    x22, x23 = min(x22, x23), max(x22, x23)
                    x26, x27 = min(x26, x27), max(x26, x27)
                    x3, x7 = min(x3, x7), max(x3, x7)
                    x4, x8 = min(x4, x8), max(x4, x8)
                    x9, x13 = min(x9, x13), max(x9, x13)
                    x10, x14 = min(x10, x14), max(x10, x14)
                    x11, x15 = min(x11, x15), max(x11, x15)
                    x12, x16 = min(x12, x16), max(x12, x16)
                    x17, x21 = min(x17, x21), max(x17, x21)
                    x18, x22 = min(x18, x22), max(x18, x22)
                    x19, x23 = min(x19, x23), max(x19, x23)
                    x20, x24 = min(x20, x24), max(x20, x24)
                    x25, x29 = min(x25, x29), max(x25, x29)
                    x26, x30 = min(x26, x30), max(x26, x30)
                    x3, x5 = min(x3, x5), max(x3, x5)
                    x4, x6 = min(x4, x6), max(x4, x6)
                    x11, x13 = min(x11, x13), max(x11, x13)
                    x12, x14 = min(x12, x14), max(x12, x14)
                    x19, x21 = min(x19, x21), max(x19, x21)
                    x20, x22 = min(x20, x22), max(x20, x22)
                    x27, x29 = min(x27, x29), max(x27, x29)
                    x28, x30 = min(x28, x30), max(x28, x30)
                    x4, x5 = min(x4, x5), max(x4, x5)
                    x6, x7 = min(x6, x7), max(x6, x7)
                    x10, x11 = min(x10, x11), max(x10, x11)
                    x12, x13 = min(x12, x13), max(x12, x13)
                    x14, x15 = min(x14, x15), max(x14, x15)
                    x18, x19 = min(x18, x19), max(x18, x19)
                    x20, x21 = min(x20, x21), max(x20, x21)
                    x22, x23 = min(x22, x23), max(x22, x23)
                    x26, x27 = min(x26, x27), max(x26, x27)
                    x28, x29 = min(x28, x29), max(x28, x29)
                    x3, x11 = min(x3, x11), max(x3, x11)
                    x4, x12 = min(x4, x12), max(x4, x12)
                    x5, x13 = min(x5, x13), max(x5, x13)
                    x6, x14 = min(x6, x14), max(x6, x14)
                    x7, x15 = min(x7, x15), max(x7, x15)
                    x8, x16 = min(x8, x16), max(x8, x16)
                    x17, x25 = min(x17, x25), max(x17, x25)
                    x18, x26 = min(x18, x26), max(x18, x26)
                    x19, x27 = min(x19, x27), max(x19, x27)
                    x20, x28 = min(x20, x28), max(x20, x28)
                    x21, x29 = min(x21, x29), max(x21, x29)
                    x22, x30 = min(x22, x30), max(x22, x30)
                    x5, x9 = min(x5, x9), max(x5, x9)
                    x6, x10 = min(x6, x10), max(x6, x10)
                    x7, x11 = min(x7, x11), max(x7, x11)
                    x8, x12 = min(x8, x12), max(x8, x12)
                    x21, x25 = min(x21, x25), max(x21, x25)
                    x22, x26 = min(x22, x26), max(x22, x26)
                    x23, x27 = min(x23, x27), max(x23, x27)
                    x24, x28 = min(x24, x28), max(x24, x28)
                    x3, x5 = min(x3, x5), max(x3, x5)
                    x4, x6 = min(x4, x6), max(x4, x6)
                    x7, x9 = min(x7, x9), max(x7, x9)
                    x8, x10 = min(x8, x10), max(x8, x10)
                    x11, x13 = min(x11, x13), max(x11, x13)
                    x12, x14 = min(x12, x14), max(x12, x14)
                    x19, x21 = min(x19, x21), max(x19, x21)
                    x20, x22 = min(x20, x22), max(x20, x22)
                    x23, x25 = min(x23, x25), max(x23, x25)
                    x24, x26 = min(x24, x26), max(x24, x26)
                    x27, x29 = min(x27, x29), max(x27, x29)
                    x28, x30 = min(x28, x30), max(x28, x30)
                    x4, x5 = min(x4, x5), max(x4, x5)
                    x6, x7 = min(x6, x7), max(x6, x7)
                    x8, x9 = min(x8, x9), max(x8, x9)
                    x10, x11 = min(x10, x11), max(x10, x11)
                    x12, x13 = min(x12, x13), max(x12, x13)
                    x14, x15 = min(x14, x15), max(x14, x15)
                    x18, x19 = min(x18, x19), max(x18, x19)
                    x20, x21 = min(x20, x21), max(x20, x21)
                    x22, x23 = min(x22, x23), max(x22, x23)
                    x24, x25 = min(x24, x25), max(x24, x25)
                    x26, x27 = min(x26, x27), max(x26, x27)
                    x28, x29 = min(x28, x29), max(x28, x29)
                    x19 = max(x3, x19)
                    x20 = max(x4, x20)
                    x21 = max(x5, x21)
                    x22 = max(x6, x22)
                    x23 = max(x7, x23)
                    x8, x24 = min(x8, x24), max(x8, x24)
                    x9, x25 = min(x9, x25), max(x9, x25)
                    x10 = min(x10, x26)
                    x11 = min(x11, x27)
                    x12 = min(x12, x28)
                    x13 = min(x13, x29)
                    x14 = min(x14, x30)
                    x17 = max(x9, x17)
                    x18 = max(x10, x18)
                    x19 = max(x11, x19)
                    x12, x20 = min(x12, x20), max(x12, x20)
                    x13, x21 = min(x13, x21), max(x13, x21)
                    x14 = min(x14, x22)
                    x15 = min(x15, x23)
                    x16 = min(x16, x24)
                    x12 = max(x8, x12)
                    x17 = max(x13, x17)
                    x14, x18 = min(x14, x18), max(x14, x18)
                    x15, x19 = min(x15, x19), max(x15, x19)
                    x16 = min(x16, x20)
                    x21 = min(x21, x25)
                    x14 = max(x12, x14)
                    x15, x17 = min(x15, x17), max(x15, x17)
                    x16, x18 = min(x16, x18), max(x16, x18)
                    x19 = min(x19, x21)
                    x15 = max(x14, x15)
                    x16, x17 = min(x16, x17), max(x16, x17)
                    x18 = min(x18, x19)
                    # windows 0 and 1 also share samples 1 and 2, windows 2 and 3 samples 31 and 32
                    a0 = x15
                    a1 = x16
                    a2 = x17
                    a3 = x18
                    a4 = x1
                    a5 = x2
                    a4, a5 = min(a4, a5), max(a4, a5)
                    a4 = max(a0, a4)
                    a1, a5 = min(a1, a5), max(a1, a5)
                    a2, a4 = min(a2, a4), max(a2, a4)
                    a3 = min(a3, a5)
                    a2 = max(a1, a2)
                    a3 = min(a3, a4)
                    b0 = x15
                    b1 = x16
                    b2 = x17
                    b3 = x18
                    b4 = x31
                    b5 = x32
                    b4, b5 = min(b4, b5), max(b4, b5)
                    b4 = max(b0, b4)
                    b1, b5 = min(b1, b5), max(b1, b5)
                    b2, b4 = min(b2, b4), max(b2, b4)
                    b3 = min(b3, b5)
                    b2 = max(b1, b2)
                    b3 = min(b3, b4)
                    # and one sample each of their own, between the middle two or beyond
                    found[row + 0, k] = max(a2, min(a3, x0))
                    found[row + 1, k] = max(a2, min(a3, x31))
                    found[row + 2, k] = max(b2, min(b3, x2))
                    found[row + 3, k] = max(b2, min(b3, x33))
            for i in range(rows):
                for k in range(columns):
                    medians[top + i, left + k] = found[i, k]
