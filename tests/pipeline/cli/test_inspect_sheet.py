"""``reelscore inspect --clip``: shots and keyframes of a stored clip, the contact sheet, and what may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from building import add_clips, add_feature, add_rejects, clip_row, feature_row, reject_row

from pipeline.cli.main import main
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import parts

Captured = pytest.CaptureFixture[str]
Ask = Callable[..., str]

#: Two clips of the same shard, so that one part holds both; only the second is asked for.
SHARD = 0
OTHER, CLIP = [name for i in range(40) if shard_of(name := f"film{i:02d}", 4) == SHARD][:2]


def entry(name: str, dims: int, dtype: str, columns: dict[str, str], **parameters: Any) -> dict[str, Any]:
    """What dataset.json says of a feature, as far as a reader cares."""
    return {
        "name": name,
        "fingerprint": f"{name}-1",
        "layout": "sequence",
        "dims": dims,
        "dtype": dtype,
        "hop_s": None,
        "columns": columns,
        "parameters": {key: {"value": value} for key, value in parameters.items()},
        "weights_label": None,
    }


SHOTS = entry(
    "shots",
    4,
    "float32",
    {
        "ends_s": "float64",
        "first_frames": "int64",
        "end_frames": "int64",
        "gradual_start_s": "float64",
        "gradual_end_s": "float64",
        "jumps": "float32",
    },
    threshold=0.3,
)
EMOTION = entry(
    "emotion",
    2,
    "float32",
    {"shots": "int64", "keys": "bool", "frames": "int64", "scores": "float32"},
    threshold=0.3,
    scorer="colour",
)
KEYFRAMES = entry(
    "keyframes",
    12,
    "uint8",
    {
        "shots": "int64",
        "frames": "int64",
        "scores": "float32",
        "differences": "float32",
        "passed": "bool",
        "thumbnails": "binary",
    },
    threshold=0.3,
    scorer="colour",
)


def thumbnail(value: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", np.full((18, 32, 3), value, np.uint8))
    return bytes(encoded)


def shots_row(clip_id: str, count: int) -> dict[str, Any]:
    """Shots of two seconds at 25 pictures a second; the second one begins by a dissolve."""
    starts = 2.0 * np.arange(count)
    gradual = np.stack([starts, starts], axis=1)
    gradual[1:2] += (-0.25, 0.25)
    return feature_row(
        clip_id,
        np.full((count, 4), 0.25, np.float32),
        times_s=starts,
        ends_s=starts + 2,
        first_frames=50 * np.arange(count),
        end_frames=50 * np.arange(count) + 50,
        gradual_start_s=gradual[:, 0],
        gradual_end_s=gradual[:, 1],
        jumps=np.full(count, 0.5, np.float32),
    )


def emotion_row(clip_id: str, count: int) -> dict[str, Any]:
    """Two rows a shot with scores 1/8, 2/8, ... over them; in the second shot nothing was seen."""
    rows = np.arange(2 * count)
    return feature_row(
        clip_id,
        np.ones((2 * count, 2), np.float32),
        mask=rows // 2 != 1,
        shots=rows // 2,
        keys=rows % 2 == 1,
        frames=25 * rows,
        scores=((1 + rows) / 8).astype(np.float32),
    )


def keyframes_row(clip_id: str, shots: list[int], value: int = 200) -> dict[str, Any]:
    """The picture in the middle of each of the shots; the first one has not passed."""
    numbers = np.array(shots, np.int64)
    return feature_row(
        clip_id,
        np.full((len(shots), 12), value, np.uint8),
        times_s=2.0 * numbers + 1,
        shots=numbers,
        frames=50 * numbers + 25,
        scores=np.full(len(shots), 0.5, np.float32),
        differences=np.full(len(shots), 0.25, np.float32),
        passed=np.arange(len(shots)) > 0,
        thumbnails=[thumbnail(value)] * len(shots),
    )


@pytest.fixture
def films(tmp_path: Path) -> Dataset:
    """Two clips in one shard with shots, emotion and keyframes: one shot the other, three the one that is asked for."""
    dataset = Dataset.create(tmp_path / "films", 4, {"train": 0.8, "val": 0.1, "test": 0.1})
    add_clips(dataset, [clip_row(OTHER), clip_row(CLIP, uri="/videos/<b>&.mp4", duration_s=6.0)])
    add_feature(dataset, SHOTS, [shots_row(OTHER, 1), shots_row(CLIP, 3)])
    add_feature(dataset, EMOTION, [emotion_row(OTHER, 1), emotion_row(CLIP, 3)])
    add_feature(dataset, KEYFRAMES, [keyframes_row(OTHER, [0], 50), keyframes_row(CLIP, [0, 2])])
    return dataset


@pytest.fixture
def ask(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``reelscore inspect DATASET --clip CLIP ...`` in a terminal of 60 columns; gives what it prints."""
    monkeypatch.setenv("COLUMNS", "60")

    def call(dataset: Dataset, *options: object, code: int = 0, clip: str = CLIP) -> str:
        capsys.readouterr()
        found = main(["inspect", str(dataset.path), "--clip", clip, *map(str, options)])
        out, err = capsys.readouterr()
        assert found == code, err
        if code:
            assert out == ""
            assert len(err.splitlines()) == 1
        return err if code else out

    return call


