"""The sheet as one picture: the timeline, and the keyframes in equal cells with their numbers below."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.sheets.data import SheetData, gate, number, stamp

# all in pixels and ours: thumbnails are at most 320 px long, and the longest caption takes 240
CELL_MIN, CELL_MAX = 240, 320
COLUMNS = 4
GAP = 12
LINE = 20
BAR = 28
WIDTH_MIN = 2 * CELL_MAX + 3 * GAP
#: Lines above the bar, and below each picture.
HEADER_LINES, CAPTION_LINES = 3, 3

# BGR
_PAGE, _INK, _FAINT, _MARK = (24, 24, 24), (235, 235, 235), (165, 165, 165), (110, 130, 255)
_EVEN, _ODD, _HATCH = (138, 97, 65), (96, 66, 44), (226, 203, 185)
_SCALE = 0.45


def layout(sizes: list[tuple[int, int]]) -> tuple[int, int, int, int, int]:
    """(columns, cell width, cell height, sheet width, sheet height) for thumbnails of ``sizes`` (width, height)."""
    # the cell takes the shape of the largest picture, so that upright clips do not drown in black
    cell_width = min(max([CELL_MIN, *(w for w, _ in sizes)]), CELL_MAX)
    cell_height = min(max([1, *(h for _, h in sizes)]), CELL_MAX)
    columns = max(1, min(COLUMNS, len(sizes)))
    rows = -(-len(sizes) // columns)
    width = max(WIDTH_MIN, GAP + columns * (cell_width + GAP))
    top = GAP + HEADER_LINES * LINE + BAR + GAP
    return columns, cell_width, cell_height, width, top + rows * (cell_height + CAPTION_LINES * LINE + GAP) + GAP


def strip(data: SheetData) -> np.ndarray:
    """uint8 [height, width, 3], BGR. A thumbnail that is no picture leaves its cell black."""
    import cv2

    keyframes = data.keyframes or ()
    pictures = [_decoded(keyframe.thumbnail) for keyframe in keyframes]
    columns, cell_width, cell_height, width, height = layout([(p.shape[1], p.shape[0]) for p in pictures])
    sheet = np.full((height, width, 3), _PAGE, np.uint8)
    about = f"{data.headline}, scored by {data.scorer}" if data.scorer else data.headline
    for i, (line, colour) in enumerate(((data.clip_id, _INK), (data.uri, _FAINT), (about, _FAINT))):
        _write(sheet, line, GAP, GAP + i * LINE, width - 2 * GAP, colour)
    top = GAP + HEADER_LINES * LINE
    _bar(data, sheet[top : top + BAR, GAP : width - GAP])
    top += BAR + GAP
    for i, (keyframe, picture) in enumerate(zip(keyframes, pictures, strict=True)):
        x = GAP + i % columns * (cell_width + GAP)
        y = top + i // columns * (cell_height + CAPTION_LINES * LINE + GAP)
        cell = sheet[y : y + cell_height, x : x + cell_width]
        cell[:] = 0
        scale = min(cell_width / picture.shape[1], cell_height / picture.shape[0], 1.0)
        fitted = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        if scale < 1:
            picture = cv2.resize(picture, fitted, interpolation=cv2.INTER_AREA)
        left, above = (cell_width - fitted[0]) // 2, (cell_height - fitted[1]) // 2
        cell[above : above + fitted[1], left : left + fitted[0]] = picture
        captions = (
            f"{stamp(keyframe.time_s)}  frame {keyframe.frame}",
            f"shot {keyframe.shot}  diff {number(keyframe.difference)}",
            f"score {number(keyframe.score)}  {gate(keyframe)}",
        )
        for j, line in enumerate(captions):
            _write(sheet, line, x, y + cell_height + j * LINE, cell_width, _FAINT if j else _INK)
    return sheet


def png(data: SheetData) -> bytes:
    """:func:`strip` as a PNG file."""
    import cv2

    _, encoded = cv2.imencode(".png", strip(data))
    return bytes(encoded)


def _decoded(jpeg: bytes) -> np.ndarray:
    import cv2

    found: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    return np.zeros((1, 1, 3), np.uint8) if found is None else found


def _bar(data: SheetData, bar: np.ndarray) -> None:
    """The timeline, into ``bar`` [height, width, 3]: shots in two shades, dissolves hatched, keyframes as lines."""
    height, width = bar.shape[:2]
    if data.span_s <= 0:
        return

    def at(time_s: float) -> int:
        return min(max(round(time_s / data.span_s * width), 0), width)

    for shot in data.shots or ():
        bar[:, at(shot.start_s) : at(shot.end_s)] = _ODD if shot.number % 2 else _EVEN
    diagonal = (np.arange(height)[:, None] + np.arange(width)[None]) % 6 < 2
    for shot in data.shots or ():
        first, end = at(shot.gradual_start_s), at(shot.gradual_end_s)
        bar[:, first:end][diagonal[:, first:end]] = _HATCH
    for keyframe in data.keyframes or ():
        x = min(at(keyframe.time_s), width - 2)
        bar[:, x : x + 2] = _MARK


def _write(sheet: np.ndarray, text: str, x: int, y: int, room: int, colour: tuple[int, int, int]) -> None:
    """One line of text below ``y``, cut to ``room`` pixels; OpenCV has ASCII only, the rest shows as ``?``."""
    import cv2

    font = cv2.FONT_HERSHEY_SIMPLEX
    text = text.encode("ascii", "replace").decode("ascii")
    while text and cv2.getTextSize(text, font, _SCALE, 1)[0][0] > room:
        text = text[:-4] + "..." if len(text) > 4 else ""
    cv2.putText(sheet, text, (x, y + LINE - 6), font, _SCALE, colour, 1, cv2.LINE_AA)
