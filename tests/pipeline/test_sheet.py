"""The contact sheet of records made by hand: exact text, HTML that holds together, a PNG with the pictures in it."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.sheets import KeyframeRow, SheetData, ShotRow, html, strip, text
from pipeline.sheets.data import number, stamp


def jpeg(width: int, height: int, bgr: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""
    _, encoded = cv2.imencode(".jpg", np.full((height, width, 3), bgr, np.uint8))
    return bytes(encoded)


RED, GREEN = (40, 40, 220), (60, 200, 60)

SHOTS = (
    ShotRow(0, 0.0, 2.0, 0, 50, 0.0, 0.0, 0.0, 0.25, 0.5),
    ShotRow(1, 2.0, 5.0, 50, 125, 2.0, 2.0, 0.75, None, None),
    ShotRow(2, 5.0, 10.0, 125, 250, 4.5, 5.5, 0.125, 0.8125, 0.75),
)
KEYFRAMES = (
    KeyframeRow(0, 10, 0.4, 0.25, 0.0625, False, jpeg(320, 180, RED)),
    KeyframeRow(2, 200, 8.0, 0.8125, 0.5, True, jpeg(320, 180, GREEN)),
)
DATA = SheetData("clip", "/videos/clip.mp4", 10.0, SHOTS, KEYFRAMES, scorer="colour")


def many(count: int) -> SheetData:
    """A clip of ``count`` shots of a second."""
    shots = tuple(ShotRow(i, i, i + 1.0, 25 * i, 25 * i + 25, i, i, 0.5) for i in range(count))
    return SheetData("clip", "", float(count), shots, ())


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00.000"), (1.0005, "0:01.000"), (59.9996, "1:00.000"), (61.5, "1:01.500"), (3723.25, "62:03.250")],
)
def test_stamp(seconds: float, expected: str) -> None:
    assert stamp(seconds) == expected


def test_number() -> None:
    assert [number(v) for v in (0.12345, None, float("nan"), float("inf"))] == ["0.123", "-", "-", "-"]


# -- terminal ---------------------------------------------------------------------------------------------------------


def test_text_of_a_small_clip() -> None:
    expected = """\
3 shots, 2 keyframes in 0:10.000, scored by colour

shot     start       end    length  frame  frames  begins                      score  of key
   0  0:00.000  0:02.000  0:02.000      0      50  start                       0.250   0.500  *
   1  0:02.000  0:05.000  0:03.000     50      75  cut                             -       -
   2  0:05.000  0:10.000  0:05.000    125     125  dissolve 0:04.500-0:05.500  0.812   0.750  *

keyframe  frame  shot  score  difference  gate
0:00.400     10     0  0.250       0.062  below
0:08.000    200     2  0.812       0.500  passed

0:00.000 to 0:10.000  (| cut, / dissolve, * keyframe)
|*------|---------////----------*-------"""
    assert "\n".join(text.lines(DATA, 40)) == expected


def test_long_clips_are_cut_short_in_the_terminal_unless_asked() -> None:
    short, whole = ("\n".join(text.lines(many(100), 60, every)) for every in (False, True))
    assert "... and 60 more shots (--all shows them)" in short
    assert re.findall(r"^ *(\d+)  \d+:", short, re.M) == [str(i) for i in range(40)]
    assert re.findall(r"^ *(\d+)  \d+:", whole, re.M) == [str(i) for i in range(100)]
    assert "more" not in whole
    assert "more" not in "\n".join(text.lines(many(40), 60))
    assert short.splitlines()[-1] == whole.splitlines()[-1]


@pytest.mark.parametrize("width", [1, 10, 33, 80, 200])
def test_timeline_is_as_wide_as_asked(width: int) -> None:
    line = text.timeline(DATA, width)
    assert len(line) == max(width, 10)
    assert line.count("*") == 2
    assert line[-1] == "-"


def test_timeline_at_the_very_end() -> None:
    last = ShotRow(1, 9.0, 10.0, 225, 250, 9.0, 10.0, 0.1)
    keyframe = KeyframeRow(1, 249, 10.0, None, 0.1, True, b"")
    found = text.timeline(replace(DATA, shots=(replace(SHOTS[0], end_s=9.0), last), keyframes=(keyframe,)), 20)
    assert found == "|-----------------/*"


def test_what_is_missing_is_told() -> None:
    nothing = SheetData("clip", "", 10.0, None, None, missing=("no shots of this clip; to get it: ...",))
    assert text.lines(nothing, 40) == ["no shots of this clip; to get it: ..."]
    no_keyframes = replace(DATA, keyframes=None, scorer=None, missing=("no keyframes",))
    found = text.lines(no_keyframes, 40)
    assert found[0] == "3 shots in 0:10.000"
    assert found[-1] == "no keyframes"
    assert "*" not in found[2]