# -- what is printed --------------------------------------------------------------------------------------------------


def test_terminal(films: Dataset, ask: Ask) -> None:
    text = ask(films)
    assert "/videos/<b>&.mp4" in text
    assert ["keyframes", "2x12", "0", "200", "200"] in [line.split() for line in text.splitlines()]
    expected = """
3 shots, 2 keyframes in 0:06.000, scored by colour

shot     start       end    length  frame  frames  begins                      score  of key
   0  0:00.000  0:02.000  0:02.000      0      50  start                       0.125   0.250  *
   1  0:02.000  0:04.000  0:02.000     50      50  dissolve 0:01.750-0:02.250      -       -
   2  0:04.000  0:06.000  0:02.000    100      50  cut                         0.625   0.750  *

keyframe  frame  shot  score  difference  gate
0:01.000     25     0  0.500       0.250  below
0:05.000    125     2  0.500       0.250  passed

0:00.000 to 0:06.000  (| cut, / dissolve, * keyframe)
|---------*------//////-----------------|---------*---------
"""
    assert text.endswith(expected)


def test_json_has_the_rows_and_no_pixels(films: Dataset, ask: Ask) -> None:
    found = json.loads(ask(films, "--json"))
    assert found["clip"]["id"] == CLIP
    assert found["features"]["keyframes"]["shape"] == [2, 12]
    assert [s["begins"] for s in found["shots"]] == ["start", "dissolve 0:01.750-0:02.250", "cut"]
    assert [(s["score"], s["key_score"]) for s in found["shots"]] == [(0.125, 0.25), (None, None), (0.625, 0.75)]
    assert found["keyframes"][1] == {
        "shot": 2,
        "frame": 125,
        "time_s": 5.0,
        "score": 0.5,
        "difference": 0.25,
        "passed": True,
    }
    assert found["scorer"] == "colour"
    assert found["missing"] == []


def test_all_shows_every_shot(films: Dataset, ask: Ask) -> None:
    add_clips(films, [clip_row("long")])
    add_feature(films, SHOTS, [shots_row("long", 45)])
    assert "... and 5 more shots (--all shows them)" in ask(films, clip="long")
    text = ask(films, "--all", clip="long")
    assert "more shots" not in text
    assert "\n  44  1:28.000  1:30.000" in text
    assert len(json.loads(ask(films, "--json", clip="long"))["shots"]) == 45


def test_who_scored_is_named_with_the_weights(films: Dataset, ask: Ask) -> None:
    for path in parts(films.feature_folder("emotion")):
        path.unlink()
    parameters = {**EMOTION["parameters"], "scorer": {"value": "ferplus"}}
    add_feature(films, {**EMOTION, "parameters": parameters, "weights_label": "published"}, [emotion_row(CLIP, 3)])
    assert "in 0:06.000, scored by ferplus (published); keyframes by colour\n" in ask(films)
    remove(films, "emotion")
    assert "in 0:06.000, scored by colour\n" in ask(films)


# -- the sheet --------------------------------------------------------------------------------------------------------


