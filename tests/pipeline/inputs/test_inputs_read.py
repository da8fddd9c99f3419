"""What --input takes, and what it turns away in one line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UsageError
from pipeline.inputs import DEFAULT_FRACTIONS, read_input
from pipeline.store import Dataset

ODD_NAMES = [
    "with space.mp4",
    'quote"d.mp4',
    "it's.mp4",
    "-dash.mp4",
    "--option=1.mp4",
    "Bjørk — ñandú 音楽.mp4",
    "clip[1].mp4",
    "a;b & $(c).mp4",
    "star*?.mp4",
    "#hash%20.mp4",
]


def fill(folder: Path, names: list[str], content: bytes = b"x") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + name.encode())
    return folder


def names_of(given: str | Path, say: Callable[[str], None] = lambda line: None) -> list[str]:
    return [Path(clip.uri).name for clip in read_input(str(given), say)]


def refused(given: str | Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_input(str(given))
    line = str(caught.value)
    assert "\n" not in line
    assert line
    return line


def write_csv(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


# -- folders, patterns, single files ----------------------------------------------------------------------------------


def test_folder_gives_media_of_all_levels_with_size_and_time(tmp_path: Path) -> None:
    fill(tmp_path, ["b.mp4", "a.MKV", "deep/er/c.webm", "song.mp3"])
    clips = read_input(str(tmp_path))
    assert [Path(clip.uri).name for clip in clips] == ["a.MKV", "b.mp4", "c.webm", "song.mp3"]
    for clip in clips:
        status = Path(clip.uri).stat()
        assert Path(clip.uri).is_absolute()
        assert (clip.size_bytes, clip.mtime_ns) == (status.st_size, status.st_mtime_ns)
        assert (clip.clip_id, clip.split, clip.label, clip.text) == (None, None, None, None)


def test_folder_tells_what_it_passes_over(tmp_path: Path) -> None:
    fill(tmp_path, ["a.mp4", "list.m3u8", "notes.txt", "more.txt", "README", ".hidden.mp4"])
    said: list[str] = []
    assert names_of(tmp_path, said.append) == ["a.mp4"]
    assert len(said) == 1
    assert "passed over 4 files" in said[0]
    assert "2 .txt" in said[0]
    assert "1 no suffix" in said[0]


def test_hidden_folders_are_passed_over_like_hidden_files(tmp_path: Path) -> None:
    fill(tmp_path, ["b.mp4", ".trash/a.mp4", "deep/.cache/c.mp4", "deep/d.mp4"])
    said: list[str] = []
    assert names_of(tmp_path, said.append) == ["b.mp4", "d.mp4"]
    assert said == []
    assert names_of(tmp_path / ".trash") == ["a.mp4"], "a hidden folder that is named is taken"


def test_dataset_inside_the_folder_is_no_input(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "videos" / "set", 2, DEFAULT_FRACTIONS)
    fill(made.path, ["sound/00000/x.flac", "stray.mp4"])
    fill(tmp_path / "videos", ["a.mp4", "setting/b.mp4"])
    assert names_of(tmp_path / "videos") == ["a.mp4", "b.mp4"]
    assert "no video in this folder" in refused(made.path)


@pytest.mark.parametrize("given", ["x" * 5000, "nul\0byte.mp4"], ids=["too long", "nul"])
def test_names_that_no_file_can_have(given: str) -> None:
    line = refused(given)
    assert line.startswith("--input ")
    assert len(line) < 400


def test_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    assert "no such folder, file or pattern" in refused(tmp_path / "a.mp4")
    assert "no video" in refused(tmp_path)


def test_folder_of_media_alone_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    assert names_of(fill(tmp_path, ["a.mp4"]), said.append) == ["a.mp4"]
    assert said == []


def test_odd_names_survive_in_a_folder_and_as_single_files(tmp_path: Path) -> None:
    fill(tmp_path, ODD_NAMES)
    assert sorted(names_of(tmp_path)) == sorted(ODD_NAMES)
    for name in ODD_NAMES:
        assert names_of(tmp_path / name) == [name], "a file that exists is never read as a pattern"


def test_relative_input_becomes_absolute_even_with_a_leading_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, ["-dash.mp4"])
    monkeypatch.chdir(tmp_path)
    (clip,) = read_input("-dash.mp4")
    assert clip.uri == str(tmp_path / "-dash.mp4")


def test_folder_whose_name_has_brackets_is_a_folder(tmp_path: Path) -> None:
    assert names_of(fill(tmp_path / "set[1]*", ["a.mp4"])) == ["a.mp4"]


def test_pattern_takes_any_suffix_sorted_and_only_files(tmp_path: Path) -> None:
    fill(tmp_path, ["b.clip", "a.clip", "c.mp4", "deep/d.clip"])
    (tmp_path / "folder.clip").mkdir()
    assert names_of(tmp_path / "*.clip") == ["a.clip", "b.clip"]
    assert names_of(tmp_path / "**" / "*.clip") == ["a.clip", "b.clip", "d.clip"]


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/", "nowhere.mp4", "nowhere.csv", "no*.mp4"])
def test_nothing_there_is_one_line(tmp_path: Path, missing: str) -> None:
    assert missing.rstrip("/") in refused(f"{tmp_path}/{missing}")


def test_empty_folder_and_folder_without_media(tmp_path: Path) -> None:
    assert "found nothing" in refused(tmp_path)
    fill(tmp_path, ["a.txt", "b.txt"])
    assert "found 2 other files" in refused(tmp_path)


# -- manifests --------------------------------------------------------------------------------------------------------


def test_csv_manifest_with_every_column(tmp_path: Path) -> None:
    fill(tmp_path, ["a.mp4", "sub/b, c.mp4"])
    text = 'text,uri,clip_id,split,label,other\n"two\nlines",a.mp4,one,Train,rock,x\n,"sub/b, c.mp4",two,validation,,\n'
    one, two = read_input(str(write_csv(tmp_path / "m.csv", text)))
    assert (one.uri, one.clip_id, one.split, one.label, one.text) == (
        str(tmp_path / "a.mp4"),
        "one",
        "train",
        "rock",
        "two\nlines",
    )
    assert (two.uri, two.clip_id, two.split, two.label, two.text) == (
        str(tmp_path / "sub/b, c.mp4"),
        "two",
        "val",
        None,
        None,
    )
    assert two.size_bytes == (tmp_path / "sub/b, c.mp4").stat().st_size


def test_manifest_addresses_are_relative_to_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "lists", ["../media/a.mp4"])
    write_csv(tmp_path / "lists" / "m.csv", f"uri\n../media/a.mp4\n{tmp_path}/media/a.mp4\ngs://bucket/a.mp4\n")
    monkeypatch.setattr("pipeline.inputs.files.match_remote", lambda uri: [])
    monkeypatch.chdir(tmp_path)
    for given in ("lists/m.csv", str(tmp_path / "lists" / "m.csv")):
        relative, absolute, remote = read_input(given)
        assert Path(relative.uri).is_absolute()
        assert Path(relative.uri).samefile(tmp_path / "media" / "a.mp4")
        assert absolute.uri == f"{tmp_path}/media/a.mp4"
        assert remote.uri == "gs://bucket/a.mp4"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    fill(tmp_path, ODD_NAMES)
    quoted = ['"' + name.replace('"', '""') + '"' for name in ODD_NAMES]
    write_csv(tmp_path / "m.csv", newline.join(["uri", *quoted, ""]), encoding)
    clips = read_input(str(tmp_path / "m.csv"))
    assert [Path(clip.uri).name for clip in clips] == ODD_NAMES
    assert all(clip.size_bytes > 0 for clip in clips)


def test_manifest_may_name_missing_files_and_the_same_file_twice(tmp_path: Path) -> None:
    fill(tmp_path, ["a.mp4"])
    write_csv(tmp_path / "m.csv", "uri,clip_id\nnot-there.mp4,x\na.mp4,y\n\na.mp4,z\n")
    missing, first, second = read_input(str(tmp_path / "m.csv"))
    assert (missing.size_bytes, missing.mtime_ns) == (-1, 0)
    assert first.uri == second.uri


def test_short_rows_leave_the_rest_empty(tmp_path: Path) -> None:
    write_csv(tmp_path / "m.csv", "uri,clip_id,split\na.mp4\n")
    (clip,) = read_input(str(tmp_path / "m.csv"))
    assert (clip.clip_id, clip.split) == (None, None)


def test_parquet_manifest_takes_other_types_and_nulls(tmp_path: Path) -> None:
    fill(tmp_path, ["a.mp4"])
    table = pa.table({"uri": ["a.mp4", "a.mp4"], "clip_id": pa.array([7, None], pa.int64()), "split": ["test", None]})
    pq.write_table(table, tmp_path / "m.parquet")
    one, two = read_input(str(tmp_path / "m.parquet"))
    assert (one.clip_id, one.split) == ("7", "test")
    assert (two.clip_id, two.split) == (None, None)
    assert one.uri == str(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "column 'uri' (found: none)"),
        ("path,clip_id\na.mp4,x\n", "column 'uri' (found: path, clip_id)"),
        ("uri,clip_id\n", "no rows"),
        ("uri\n\n\n", "no rows"),
        ("uri,clip_id\na.mp4,x\nb.mp4,x\nc.mp4,y\nd.mp4,y\n", "2 clip_id given more than once: 'x', 'y'"),
        ("uri,split\na.mp4,train\nb.mp4,holdout\n", "row 2: split 'holdout'"),
        ("uri,clip_id\na.mp4,x\n,y\n", "row 2: empty uri"),
        ("uri,clip_id\n   ,y\n", "row 1: empty uri"),
    ],
)
def test_wrong_manifests(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refused(write_csv(tmp_path / "m.csv", text))


def test_manifests_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("uri\nsongé.mp4\n".encode("latin-1"))
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    pq.write_table(pa.table({"uri": pa.array([], pa.string())}), tmp_path / "none.parquet")
    pq.write_table(pa.table({"uri": pa.array([None], pa.string())}), tmp_path / "null.parquet")
    assert "cannot be read as a manifest" in refused(tmp_path / "latin.csv")
    assert "cannot be read as a manifest" in refused(tmp_path / "torn.parquet")
    assert "no rows" in refused(tmp_path / "none.parquet")
    assert "row 1: empty uri" in refused(tmp_path / "null.parquet")
