"""What is done with every pixel of every picture, compiled: averaging, counting colours, comparing histograms.

All in integers but for the last step, so nothing depends on the order in which it is done. Plain numpy versions of
:func:`average`, :func:`count` and :func:`grid` are in :mod:`transforms.shots.reference`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from transforms import kernels

FOLDER = Path(__file__).resolve().parent
kernels.prepare(FOLDER)

import numba  # noqa: E402, decorators look for a folder to keep what they compile

#: Fine bins between two anchors of a hue, and of a chroma or value (ours; here, so that the compiler knows them).
PER_HUE, PER_STEP = 2, 4


@numba.njit(cache=True, nogil=True)
def average(samples: np.ndarray, halved_x: int, halved_y: int, drop: int, sums: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` (uint8) with the means of blocks of 2^halved_y rows and 2^halved_x columns, halves rounded up.

    ``samples`` may have more rows and columns than that; its last ``drop`` bits are cut off with the mean. ``sums`` is
    working space for a row of the blocks' columns; its type must hold the sum of a column of a block.
    """
    height, width = out.shape
    wide, tall = width << halved_x, 1 << halved_y
    shift = np.uint32(halved_x + halved_y + drop)
    half = (np.uint32(1) << shift) >> np.uint32(1)
    pairs = np.empty(max(width, wide >> 1), np.uint32)
    for row in range(height):
        first = row << halved_y
        if tall >= 4:
            # four rows at a time: half as much goes in and out of ``sums``
            sums[:wide] = 0
            for y in range(first, first + tall, 4):
                a, b, c, d = samples[y], samples[y + 1], samples[y + 2], samples[y + 3]
                for x in range(wide):
                    sums[x] += np.uint16(a[x]) + np.uint16(b[x]) + np.uint16(c[x]) + np.uint16(d[x])
        elif tall == 2:
            a, b = samples[first], samples[first + 1]
            for x in range(wide):
                sums[x] = np.uint16(a[x]) + np.uint16(b[x])
        else:
            a = samples[first]
            for x in range(wide):
                sums[x] = a[x]
        if halved_x == 0:
            for x in range(width):
                pairs[x] = sums[x]
        else:
            for x in range(wide >> 1):
                pairs[x] = np.uint32(sums[2 * x]) + np.uint32(sums[2 * x + 1])
        for again in range(2, halved_x + 1):
            for x in range(wide >> again):
                pairs[x] = pairs[2 * x] + pairs[2 * x + 1]
        for x in range(width):
            out[row, x] = min((pairs[x] + half) >> shift, np.uint32(255))


@numba.njit(cache=True, nogil=True)
def average_each(
    luma: np.ndarray,
    blue: np.ndarray,
    red: np.ndarray,
    halved: tuple[int, int, int, int],
    drop: int,
    sums: np.ndarray,
    out: np.ndarray,
) -> None:
    """:func:`average` of three planes: ``halved`` is that of luma in x and y, then that of chroma."""
    average(luma, halved[0], halved[1], drop, sums, out[0])
    average(blue, halved[2], halved[3], drop, sums, out[1])
    average(red, halved[2], halved[3], drop, sums, out[2])


