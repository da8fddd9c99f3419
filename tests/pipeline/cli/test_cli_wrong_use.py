"""Wrong use of the command line: the right exit code, one line on stderr, no trace, and the dataset untouched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from building import add_rejects, clip_row, digest, files_below, reject_row

from pipeline.cli.main import main
from pipeline.store import FORMAT_VERSION, Dataset
from pipeline.store.layout import parts
from pipeline.store.schema import CLIPS
from pipeline.store.write import write_rows

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder with one file that looks like a video by its name."""
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"x")
    return folder


def told(capsys: Captured, code: int, *arguments: object) -> str:
    """Run the command line, which must end with ``code`` and one line on stderr; returns the line."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert out == ""
    assert lines[0].startswith("reelscore: ")
    assert "Traceback" not in err
    return lines[0]


def run_of(videos: Path | str, output: Path | str, *more: object) -> tuple[object, ...]:
    return "run", "vmnet", "--input", videos, "--output", output, "--weights", "random", *more


# -- input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "extract"])
def test_no_such_input(command: str, tmp_path: Path, capsys: Captured) -> None:
    line = told(capsys, 2, command, "vmnet", "--input", tmp_path / "nowhere", "--output", tmp_path / "out")
    assert "no such folder, file or pattern" in line
    assert not (tmp_path / "out").exists()


def test_empty_folder(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "empty").mkdir()
    assert "no video in this folder" in told(capsys, 2, *run_of(tmp_path / "empty", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path\na.mp4\n", "needs a column 'uri'"),
        ("uri,clip_id\na.mp4,x\nb.mp4,x\n", "given more than once"),
        ("uri,split\na.mp4,holdout\n", "expected train, val or test"),
        ("uri\n", "no rows"),
    ],
)
def test_wrong_manifest(text: str, expected: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "m.csv").write_text(text)
    assert expected in told(capsys, 2, *run_of(tmp_path / "m.csv", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


# -- output -----------------------------------------------------------------------------------------------------------


def test_unwritable_output(videos: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("precious")
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        assert "cannot be written" in told(capsys, 2, *run_of(videos, output))
    assert (tmp_path / "file").read_text() == "precious"


def test_output_that_holds_something_else(videos: Path, tmp_path: Path, capsys: Captured) -> None:
    before = files_below(videos)
    assert "holds something else (a.mp4)" in told(capsys, 2, *run_of(videos, videos))
    assert files_below(videos) == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "dataset.json").write_text('{"name": "a stranger"}')
    assert "not the description of a Reelscore dataset" in told(capsys, 2, *run_of(videos, tmp_path / "other"))


@pytest.mark.parametrize("output", ["gs://bucket/set", "s3://bucket/set"])
def test_remote_output(output: str, videos: Path, capsys: Captured) -> None:
    assert "local or mounted folder" in told(capsys, 2, *run_of(videos, output))


def test_other_layout_than_the_dataset_has(videos: Path, dataset: Dataset, capsys: Captured) -> None:
    before = (dataset.path / "dataset.json").read_bytes()
    assert "made with 4 shards" in told(capsys, 2, *run_of(videos, dataset.path, "--shards", 5))
    line = told(capsys, 2, *run_of(videos, dataset.path, "--split-fractions", "0.5,0.25,0.25"))
    assert "made with split fractions" in line
    assert "three numbers" in told(capsys, 2, *run_of(videos, dataset.path, "--split-fractions", "0.5,0.5"))
    assert (dataset.path / "dataset.json").read_bytes() == before


EVERY_READER = [
    ("inspect",),
    ("verify",),
    ("rejects",),
    ("compact",),
    ("search", "clip00"),
    ("index", "--feature", "wpca_video"),
]


@pytest.mark.parametrize("command", EVERY_READER, ids=lambda c: c[0])
def test_no_dataset_or_one_of_another_version(command: tuple[str, ...], dataset: Dataset, capsys: Captured) -> None:
    name, *rest = command
    assert "no dataset here" in told(capsys, 2, name, dataset.path / "nowhere", *rest)
    assert "no dataset here" in told(capsys, 2, name, dataset.path / "dataset.json" / "below", *rest)
    dataset.meta["format_version"] = 99
    dataset.save()
    before = files_below(dataset.path)
    assert "format version 99" in told(capsys, 2, name, dataset.path, *rest)
    assert files_below(dataset.path) == before


@pytest.mark.parametrize("command", ["fit", "derive"])
def test_steps_of_a_recipe_need_a_dataset(command: str, tmp_path: Path, capsys: Captured) -> None:
    assert "no dataset here" in told(capsys, 2, command, "vmnet", tmp_path)


def test_run_refuses_a_dataset_of_another_version(videos: Path, dataset: Dataset, capsys: Captured) -> None:
    dataset.meta["format_version"] = 99
    dataset.save()
    assert "format version 99" in told(capsys, 2, *run_of(videos, dataset.path))


def test_dataset_that_another_process_writes(dataset: Dataset, capsys: Captured) -> None:
    with dataset.lock():
        line = told(capsys, 1, "compact", dataset.path)
    assert "is writing this dataset" in line


def test_full_disk(dataset: Dataset, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    write_rows(dataset.clips_folder, CLIPS, [clip_row("clip00x")], 0, 4, "more")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = files_below(dataset.path)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.write.os.fsync", fail)
        assert "No space left on device" in told(capsys, 1, "compact", dataset.path)
    assert [name for name in files_below(dataset.path) if name != ".lock"] == before


DAMAGED = {
    "inspect": ("clips", "inception", "rejects"),
    "search": ("clips", "wpca_video"),
    "rejects": ("clips", "rejects"),
}


@pytest.mark.parametrize(("command", "table"), [(c, t) for c, tables in DAMAGED.items() for t in tables])
def test_damaged_part(dataset: Dataset, command: str, table: str, capsys: Captured) -> None:
    assert main(["index", str(dataset.path), "--feature", "wpca_video"]) == 0
    add_rejects(dataset, [reject_row("bad")])
    folders = {"clips": dataset.clips_folder, "rejects": dataset.rejects_folder}
    folder = folders.get(table, dataset.feature_folder(table))
    for path in parts(folder):
        path.write_bytes(path.read_bytes()[:-20])
    line = told(capsys, 1, command, dataset.path, *(["clip00"] if command == "search" else []))
    assert f"{folder}/part-" in line
    assert "damaged" in line


def test_damaged_description(dataset: Dataset, capsys: Captured) -> None:
    (dataset.path / "dataset.json").write_text(
        json.dumps({"format": "reelscore-dataset", "format_version": FORMAT_VERSION})
    )
    assert "damaged, it lacks shards" in told(capsys, 2, "inspect", dataset.path)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("first\nsecond"), "reelscore: RuntimeError: first second (--verbose shows where)"),
        (KeyError("clips"), "reelscore: KeyError: 'clips' (--verbose shows where)"),
        (ValueError("x" * 5000), f"reelscore: ValueError: {'x' * 500} (--verbose shows where)"),
        (OSError(28, "No space left on device", "/a/b"), "reelscore: /a/b: No space left on device"),
        (OSError(5, "Input/output error"), "reelscore: Input/output error"),
        (OSError("torn"), "reelscore: OSError: torn (--verbose shows where)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nobody_expected_is_one_line_and_ends_with_1(
    error: Exception, expected: str, dataset: Dataset, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(dataset: Dataset) -> None:
        raise error

    monkeypatch.setattr("pipeline.verifying.problems", fail)
    assert told(capsys, 1, "verify", dataset.path) == expected
    assert main(["verify", str(dataset.path), "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


# -- names and options ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "extract"])
def test_unknown_recipe(command: str, videos: Path, tmp_path: Path, capsys: Captured) -> None:
    line = told(capsys, 2, command, "nope", "--input", videos, "--output", tmp_path / "out")
    assert "'nope'" in line
    assert "vmnet" in line


@pytest.mark.parametrize("command", ["fit", "derive"])
def test_unknown_recipe_of_a_step(command: str, dataset: Dataset, capsys: Captured) -> None:
    assert "'nope'" in told(capsys, 2, command, "nope", dataset.path)


def test_unknown_feature(dataset: Dataset, videos: Path, capsys: Captured) -> None:
    line = told(capsys, 2, "index", dataset.path, "--feature", "nope")
    assert "no feature 'nope' in this dataset; it has: inception, wpca_video" in line
    assert "several rows a clip" in told(capsys, 2, "index", dataset.path, "--feature", "inception")
    line = told(capsys, 2, *run_of(videos, dataset.path, "--set", "nope.x=1"))
    assert "no feature is called 'nope'" in line


@pytest.mark.parametrize("name", ["../../evil", "/evil", ".hidden", "a b", "..", "a/b", "a\nb", "ü"])
def test_index_names_are_file_names(dataset: Dataset, name: str, capsys: Captured) -> None:
    before = files_below(dataset.path.parent)
    assert "index name" in told(capsys, 2, "index", dataset.path, "--feature", "wpca_video", "--name", name)
    assert [file for file in files_below(dataset.path.parent) if not file.endswith(".lock")] == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--set", "inception.nope=1"), "no parameter 'nope'"),
        (("--set", "inception.max_s=long"), "type float"),
        (("--set", "max_s"), "FEATURE.PARAMETER=VALUE"),
        (("--max-seconds", "0.5"), "at least 1"),
        (("--max-seconds", "inf"), "a finite number"),
        (("--set", "inception.size_px=200"), "expected one of 299"),
        (("--split-fractions", "nan,0.5,0.5"), "three numbers"),
        (("--no-such-option",), "unknown option --no-such-option"),
        (("--no-such-option=3", "stray"), "unknown option --no-such-option=3 stray"),
    ],
)
def test_wrong_options_of_a_run(
    options: tuple[str, ...], expected: str, videos: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert expected in told(capsys, 2, *run_of(videos, tmp_path / "out", *options))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nope"],
        ["run"],
        ["run", "vmnet"],
        ["run", "vmnet", "--input", "x"],
        ["run", "vmnet", "--input", "x", "--output", "y", "--batch", "0"],
        ["run", "vmnet", "--input", "x", "--output", "y", "--workers", "-1"],
        ["run", "vmnet", "--input", "x", "--output", "y", "--max-wall-s", "nan"],
        ["run", "vmnet", "--input", "x", "--output", "y", "--decoder", "vlc"],
        ["run", "vmnet", "--input", "x", "--output", "y", "--device", "tpu"],
        ["inspect", "x", "--no-such-option"],
        ["search", "x", "y", "-k", "many"],
        ["rejects", "x", "--reason", "bad weather"],
        ["weights", "burn"],
    ],
    ids=" ".join,
)
def test_what_the_parser_refuses_ends_with_2_and_says_why_in_one_line(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("reelscore")
    assert ": error: " in line
    command = line.split(": error: ")[0]
    assert line.endswith(f"(see {command} --help)")


# -- queries ----------------------------------------------------------------------------------------------------------


def test_wrong_queries(dataset: Dataset, capsys: Captured) -> None:
    assert "no index yet" in told(capsys, 2, "search", dataset.path, "clip00")
    assert main(["index", str(dataset.path), "--feature", "wpca_video", "--name", "video"]) == 0
    assert "no index 'nope'; there are: video" in told(capsys, 2, "search", dataset.path, "clip00", "--index", "nope")
    assert "neither a clip" in told(capsys, 2, "search", dataset.path, "not-there.mp4")
    assert "12 ids begin like this" in told(capsys, 2, "search", dataset.path, "clip")
    assert "no clip 'not-there'" in told(capsys, 2, "inspect", dataset.path, "--clip", "not-there")
    dataset = Dataset.open(dataset.path)
    dataset.meta["features"]["wpca_video"]["fingerprint"] = "f" * 16
    dataset.save()
    assert "build it again" in told(capsys, 1, "search", dataset.path, "clip00")


def test_new_file_against_other_weights(dataset: Dataset, videos: Path, capsys: Captured) -> None:
    assert main(["index", str(dataset.path), "--feature", "wpca_video"]) == 0
    dataset = Dataset.open(dataset.path)
    weights = dataset.meta["features"]["inception"]["weights"]
    dataset.meta["features"]["inception"]["weights"] = {**weights, "digest": digest("another")}
    dataset.meta["features"]["wpca_video"]["input"] = "inception"
    dataset.save()
    assert "cannot be compared" in told(capsys, 1, "search", dataset.path, videos / "a.mp4")


def test_fit_without_anything_to_fit_on(tmp_path: Path, capsys: Captured) -> None:
    Dataset.create(tmp_path / "set", 2, {"train": 1.0, "val": 0.0, "test": 0.0})
    assert "nothing to fit on" in told(capsys, 1, "fit", "vmnet", tmp_path / "set")


def test_matrices_that_are_none(dataset: Dataset, tmp_path: Path, capsys: Captured) -> None:
    for path in (tmp_path / "nowhere.tgz", tmp_path):
        assert "--import" in told(capsys, 2, "fit", "vmnet", dataset.path, "--import", path)
    assert json.loads((dataset.path / "dataset.json").read_text())["projections"] == {}


def test_weights_that_nobody_publishes(capsys: Captured) -> None:
    assert "'nope'" in told(capsys, 2, "weights", "fetch", "nope")


def test_weights_folder_without_weights(videos: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "empty").mkdir()
    for folder, expected in ((tmp_path / "nowhere", "no folder"), (tmp_path / "empty", "holds no weights")):
        arguments = ("run", "vmnet", "--input", videos, "--output", tmp_path / "out", "--weights", folder)
        assert expected in told(capsys, 1, *arguments)


def test_sample_beside_something_else(videos: Path, capsys: Captured) -> None:
    told(capsys, 2, "sample", videos, "--clips", 1)
    assert files_below(videos) == ["a.mp4"]


def test_verbose_shows_the_trace(tmp_path: Path, capsys: Captured) -> None:
    assert main(["inspect", str(tmp_path), "--verbose"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("reelscore: ")