def test_keyframes_without_shots_and_one_shot() -> None:
    assert text.lines(replace(DATA, shots=None), 40)[0] == "2 keyframes in 0:08.000, scored by colour"
    one = text.lines(replace(DATA, shots=SHOTS[:1], keyframes=()), 40)
    assert one[0] == "1 shot, no keyframes in 0:02.000, scored by colour"
    assert one[-1] == "|" + 39 * "-"


def test_a_clip_without_any_picture_shown() -> None:
    empty = SheetData("clip", "", 0.0, (), ())
    assert text.lines(empty, 40) == ["no shots, no keyframes in 0:00.000"]
    at_zero = replace(DATA, duration_s=0.0, shots=(replace(SHOTS[0], end_s=0.0),), keyframes=())
    assert text.lines(at_zero, 40)[-1] == "|" + 39 * "-"
    assert html.page(at_zero)
    assert strip.png(at_zero)


# -- plain data -------------------------------------------------------------------------------------------------------


def test_plain_data_holds_no_pixels() -> None:
    plain = DATA.plain()
    assert plain["shots"][2] == {
        "number": 2,
        "start_s": 5.0,
        "end_s": 10.0,
        "first_frame": 125,
        "end_frame": 250,
        "gradual_start_s": 4.5,
        "gradual_end_s": 5.5,
        "jump": 0.125,
        "score": 0.8125,
        "key_score": 0.75,
        "begins": "dissolve 0:04.500-0:05.500",
    }
    assert plain["keyframes"][0] == {
        "shot": 0,
        "frame": 10,
        "time_s": 0.4,
        "score": 0.25,
        "difference": 0.0625,
        "passed": False,
    }
    assert plain["scorer"] == "colour"
    assert replace(DATA, shots=None).plain()["shots"] is None


# -- HTML -------------------------------------------------------------------------------------------------------------

_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Collects elements, and asserts that each is closed where it should be."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag: str, **attributes: Any) -> list[dict[str, str | None]]:
        """Attributes of the elements ``tag`` that have these among them."""
        return [a for name, a in self.elements if name == tag and attributes.items() <= a.items()]


def test_html_holds_every_keyframe() -> None:
    source = html.page(DATA)
    page = Page(source)
    images = [str(a["src"]).removeprefix("data:image/jpeg;base64,") for a in page.all("img")]
    assert [base64.b64decode(i, validate=True) for i in images] == [k.thumbnail for k in KEYFRAMES]
    words = " ".join(" ".join(page.words).split())
    assert "0:08.000 shot 2, frame 200 score 0.812 (passed the gate) , difference 0.500" in words
    assert "0:00.400 shot 0, frame 10 score 0.250 (below the gate) , difference 0.062" in words
    assert "Scored by colour." in words


def test_html_timeline_is_to_scale() -> None:
    page = Page(html.page(DATA))
    styles = [a["style"] for tag, a in page.elements if tag == "i" and str(a["class"]).startswith("shot")]
    assert styles == [
        "left:0.0000%;width:20.0000%",
        "left:20.0000%;width:30.0000%",
        "left:50.0000%;width:50.0000%",
    ]
    assert [a["style"] for a in page.all("i", **{"class": "fade"})] == ["left:45.0000%;width:10.0000%"]
    marks = page.all("a", **{"class": "mark"})
    assert [(a["href"], a["style"]) for a in marks] == [("#k0", "left:4.0000%"), ("#k1", "left:80.0000%")]
    assert [a["id"] for a in page.all("figure")] == ["k0", "k1"]


def test_html_asks_nothing_of_anyone() -> None:
    source = html.page(DATA)
    page = Page(source)
    assert page.all("script") == page.all("link") == []
    assert "default-src 'none'" in source
    assert not re.search(r"https?://|url\(|@import", source)
    assert "prefers-color-scheme: dark" in source


def test_html_escapes_what_a_name_may_hold() -> None:
    name = "<b>&\"'</title>"
    source = html.page(replace(DATA, clip_id=name, uri=f"/videos/{name}", scorer=name, missing=(name,)))
    page = Page(source)
    assert page.all("b") == [{}, {}]  # the times of the two keyframes
    assert "".join(page.words).count(name) == 5  # title, heading, uri, scorer, what is missing
    assert "<b>&" not in source