@numba.njit(cache=True, nogil=True)
def count(
    luma: np.ndarray,
    blue: np.ndarray,
    red: np.ndarray,
    places: np.ndarray,
    dither: np.ndarray,
    bins: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill ``out`` (float32 [hue, chroma, value]) as :mod:`transforms.shots.histogram` has it.

    ``places`` is [2, columns], ``dither`` [2, 2, columns] (Cb and Cr, even and odd rows), ``bins`` the fine bin of each
    place and colour.
    """
    height, width = luma.shape
    hues, chromas, values = out.shape
    fine = np.zeros((2, hues * PER_HUE, (chromas - 1) * PER_STEP + 1, (values - 1) * PER_STEP + 1), np.int32)
    flat = fine.reshape(2, -1)
    counts = np.zeros(out.shape, np.int64)
    index = np.empty(width, np.uint32)
    for y in range(height):
        bright, blues, reds, place = luma[y], blue[y], red[y], places[y & 1]
        to_blue, to_red = dither[0, y & 1], dither[1, y & 1]
        for x in range(width):
            cb = np.uint32(min(blues[x], np.uint8(249)) + to_blue[x]) >> np.uint32(3)
            cr = np.uint32(min(reds[x], np.uint8(249)) + to_red[x]) >> np.uint32(3)
            cell = (np.uint32(bright[x]) >> np.uint32(2)) << np.uint32(10)
            index[x] = place[x] | cell | (cb << np.uint32(5)) | cr
        for x in range(width):
            # in two tables in turn: neighbours are often of one bin, and would wait for each other
            flat[x & 1, bins[index[x]]] += 1
    for hue in range(fine.shape[1]):
        for chroma in range(fine.shape[2]):
            for value in range(fine.shape[3]):
                here = fine[0, hue, chroma, value] + fine[1, hue, chroma, value]
                if not here:
                    continue
                h, c, v = hue // PER_HUE, chroma // PER_STEP, value // PER_STEP
                of_h, of_c, of_v = hue % PER_HUE, chroma % PER_STEP, value % PER_STEP
                for next_h in range(1 + (of_h > 0)):
                    share_h = of_h if next_h else PER_HUE - of_h
                    for next_c in range(1 + (of_c > 0)):
                        share_c = share_h * (of_c if next_c else PER_STEP - of_c)
                        for next_v in range(1 + (of_v > 0)):
                            share = share_c * (of_v if next_v else PER_STEP - of_v)
                            counts[(h + next_h) % hues, c + next_c, v + next_v] += here * share
    for hue in range(1, hues):
        for value in range(values):
            counts[0, 0, value] += counts[hue, 0, value]
            counts[hue, 0, value] = 0
    whole = luma.size * PER_HUE * PER_STEP**2
    for hue in range(hues):
        for chroma in range(chromas):
            for value in range(values):
                out[hue, chroma, value] = counts[hue, chroma, value] / whole


@numba.njit(cache=True, nogil=True)
def grid(luma: np.ndarray, blue: np.ndarray, red: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` (uint8 [rows, columns, 3]) with the means of the planes' cells, halves rounded up.

    Pixels on an edge between cells belong to both in part. In units of a pixel's 1/(rows x columns of ``out``),
    whose sums fit into 32 bits while the planes' sides are below 2048.
    """
    height, width = luma.shape
    rows, columns, _ = out.shape
    whole = width * height
    line = np.empty(width, np.int32)
    for number, plane in enumerate((luma, blue, red)):
        for row in range(rows):
            line[:] = 0
            # the cell is [row * height, (row + 1) * height) where a pixel is ``rows`` long
            for y in range(row * height // rows, -(-(row + 1) * height // rows)):
                share = np.int32(min((y + 1) * rows, (row + 1) * height) - max(y * rows, row * height))
                pixels = plane[y]
                for x in range(width):
                    line[x] += share * np.int32(pixels[x])
            for column in range(columns):
                total = np.int32(0)
                for x in range(column * width // columns, -(-(column + 1) * width // columns)):
                    share = min((x + 1) * columns, (column + 1) * width) - max(x * columns, column * width)
                    total += np.int32(share) * line[x]
                out[row, column, number] = np.uint32(2 * total + whole) // np.uint32(2 * whole)


@numba.njit(cache=True, nogil=True)
def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Half the L1 distance of two vectors, in float64."""
    total = 0.0
    for index in range(one.size):
        total += abs(np.float64(one[index]) - np.float64(other[index]))
    return 0.5 * total


@numba.njit(cache=True, nogil=True)
def change(one: np.ndarray, other: np.ndarray) -> int:
    """The L1 distance of two uint8 arrays of one shape."""
    total = np.int64(0)
    for a, b in zip(one.flat, other.flat):  # noqa: B905, numba knows no strict
        total += abs(np.int64(a) - np.int64(b))
    return int(total)


@numba.njit(cache=True, nogil=True)
def level(tiny: np.ndarray) -> float:
    """The mean of the first plane of uint8 [rows, columns, planes]."""
    total = 0
    for row in range(tiny.shape[0]):
        for column in range(tiny.shape[1]):
            total += tiny[row, column, 0]
    return total / (tiny.shape[0] * tiny.shape[1])
