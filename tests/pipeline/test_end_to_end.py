"""The job as a person runs it: from files to an index, twice, killed, changed, on odd input."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest

from pipeline.cli.main import main
from pipeline.store import Dataset
from pipeline.store.layout import parts
from pipeline.store.schema import card_of
from pipeline.verifying import problems

PICTURE = ("inception", "wpca", "wpca_stats", "wpca_video")
SOUND = ("hpss1140", "hpss380_1s")
TABLES = PICTURE + SOUND
Run = Callable[..., dict[str, Any]]


def values(dataset: Path, feature: str) -> dict[str, bytes]:
    """id -> the bytes of the feature's values (with shape and mask)."""
    found = {}
    for rows in Dataset.open(dataset).rows(feature):
        for number, clip_id in enumerate(rows.ids):
            mask = rows.masks[number].tobytes() if rows.masks else b""
            found[clip_id] = repr(rows.values[number].shape).encode() + rows.values[number].tobytes() + mask
    return found


def assert_same(one: Path, other: Path) -> None:
    """Two datasets hold the same clips, values, projections and index."""
    a, b = Dataset.open(one), Dataset.open(other)
    assert a.clips().equals(b.clips())
    for feature in TABLES:
        assert values(one, feature) == values(other, feature), feature
    assert [p["digest"] for p in a.meta["projections"].values()] == [
        p["digest"] for p in b.meta["projections"].values()
    ]
    assert (one / "indexes/video/index.faiss").read_bytes() == (other / "indexes/video/index.faiss").read_bytes()


def test_a_run_makes_a_dataset_that_keeps_its_promises(undisturbed: Path) -> None:
    assert list(problems(Dataset.open(undisturbed))) == []
    clips = pds.dataset(undisturbed / "clips").to_table().to_pylist()
    frames = pds.dataset(undisturbed / "features/inception").to_table()
    assert len(clips) == 8
    assert {row["decoder"] for row in clips} == {"pyav-pruned"}
    rows = {row["id"]: len(row["values"]) for row in frames.to_pylist()}
    assert rows == {row["id"]: int(np.ceil(row["duration_s"] - 1e-6)) for row in clips}
    assert frames.schema.field("values").type.value_type.list_size == 2048