@pytest.mark.parametrize("keyframes", [(), None])
def test_html_without_keyframes(keyframes: tuple[KeyframeRow, ...] | None) -> None:
    page = Page(html.page(replace(DATA, keyframes=keyframes)))
    assert page.all("img") == page.all("figure") == []
    assert ("None." in page.words) == (keyframes == ())
    assert len(page.all("tr")) == 1 + len(SHOTS)


def test_html_of_nothing() -> None:
    page = Page(html.page(SheetData("clip", "", 1.0, None, None, missing=("no shots",))))
    assert "no shots" in page.words
    assert page.all("div") == page.all("table") == []


# -- PNG --------------------------------------------------------------------------------------------------------------


def decoded(data: SheetData) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(strip.png(data), np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


def cells(data: SheetData, sheet: np.ndarray, sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    """The pictures' cells, counted out from the layout."""
    columns, width, height, _, _ = strip.layout(sizes)
    top = strip.GAP + strip.HEADER_LINES * strip.LINE + strip.BAR + strip.GAP
    step = height + strip.CAPTION_LINES * strip.LINE + strip.GAP
    found = []
    for i in range(len(sizes)):
        x, y = strip.GAP + i % columns * (width + strip.GAP), top + i // columns * step
        found.append(sheet[y : y + height, x : x + width])
    return found


def test_png_has_the_pictures_where_they_belong() -> None:
    sheet = decoded(DATA)
    assert sheet.shape == (12 + 60 + 28 + 12 + 180 + 60 + 12 + 12, 2 * 320 + 3 * 12, 3)
    for cell, colour in zip(cells(DATA, sheet, [(320, 180)] * 2), (RED, GREEN), strict=True):
        assert cell.shape == (180, 320, 3)
        assert np.abs(cell.astype(int) - colour).max() <= 4  # JPEG


def test_png_letterboxes_and_breaks_rows() -> None:
    upright = replace(KEYFRAMES[0], thumbnail=jpeg(180, 320, RED))
    large = replace(KEYFRAMES[1], thumbnail=jpeg(640, 320, GREEN))
    data = replace(DATA, keyframes=(upright, large, upright, upright, upright))
    sheet = decoded(data)
    sizes = [(180, 320), (640, 320), (180, 320), (180, 320), (180, 320)]
    assert sheet.shape[:2] == (12 + 60 + 28 + 12 + 2 * (320 + 60 + 12) + 12, 4 * 320 + 5 * 12)
    found = cells(data, sheet, sizes)
    assert {cell.shape for cell in found} == {(320, 320, 3)}
    for cell in (found[0], found[4]):
        assert not cell[:, :70].any()
        assert not cell[:, 250:].any()
        assert np.abs(cell[:, 70:250].astype(int) - RED).max() <= 4
    assert not found[1][:80].any()
    assert not found[1][240:].any()
    assert np.abs(found[1][80:240].astype(int) - GREEN).max() <= 4


def test_png_has_captions_below_the_pictures() -> None:
    sheet = decoded(DATA)
    below = sheet[12 + 60 + 28 + 12 + 180 :][:60]
    ink = [[(below[20 * j : 20 * j + 20, x : x + 320] > 120).any() for j in range(3)] for x in (12, 344)]
    assert ink == [[True] * 3] * 2


def test_png_timeline() -> None:
    bar = decoded(DATA)[72:100, 12:-12]
    width = bar.shape[1]
    column = [tuple(int(v) for v in bar[0, round(s / 10 * width)]) for s in (1.0, 3.0, 9.0, 8.0)]
    assert column[0] == column[2] != column[1]
    assert column[3] not in column[:3]
    assert len({tuple(p) for p in bar[:, int(0.46 * width)].tolist()}) == 2  # hatched
    assert len({tuple(p) for p in bar[:, int(0.30 * width)].tolist()}) == 1


def test_png_without_keyframes_and_with_a_picture_that_is_none() -> None:
    sheet = decoded(replace(DATA, keyframes=()))
    assert sheet.shape[1] == strip.WIDTH_MIN
    assert (sheet[72:100] > 60).any()
    for broken in (b"", b"no jpeg"):
        data = replace(DATA, keyframes=(replace(KEYFRAMES[0], thumbnail=broken), KEYFRAMES[1]))
        first, second = cells(data, decoded(data), [(1, 1), (320, 180)])
        assert not first.any()
        assert second.all()


def test_png_of_names_that_are_long_or_not_ascii() -> None:
    plain = strip.strip(DATA)
    odd = strip.strip(replace(DATA, clip_id="clip" * 100, uri="/vidéos/\u4e2d"))
    assert odd.shape == plain.shape
    assert not (odd[:, -12:] > 100).any()  # cut before the edge
    assert (odd[12:52] != plain[12:52]).any()
    assert (odd[100:] == plain[100:]).all()