def test_nothing_is_written_unless_asked(films: Dataset, ask: Ask, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    ask(films)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["sheet.html", "sheet.PNG"])
def test_sheet(name: str, films: Dataset, tmp_path: Path, capsys: Captured) -> None:
    place = tmp_path / name
    place.write_text("old")
    assert main(["inspect", str(films.path), "--clip", CLIP, "--json", "--sheet", str(place)]) == 0
    out, err = capsys.readouterr()
    assert err == f"contact sheet: {place}\n"
    assert len(json.loads(out)["keyframes"]) == 2
    content = place.read_bytes()
    if name.endswith("html"):
        page = content.decode()
        assert page.count("data:image/jpeg;base64,") == 2
        assert "/videos/&lt;b&gt;&amp;.mp4" in page
    else:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert (picture == 200).all(axis=2).sum() >= 2 * 18 * 32
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sheet.pdf", "ends with .html or .png"),
        ("sheet", "ends with .html or .png"),
        ("", "ends with .html or .png"),
        ("nowhere/sheet.html", "no folder"),
        ("folder.html", "this is a folder"),
    ],
)
def test_wrong_places(name: str, expected: str, films: Dataset, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    place = tmp_path / name if name else ""
    line = ask(films, "--sheet", place, code=2)
    assert line.startswith("reelscore: --sheet ")
    assert expected in line


def test_a_place_that_cannot_be_written(films: Dataset, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    place = films.path.parent / "sheet.html"
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.write.os.fsync", fail)
        line = ask(films, "--sheet", place, code=2)
    assert line == f"reelscore: --sheet {place}: cannot be written (No space left on device)\n"
    assert not place.exists()


@pytest.mark.parametrize("flag", [["--sheet", "sheet.html"], ["--all"]], ids=lambda flag: flag[0])
def test_flags_that_need_a_clip(flag: list[str], films: Dataset, capsys: Captured) -> None:
    assert main(["inspect", str(films.path), *flag]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"reelscore: {flag[0]} is about one clip: say which with --clip ID\n")


# -- what may be missing ----------------------------------------------------------------------------------------------


def remove(dataset: Dataset, *names: str) -> None:
    for name in names:
        del dataset.meta["features"][name]
        for path in parts(dataset.feature_folder(name)):
            path.unlink()
    dataset.save()


def test_never_extracted(films: Dataset, ask: Ask) -> None:
    remove(films, "emotion", "keyframes")
    text = ask(films)
    assert "\n3 shots in 0:06.000\n" in text
    how = f"to get it: reelscore extract emotion,keyframes --input ... --output {films.path}"
    assert text.endswith(f"\n\nno emotion, keyframes of this clip; {how}\n")
    assert ask(films, "--sheet", films.path.parent / "shots.png") == text
    remove(films, "shots")
    found = json.loads(ask(films, "--json"))
    assert (found["shots"], found["keyframes"], found["scorer"]) == (None, None, None)
    assert "extract shots,emotion,keyframes" in found["missing"][0]


def test_a_sheet_of_nothing_is_not_written(films: Dataset, ask: Ask) -> None:
    remove(films, "shots", "emotion", "keyframes")
    place = films.path.parent / "sheet.png"
    line = ask(films, "--sheet", place, code=2)
    assert "nothing to draw; no shots, emotion, keyframes of this clip" in line
    assert not place.exists()


def test_turned_away(films: Dataset, ask: Ask) -> None:
    remove(films, "keyframes")
    away = reject_row(CLIP, feature="keyframes", stage="extract", reason="not_computable", message="too dark")
    add_rejects(films, [away, reject_row("another")])
    assert ask(films).endswith("\n\nno keyframes: turned away, not_computable: too dark\n")


def test_no_rows_in_a_clip(films: Dataset, ask: Ask) -> None:
    add_clips(films, [clip_row("empty")])
    add_feature(films, KEYFRAMES, [keyframes_row("empty", [])])
    add_feature(films, SHOTS, [shots_row("empty", 1)])
    text = ask(films, clip="empty")
    assert ["keyframes", "0x12", "0", "-", "-"] in [line.split() for line in text.splitlines()]
    assert "1 shot, no keyframes in 0:02.000" in text
    found = json.loads(ask(films, "--json", clip="empty"))
    assert found["keyframes"] == []
    assert found["features"]["keyframes"]["mean"] is None


def test_rows_of_other_shots_are_not_mixed(films: Dataset, ask: Ask) -> None:
    for path in parts(films.feature_folder("keyframes")):
        path.unlink()
    other = {**KEYFRAMES, "parameters": {**KEYFRAMES["parameters"], "threshold": {"value": 0.5}}}
    add_feature(films, other, [keyframes_row(CLIP, [0, 2])])
    text = ask(films)
    assert (
        "keyframes left out: made for other shots (threshold differs); to get it: reelscore extract keyframes" in text
    )
    assert "3 shots in 0:06.000, scored by colour" in text


# -- what is read -----------------------------------------------------------------------------------------------------


def test_damaged_part(films: Dataset, ask: Ask) -> None:
    (path,) = parts(films.feature_folder("keyframes"), SHARD)
    group = pq.ParquetFile(path).metadata.row_group(0)
    chunks = [group.column(i) for i in range(group.num_columns)]
    (chunk,) = [chunk for chunk in chunks if chunk.path_in_schema.startswith("thumbnails")]
    content = bytearray(path.read_bytes())
    end = chunk.data_page_offset + chunk.total_compressed_size
    content[end - 8 : end] = bytes(byte ^ 255 for byte in content[end - 8 : end])
    path.write_bytes(content)
    line = ask(films, code=1)
    assert str(path) in line
    assert "damaged" in line
