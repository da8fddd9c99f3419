"""The dataset: opening and refusing, the lock, what is done, and keeping it true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from building import (
    FRACTIONS,
    add_clips,
    add_feature,
    add_rejects,
    clip_row,
    digest,
    feature_row,
    files_below,
    inception_entry,
    reject_row,
    sequence,
    values_of,
    vector_entry,
)

from pipeline.errors import JobError, UsageError
from pipeline.store import FORMAT_VERSION, Dataset, shard_of
from pipeline.store.layout import parts
from pipeline.store.schema import CLIPS

ROOT = Path(__file__).parents[3]


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        Dataset.open(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- opening ----------------------------------------------------------------------------------------------------------


def test_create_then_open(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "new" / "set", 5, FRACTIONS)
    found = Dataset.open(tmp_path / "new" / "set")
    assert found.meta == made.meta
    assert (found.shards, found.meta["split_fractions"]) == (5, FRACTIONS)
    assert found.clips().num_rows == 0
    assert found.clips(["id", "split"]).column_names == ["id", "split"]
    assert found.rejects() == []
    assert found.done("inception") == {}
    assert list(found.rows("inception")) == []
    assert Dataset.exists(tmp_path / "new" / "set")


def test_create_in_an_empty_folder_but_not_beside_something_else(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    Dataset.create(tmp_path / "empty", 1, FRACTIONS)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match=r"holds something else \(thesis.tex\)"):
        Dataset.create(other, 1, FRACTIONS)
    assert files_below(other) == ["thesis.tex"]


def test_create_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="cannot be written"):
            Dataset.create(path, 1, FRACTIONS)
    assert (tmp_path / "file").read_text() == "x"


def test_full_disk_while_creating_leaves_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.write.os.fsync", fail)
        with pytest.raises(UsageError, match="No space left"):
            Dataset.create(tmp_path / "set", 1, FRACTIONS)
    assert files_below(tmp_path) == []
    Dataset.create(tmp_path / "set", 1, FRACTIONS)


def test_no_dataset_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "file", tmp_path / "file" / "below"):
        assert "no dataset here" in refused(path)
        assert not Dataset.exists(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"format": "other"}', '"text"'])
def test_strange_descriptions_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    assert "dataset.json" in refused(tmp_path)


@pytest.mark.parametrize("key", ["shards", "split_fractions", "features", "projections", "indexes", "runs"])
def test_description_that_lacks_something_is_refused(dataset: Dataset, key: str) -> None:
    del dataset.meta[key]
    dataset.save()
    assert refused(dataset.path) == f"{dataset.path / 'dataset.json'}: damaged, it lacks {key}; take it from a copy"


def test_folder_in_the_place_of_the_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").mkdir()
    assert "dataset.json" in refused(tmp_path)


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, None, "1"])
def test_another_format_version_is_refused_and_left_alone(dataset: Dataset, version: object) -> None:
    dataset.meta["format_version"] = version
    dataset.save()
    before = (dataset.path / "dataset.json").read_bytes()
    line = refused(dataset.path)
    assert f"version {version}" in line
    assert f"version {FORMAT_VERSION}" in line
    assert (dataset.path / "dataset.json").read_bytes() == before


def test_description_is_written_whole_or_not_at_all(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_below(dataset.path)
    dataset.meta["runs"] = ["new"]

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.store.write.os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        dataset.save()
    assert Dataset.open(dataset.path).meta["runs"] == []
    assert files_below(dataset.path) == before


# -- the lock ---------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from pipeline.store import Dataset
with Dataset.open(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_refused_and_a_killed_one_leaves_no_lock(dataset: Dataset) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(dataset.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(JobError) as caught, dataset.lock():
            pass
        assert f"process {holder.pid} is writing this dataset" in str(caught.value)
        assert "\n" not in str(caught.value)
        # readers are not kept out
        assert Dataset.open(dataset.path).clips(["id"]).num_rows == 12
    finally:
        holder.kill()
        holder.communicate()
    with dataset.lock():
        pass


def test_lock_sweeps_and_takes_the_description_as_it_is_now(dataset: Dataset) -> None:
    other = Dataset.open(dataset.path)
    other.meta["runs"] = ["by another"]
    other.save()
    before = files_below(dataset.path)
    (dataset.clips_folder / ".writing-1-part.parquet").write_bytes(b"half")
    (dataset.work_folder("fit") / "sample.npy").write_bytes(b"left")
    with dataset.lock():
        assert dataset.meta["runs"] == ["by another"]
        assert files_below(dataset.path) == sorted([*before, ".lock"])
    with dataset.lock():
        pass


def test_work_folder_is_empty_each_time(dataset: Dataset) -> None:
    folder = dataset.work_folder("fit")
    (folder / "x").touch()
    assert list(dataset.work_folder("fit").iterdir()) == []


# -- reading ----------------------------------------------------------------------------------------------------------


def test_tables_are_sorted_and_join_shard_by_shard(dataset: Dataset, ids: list[str]) -> None:
    assert dataset.clips()["id"].to_pylist() == ids
    assert dataset.done("inception") == {clip_id: digest(clip_id) for clip_id in ids}
    for shard in range(dataset.shards):
        expected = [i for i in ids if shard_of(i, dataset.shards) == shard]
        assert dataset.clips(["id"], shard)["id"].to_pylist() == expected
        for feature in ("inception", "wpca_video"):
            assert [i for rows in dataset.rows(feature, shard) for i in rows.ids] == expected
    assert sorted(values_of(dataset, "inception")) == ids


def test_plain_pyarrow_reads_clips_and_features(dataset: Dataset, ids: list[str]) -> None:
    assert sorted(pds.dataset(dataset.path / "clips").to_table()["id"].to_pylist()) == ids
    table = pds.dataset(dataset.path / "features" / "wpca_video").to_table()
    found = dict(zip(table["id"].to_pylist(), table["values"].to_pylist(), strict=True))
    assert found == {clip_id: sequence(clip_id, 1)[0].astype(np.float32).tolist() for clip_id in ids}


def test_rows_of_one_shard_are_sorted_over_the_parts_of_many_runs(dataset: Dataset, ids: list[str]) -> None:
    more = [f"a{number}" for number in range(6)] + [f"z{number}" for number in range(6)]
    entry = dataset.meta["features"]["inception"]
    add_feature(dataset, entry, [feature_row(i, sequence(i)) for i in more])
    for rows in dataset.rows("inception"):
        assert rows.ids == sorted(rows.ids)
        for clip_id, values in zip(rows.ids, rows.values, strict=True):
            assert values.tobytes() == sequence(clip_id).tobytes()
    assert sorted(values_of(dataset, "inception")) == sorted(ids + more)


def test_masks_without_values(dataset: Dataset, ids: list[str]) -> None:
    entry = inception_entry()
    mask = np.array([False, True, True, False])
    add_feature(dataset, entry, [feature_row("masked", sequence("masked", 4), mask=mask)])
    found = dict(pair for part in dataset.masks("inception") for pair in part)
    assert sorted(found) == [*ids, "masked"]
    assert found["masked"].dtype == bool
    assert found["masked"].tolist() == mask.tolist()
    assert found[ids[0]].tolist() == [True, True, True]
    clip_level = dict(pair for part in dataset.masks("wpca_video") for pair in part)
    assert all(mask.tolist() == [True] for mask in clip_level.values())
    assert sorted(clip_level) == ids


def test_unknown_feature_names_those_that_exist(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="it has: inception, wpca_video"):
        dataset.card("nope")


def test_a_reject_holds_until_the_clip_or_its_feature_is_there(dataset: Dataset) -> None:
    add_rejects(
        dataset,
        [
            reject_row("gone"),
            reject_row("clip00"),
            reject_row("clip01", sha256="older content"),
            reject_row("clip02", feature="inception", reason="not_finite"),
            reject_row("clip03", feature="wpca", reason="not_computable"),
        ],
    )
    held = {(row["id"], row["feature"]) for row in dataset.rejects()}
    # clip00 is in the table with the same content, clip02 has its inception; the others still lack what was refused
    assert held == {("gone", None), ("clip01", None), ("clip03", "wpca")}


# -- keeping it true --------------------------------------------------------------------------------------------------


def test_settle_sets_aside_and_brings_back(dataset: Dataset, ids: list[str]) -> None:
    old, new = inception_entry(), inception_entry(max_s=300.0)
    before = values_of(dataset, "inception")
    names = files_below(dataset.feature_folder("inception"))
    assert dataset.settle("inception", old["fingerprint"]) == 0
    assert dataset.settle("inception", new["fingerprint"]) == len(names)
    assert dataset.done("inception") == {}
    assert values_of(dataset, "wpca_video"), "other features stay"
    # a plain reader of all features does not see what was set aside
    seen = pds.dataset(dataset.path / "features").files
    assert sorted(seen) == sorted(str(path) for path in parts(dataset.feature_folder("wpca_video")))
    add_feature(dataset, new, [feature_row("clip00", sequence("new"))])
    assert dataset.settle("inception", old["fingerprint"]) == 1
    assert values_of(dataset, "inception") == before
    assert files_below(dataset.feature_folder("inception")) == names
    assert dataset.settle("inception", new["fingerprint"]) == len(names)
    assert list(values_of(dataset, "inception")) == ["clip00"]


def test_settle_of_nothing(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "set", 2, FRACTIONS)
    assert made.settle("inception", "0" * 16) == 0
    assert files_below(made.path) == ["dataset.json"]


def test_drop_removes_rows_everywhere_and_never_leaves_an_empty_part(dataset: Dataset, ids: list[str]) -> None:
    add_rejects(dataset, [reject_row("clip00", feature="wpca"), reject_row("other")])
    shard = [i for i in ids if shard_of(i, dataset.shards) == shard_of("clip00", dataset.shards)]
    kept = values_of(dataset, "inception")
    dataset.drop([*shard, "never heard of"])
    assert dataset.clips(["id"])["id"].to_pylist() == [i for i in ids if i not in shard]
    for feature in ("inception", "wpca_video"):
        assert sorted(dataset.done(feature)) == [i for i in ids if i not in shard]
        assert parts(dataset.feature_folder(feature), shard_of("clip00", dataset.shards)) == []
    assert values_of(dataset, "inception") == {i: v for i, v in kept.items() if i not in shard}
    assert [row["id"] for row in dataset.rejects()] == ["other"]
    for path in dataset.path.rglob("*.parquet"):
        assert pq.read_metadata(path).num_rows > 0


def test_drop_keeps_type_encoding_and_card_of_the_rest(dataset: Dataset, ids: list[str]) -> None:
    shard = [i for i in ids if shard_of(i, dataset.shards) == shard_of("clip00", dataset.shards)]
    assert len(shard) > 1
    dataset.drop(["clip00"])
    (path,) = parts(dataset.feature_folder("inception"), shard_of("clip00", dataset.shards))
    entry = json.loads(json.dumps(dataset.meta["features"]["inception"]))
    (rows,) = dataset.rows("inception", shard_of("clip00", dataset.shards))
    assert rows.card == entry
    assert rows.ids == shard[1:]
    column = pq.ParquetFile(path).metadata.row_group(0).column(6)
    assert (column.path_in_schema, column.compression) == ("values.list.element.list.element", "ZSTD")
    assert "BYTE_STREAM_SPLIT" in column.encodings


def test_drop_reaches_what_is_set_aside(dataset: Dataset, ids: list[str]) -> None:
    old, new = inception_entry(), inception_entry(max_s=300.0)
    dataset.settle("inception", new["fingerprint"])
    dataset.drop(["clip00"])
    dataset.settle("inception", old["fingerprint"])
    assert sorted(dataset.done("inception")) == ids[1:]


def test_relocate_changes_the_place_of_a_clip_and_nothing_else(dataset: Dataset) -> None:
    label = clip_row("later", label="x", flags=["no_sound"], streams={**clip_row("")["streams"], "audio_streams": 2})
    add_clips(dataset, [label])
    before = dataset.clips().to_pylist()
    others = {path: path.read_bytes() for path in dataset.path.rglob("*.parquet")}
    dataset.relocate({"later": ("gs://b/ü.mp4", 7, 8), "never heard of": ("/x", 1, 1)})
    moved = {"later": {"uri": "gs://b/ü.mp4", "size_bytes": 7, "mtime_ns": 8}}
    assert dataset.clips().to_pylist() == [row | moved.get(row["id"], {}) for row in before]
    changed = [path for path, content in others.items() if path.read_bytes() != content]
    assert [path.parent for path in changed] == [dataset.clips_folder]
    assert sorted(dataset.path.rglob("*.parquet")) == sorted(others)
    dataset.relocate({})
    assert dataset.clips().schema.equals(CLIPS)


def test_drop_of_rejects_only_keeps_clips(dataset: Dataset, ids: list[str]) -> None:
    add_rejects(dataset, [reject_row("clip00", feature="wpca"), reject_row("gone")])
    dataset.drop_rejects(["clip00", "gone"])
    assert dataset.rejects() == []
    assert dataset.clips(["id"])["id"].to_pylist() == ids
    assert sorted(dataset.done("inception")) == ids
    dataset.drop([])
    assert dataset.clips(["id"])["id"].to_pylist() == ids


def test_clips_of_a_later_run_are_added_in_new_parts(dataset: Dataset, ids: list[str]) -> None:
    before = {path: path.read_bytes() for path in parts(dataset.clips_folder)}
    add_clips(dataset, [clip_row("later", split="test", label="x", flags=["no_sound"])])
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(parts(dataset.clips_folder)) == len(before) + 1
    row = dataset.clips().to_pylist()[-1]
    assert (row["id"], row["split"], row["label"], row["flags"]) == ("later", "test", "x", ["no_sound"])
    assert row["streams"] == {"video": None, "audio": None, "video_streams": 1, "audio_streams": 0}


def test_description_of_a_vector_feature_survives_the_file(dataset: Dataset) -> None:
    (rows, *_) = dataset.rows("wpca_video")
    assert rows.card["fingerprint"] == vector_entry()["fingerprint"] == dataset.card("wpca_video")["fingerprint"]
