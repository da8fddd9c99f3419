"""The commands that read a dataset: what they print for people, and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from building import add_rejects, digest, files_below, reject_row

from pipeline import __version__
from pipeline.cli.console import clock, table
from pipeline.cli.main import COMMANDS, main
from pipeline.store import Dataset

Captured = pytest.CaptureFixture[str]


def output(capsys: Captured, *arguments: object, code: int = 0) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out


def parsed(capsys: Captured, *arguments: object, code: int = 0) -> Any:
    return json.loads(output(capsys, *arguments, "--json", code=code))


@pytest.fixture
def indexed(dataset: Dataset, capsys: Captured) -> Dataset:
    """The small dataset with an index, and two rejects."""
    assert main(["index", str(dataset.path), "--feature", "wpca_video", "--name", "video"]) == 0
    add_rejects(dataset, [reject_row("bad"), reject_row("clip03", feature="wpca", reason="not_computable")])
    return Dataset.open(dataset.path)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: reelscore {command}")
    assert "--verbose" in text
    assert max(map(len, text.splitlines())) < 160


def test_help_lists_every_command_and_version_is_told(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert all(f"\n    {command} " in text for command in COMMANDS)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"reelscore {__version__}\n"


def test_inspect(indexed: Dataset, capsys: Captured) -> None:
    found = parsed(capsys, "inspect", indexed.path)
    assert found["clips"] == 12
    assert found["hours"] == round(12 * 3 / 3600, 4)
    assert found["splits"] == {"train": 12}
    assert found["rejects"] == {"no_video": 1, "wpca: not_computable": 1}
    assert found["indexes"]["video"]["feature"] == "wpca_video"
    assert found["features"]["inception"] == {
        "clips": 12,
        "layout": "sequence",
        "hop_s": 1.0,
        "row": "",
        "dims": 4,
        "dtype": "float16",
        "fingerprint": indexed.card("inception")["fingerprint"],
        "weights": "random (seed 0)",
    }
    text = output(capsys, "inspect", indexed.path)
    assert "12 clips, 0.01 h (train 12)" in text
    assert "warning: made with random (seed 0) weights" in text
    assert "2 rejects" in text


def test_inspect_one_clip(indexed: Dataset, capsys: Captured) -> None:
    found = parsed(capsys, "inspect", indexed.path, "--clip", "clip03")
    assert found["clip"]["sha256"] == digest("clip03")
    assert found["features"]["inception"]["shape"] == [3, 4]
    assert found["features"]["inception"]["masked"] == 0
    assert found["features"]["wpca_video"]["shape"] == [4]
    text = output(capsys, "inspect", indexed.path, "--clip", "clip03")
    assert "/videos/clip03.mp4" in text
    assert "3x4" in text


def test_rejects(indexed: Dataset, capsys: Captured) -> None:
    assert [row["id"] for row in parsed(capsys, "rejects", indexed.path)] == ["bad", "clip03"]
    assert [row["id"] for row in parsed(capsys, "rejects", indexed.path, "--reason", "no_video")] == ["bad"]
    assert parsed(capsys, "rejects", indexed.path, "--reason", "too_long") == []
    text = output(capsys, "rejects", indexed.path)
    assert "no_video" in text
    assert "/videos/bad.mp4" in text
    assert output(capsys, "rejects", indexed.path, "--reason", "too_long") == "no rejects\n"


def test_verify(indexed: Dataset, capsys: Captured) -> None:
    assert parsed(capsys, "verify", indexed.path) == {"dataset": str(indexed.path), "problems": []}
    assert "everything as promised" in output(capsys, "verify", indexed.path)
    (indexed.path / "indexes" / "video" / "index.json").unlink()
    assert len(parsed(capsys, "verify", indexed.path, code=1)["problems"]) == 1
    assert "indexes/video" in output(capsys, "verify", indexed.path, code=1)


def test_search(indexed: Dataset, ids: list[str], capsys: Captured) -> None:
    found = parsed(capsys, "search", indexed.path, "clip03", "-k", 4)
    assert found["query"] == "clip03"
    assert found["index"]["fingerprint"] == indexed.card("wpca_video")["fingerprint"]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3, 4]
    assert {hit["id"] for hit in found["hits"]} < set(ids) - {"clip03"}
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    text = output(capsys, "search", indexed.path, "clip03", "--index", "video", "-k", 4)
    assert all(f"{hit['score']:.4f}" in text for hit in found["hits"])
    assert text.index(found["hits"][0]["id"]) < text.index(found["hits"][1]["id"])


def test_search_without_a_query_asks_for_a_clip_of_the_index(
    indexed: Dataset, ids: list[str], capsys: Captured
) -> None:
    found = parsed(capsys, "search", indexed.path, "-k", 2)
    assert found["query"] in ids
    assert found["query"] not in [hit["id"] for hit in found["hits"]]
    assert found == parsed(capsys, "search", indexed.path, found["query"], "-k", 2)


def test_index_again_does_nothing_and_leaves_no_run(indexed: Dataset, capsys: Captured) -> None:
    assert len(indexed.meta["runs"]) == 1
    before = (indexed.path / "indexes" / "video" / "index.json").stat().st_mtime_ns
    found = parsed(capsys, "index", indexed.path, "--feature", "wpca_video", "--name", "video")
    assert found["run"]["seconds"] == {}
    assert (indexed.path / "indexes" / "video" / "index.json").stat().st_mtime_ns == before
    assert len(Dataset.open(indexed.path).meta["runs"]) == 1
    run = indexed.meta["runs"][0]
    assert run["command"] == "index"
    assert {"python", "numpy", "pyarrow"} <= set(run["versions"])


def test_compact(indexed: Dataset, capsys: Captured) -> None:
    assert output(capsys, "compact", indexed.path).startswith(f"{indexed.path}: ")
    assert parsed(capsys, "verify", indexed.path)["problems"] == []
    left = files_below(indexed.path)
    output(capsys, "compact", indexed.path)
    assert files_below(indexed.path) == left


def test_weights_list(capsys: Captured) -> None:
    rows = {user: row for row in parsed(capsys, "weights", "list") for user in row["used_by"]}
    assert rows["inception"]["filename"] == "inception_v3_google-0cc3c7bd.pth"
    assert rows["inception"]["licence"]
    text = output(capsys, "weights", "list")
    assert "inception_v3_google-0cc3c7bd.pth" in text
    assert "emotion-ferplus-8.onnx" in text


def test_table_and_clock() -> None:
    assert table(["a", "count"], [["long", 7], ["x", 123]], right=(1,)) == "a     count\nlong      7\nx       123"
    assert [clock(s) for s in (0.04, 59.94, 61, 3599.6, 3725)] == ["0.0 s", "59.9 s", "1:01 min", "1:00:00", "1:02:05"]