def test_random_weights_show_in_everything_that_they_made(
    undisturbed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = Dataset.open(undisturbed)
    for feature in SOUND:
        assert dataset.card(feature)["weights_label"] is None
    for feature in PICTURE:
        assert dataset.card(feature)["weights_label"] == "random (seed 0)"
        for path in parts(dataset.feature_folder(feature)):
            assert card_of(pq.read_schema(path))["weights"]["source"] == "random"
    assert json.loads((undisturbed / "indexes/video/index.json").read_text())["weights"] == "random (seed 0)"
    assert main(["search", str(undisturbed)]) == 0
    assert "random" in capsys.readouterr().err


def test_the_index_describes_itself(undisturbed: Path) -> None:
    description = json.loads((undisturbed / "indexes/video/index.json").read_text())
    assert description["feature"] == "wpca_video"
    assert description["fingerprint"] == Dataset.open(undisturbed).card("wpca_video")["fingerprint"]
    assert description["metric"] == "cosine"
    assert description["build"]["kind"] == "flat"
    assert description["recall_at_10"] == {"k": 10, "queries": 8, "value": 1.0}
    ids = pq.read_table(undisturbed / "indexes/video/ids.parquet")
    assert set(ids["id"].to_pylist()) == set(values(undisturbed, "wpca_video"))


def test_search_by_id_and_by_file_agree(undisturbed: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = Dataset.open(undisturbed).clips(["id", "uri"]).to_pylist()[0]
    assert main(["search", str(undisturbed), clip["id"][:10], "--json", "-k", "3"]) == 0
    by_id = json.loads(capsys.readouterr().out)["hits"]
    copy = corpus / "a new name.mp4"
    shutil.copy(clip["uri"], copy)
    assert main(["search", str(undisturbed), str(copy), "--json", "-k", "4"]) == 0
    by_file = json.loads(capsys.readouterr().out)["hits"]
    assert clip["id"] not in [hit["id"] for hit in by_id]
    assert by_file[0]["id"] == clip["id"]
    assert by_file[0]["score"] == pytest.approx(1.0, abs=1e-5)
    assert [hit["id"] for hit in by_file[1:]] == [hit["id"] for hit in by_id]
    assert [hit["score"] for hit in by_file[1:]] == pytest.approx([hit["score"] for hit in by_id], abs=1e-5)


def test_a_query_of_other_weights_is_refused(
    undisturbed: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "dataset"
    shutil.copytree(undisturbed, other)
    meta = json.loads((other / "dataset.json").read_text())
    meta["features"]["inception"]["weights"]["digest"] = "0" * 64
    (other / "dataset.json").write_text(json.dumps(meta))
    assert main(["search", str(other), str(next((corpus / "all").glob("*.mp4")))]) == 1
    assert "cannot be compared" in capsys.readouterr().err
    meta["features"]["wpca_video"]["fingerprint"] = "0" * 16
    (other / "dataset.json").write_text(json.dumps(meta))
    assert main(["search", str(other), Dataset.open(other).clips(["id"])["id"][0].as_py()]) == 1
    assert "build it again" in capsys.readouterr().err


def test_the_same_command_computes_nothing_and_one_more_clip_only_itself(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    folder = tmp_path / "moved"
    shutil.copytree(corpus / "first", folder, copy_function=os.link)
    run(folder, output)
    assert {Path(row["uri"]).parent for row in Dataset.open(output).clips().to_pylist()} == {folder}
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*.parquet")}
    again = run(folder, output)["run"]
    assert (again["todo"], again["computed"], again["seconds"]) == (0, {}, {})
    os.link(sorted((corpus / "all").glob("*.mp4"))[-1], folder / "another.mp4")
    more = run(folder, output)["run"]
    assert more["todo"] == 1
    assert more["computed"] == dict.fromkeys(TABLES, 1)
    kept = {path: path.stat().st_mtime_ns for path in before if "indexes" not in path.parts}
    assert kept == {path: before[path] for path in kept}
    assert list(problems(Dataset.open(output))) == []


def test_nothing_to_do_starts_neither_beam_nor_a_network(undisturbed: Path, corpus: Path) -> None:
    code = (
        "import sys; from pipeline.cli.main import main; "
        f"code = main(['run', 'vmnet', '--input', {str(corpus / 'first')!r}, '--output', {str(undisturbed)!r}, "
        "'--weights', 'random']); "
        "heavy = {'apache_beam', 'torch', 'openvino', 'faiss', 'numba', 'librosa'}; "
        "sys.exit(code or sorted(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout


def test_one_or_two_workers_batch_1_or_32_give_the_same_bytes(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    run(corpus / "first", tmp_path / "one", "--workers", "1", "--batch", "1")
    assert_same(tmp_path / "one", undisturbed)
    run(corpus / "first", tmp_path / "two", "--workers", "2", "--batch", "32", "--clips-per-part", "1")
    assert_same(tmp_path / "two", undisturbed)


def test_the_torch_backend_agrees_within_the_card_tolerance(
    undisturbed: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["extract", "vmnet", "--input", str(corpus / "first"), "--output", str(tmp_path / "torch")]
    assert main([*arguments, "--weights", "random", "--backend", "torch"]) == 0
    ours, theirs = Dataset.open(undisturbed), Dataset.open(tmp_path / "torch")
    assert ours.card("inception")["fingerprint"] == theirs.card("inception")["fingerprint"]
    tolerance = ours.card("inception")["tolerance"]
    one = {i: v for rows in ours.rows("inception") for i, v in zip(rows.ids, rows.floats(), strict=True)}
    two = {i: v for rows in theirs.rows("inception") for i, v in zip(rows.ids, rows.floats(), strict=True)}
    assert one.keys() == two.keys()
    for clip_id in one:
        assert np.abs(one[clip_id] - two[clip_id]).max() <= tolerance * np.abs(one[clip_id]).max()


def test_a_killed_run_is_finished_by_the_same_command(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    command = [sys.executable, "-m", "pipeline.cli.main", "run", "vmnet", "--input", str(corpus / "first")]
    command += ["--output", str(output), "--weights", "random", "--clips-per-part", "1", "--workers", "1"]
    job = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while len(parts(output / "features/inception")) < 2:
            assert job.poll() is None, "the job ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    half = len(values(output, "inception"))
    assert 2 <= half < 8
    rest = run(corpus / "first", output)["run"]
    assert rest["computed"]["inception"] == 8 - half
    assert_same(output, undisturbed)
    assert not list(output.rglob(".writing-*"))
    assert not (output / ".work").exists()


def test_an_index_that_a_killed_run_has_not_listed_is_listed(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    dataset = Dataset.open(output)
    dataset.meta["indexes"] = {}
    dataset.save()
    assert run(corpus / "first", output)["run"]["seconds"] == {}
    assert Dataset.open(output).meta["indexes"] == Dataset.open(undisturbed).meta["indexes"]


def test_a_dataset_that_shrinks_below_a_fit_loses_the_feature_and_its_index(
    undisturbed: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    dataset = Dataset.open(output)
    first, *others = dataset.clips().to_pylist()
    dataset.drop(row["id"] for row in others)
    run(Path(first["uri"]), output, "--refit")
    after = Dataset.open(output)
    assert "wpca_video" not in after.meta["features"]
    assert after.meta["indexes"] == {}
    assert not (output / "indexes/video").exists()
    assert list(problems(after)) == []


def test_a_changed_parameter_recomputes_that_feature_and_what_follows_from_it(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    changed = run(corpus / "first", output, "--set", "wpca.dims=2")["run"]
    assert "inception" not in changed["computed"] or not changed["computed"]["inception"]
    assert changed["computed"]["wpca"] == 8
    assert any("dims" in note or "computed again" in note for note in changed["notes"])
    assert Dataset.open(output).card("wpca_stats")["dims"] == 14
    back = run(corpus / "first", output)["run"]
    assert not any(back["computed"].values())
    assert_same(output, undisturbed)


def test_the_quantiser_stores_bytes_that_the_next_feature_reads_as_numbers(
    undisturbed: Path, corpus: Path, tmp_path: Path, run: Run
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    run(corpus / "first", output, "--set", "wpca.quantiser=truncate")
    dataset = Dataset.open(output)
    assert dataset.card("wpca")["dtype"] == "uint8"
    exact = {i: v for r in Dataset.open(undisturbed).rows("wpca") for i, v in zip(r.ids, r.floats(), strict=True)}
    for rows in dataset.rows("wpca"):
        assert rows.values[0].dtype == np.uint8
        for clip_id, found in zip(rows.ids, rows.floats(), strict=True):
            inside = np.abs(exact[clip_id]) < 1.98
            assert np.abs(found - exact[clip_id])[inside].max() <= 0.0098
    assert list(problems(dataset)) == []


def test_one_clip_alone_ends_well_and_says_what_it_lacks(corpus: Path, tmp_path: Path, run: Run) -> None:
    clip = next((corpus / "all").glob("*.mp4"))
    summary = run(clip, tmp_path / "dataset")
    assert summary["clips"] == 1
    assert any("wpca_video" in note for note in summary["run"]["notes"])
    again = run(clip, tmp_path / "dataset")["run"]
    assert (again["todo"], again["computed"], again["seconds"]) == (0, {}, {})


def test_odd_names_keep_sound_and_twins(corpus: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / 'it\'s "odd" [x] %d'
    folder.mkdir()
    names = ["-dash.mp4", "späce и 'quote'.mp4", "a:b?c#d%20.mp4", "twin.mp4"]
    for name, clip in zip(names, sorted((corpus / "all").glob("*.mp4")), strict=False):
        shutil.copy(clip, folder / name)
    shutil.copy(folder / "twin.mp4", folder / "twin again.mp4")
    summary = run(folder, tmp_path / "dataset", "--keep-sound")
    assert summary["clips"] == 4
    assert summary["rejects"] == {}
    assert summary["run"]["duplicates"] == 1
    sound = sorted((tmp_path / "dataset/sound").rglob("*.flac"))
    assert len(sound) == 4
    assert all(path.read_bytes()[:4] == b"fLaC" for path in sound)
    assert run(folder, tmp_path / "dataset", "--keep-sound")["run"]["todo"] == 0
    sound[0].unlink()
    assert run(folder, tmp_path / "dataset", "--keep-sound")["run"]["todo"] == 1
    assert sound[0].exists()


def test_a_full_disk_ends_in_one_line_and_keeps_what_was_there(
    undisturbed: Path,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Run,
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    write_table = pq.write_table
    with monkeypatch.context() as patch:

        def full(table: Any, file: Any, **options: Any) -> None:
            file.write(b"PAR1 and no more")
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("pipeline.store.write.pq.write_table", full)
        arguments = ["run", "vmnet", "--input", str(corpus / "all"), "--output", str(output), "--weights", "random"]
        assert main(arguments) == 1
    assert pq.write_table is write_table
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("reelscore: ")
    assert "No space left on device" in last
    assert not list(output.rglob(".writing-*"))
    assert_same(output, undisturbed)
    assert run(corpus / "all", output)["run"]["todo"] == 1


def test_a_clip_that_no_longer_decodes_keeps_its_row_and_rejects_the_feature(
    corpus: Path, tmp_path: Path, run: Run
) -> None:
    clip = next((corpus / "all").glob("*.mp4"))
    output = tmp_path / "dataset"
    run(clip, output)
    again = run(clip, output, "--set", "inception.max_s=1", "--max-megapixels", "0.001")
    assert again["clips"] == 1
    assert again["rejects"] == {"inception: too_many_pixels": 1}
    assert run(clip, output, "--set", "inception.max_s=1", "--max-megapixels", "0.001")["run"]["todo"] == 0
    assert run(clip, output, "--set", "inception.max_s=1")["run"]["computed"]["inception"] == 1
