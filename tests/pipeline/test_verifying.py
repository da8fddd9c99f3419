"""verify finds each kind of damage and says where, and nothing in a whole dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from building import (
    add_clips,
    add_feature,
    add_rejects,
    clip_row,
    feature_row,
    inception_entry,
    reject_row,
    sequence,
    vector_entry,
)

from pipeline.index_files import build_on_disk, content_of, index_folder
from pipeline.indexing.build import IndexSpec
from pipeline.store import Dataset, shard_of
from pipeline.store.layout import part_name, parts
from pipeline.store.write import write_feature, write_table
from pipeline.verifying import problems


def found(dataset: Dataset) -> list[str]:
    lines = list(problems(Dataset.open(dataset.path)))
    assert all("\n" not in line for line in lines)
    return lines


def one(dataset: Dataset, *expected: str) -> None:
    (line,) = found(dataset)
    for text in expected:
        assert text in line


def rewrite(dataset: Dataset, feature: str, **changes: Any) -> str:
    """Write clip00's row of a feature anew, with something changed."""
    shard = shard_of("clip00", dataset.shards)
    entry = dataset.meta["features"][feature]
    rows = next(dataset.rows(feature, shard))
    made = []
    for number, clip_id in enumerate(rows.ids):
        row: dict[str, Any] = {"id": clip_id, "sha256": rows.sha256[number], "values": rows.values[number]}
        if rows.masks:
            row |= {"mask": rows.masks[number], "times_s": rows.times_s[number]}
        made.append(row | changes if clip_id == "clip00" else row)
    for path in parts(dataset.feature_folder(feature), shard):
        path.unlink()
    return str(write_feature(dataset.feature_folder(feature), entry, made, shard, dataset.shards).name)


def times(count: int) -> dict[str, np.ndarray]:
    """A sequence of ``count`` seconds."""
    return {"values": sequence("x", count), "mask": np.ones(count, bool), "times_s": np.arange(float(count))}


def test_whole_dataset_has_no_problems(dataset: Dataset) -> None:
    assert found(dataset) == []


@pytest.mark.parametrize("duration_s", [0.2, 1.0, 1.0000001, 2.0, 2.4, 359.5, 360.0, 5000.0])
def test_rows_are_the_started_seconds_up_to_the_cap(dataset: Dataset, duration_s: float) -> None:
    expected = 360 if duration_s > 359 else max(1, int(np.ceil(round(duration_s, 3))))
    for count, wrong in ((expected, 0), (expected + 1, 1), (expected - 1, 1)):
        clip_id = f"{duration_s} {count}"
        add_clips(dataset, [clip_row(clip_id, duration_s=duration_s)])
        add_feature(dataset, inception_entry(), [feature_row(clip_id, sequence(clip_id, count))])
        lines = [line for line in found(dataset) if clip_id[:12] in line]
        assert len(lines) == wrong
        dataset.drop([clip_id])


def test_cap_is_that_of_the_dataset(dataset: Dataset, ids: list[str]) -> None:
    shorter = inception_entry(max_s=2.0)
    dataset.settle("inception", shorter["fingerprint"])
    add_feature(dataset, shorter, [feature_row(i, sequence(i, 2)) for i in ids])
    assert found(dataset) == []
    rewrite(dataset, "inception", **times(3))
    one(dataset, "clip00 has 3 rows, 2 expected")


def folder_of(dataset: Dataset, table: str) -> Path:
    return {"clips": dataset.clips_folder, "rejects": dataset.rejects_folder}.get(table, dataset.feature_folder(table))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
@pytest.mark.parametrize("table", ["clips", "rejects", "inception", "wpca_video"])
def test_damaged_part(dataset: Dataset, table: str, damage: str) -> None:
    add_rejects(dataset, [reject_row("bad")])
    path = parts(folder_of(dataset, table))[0]
    whole = path.read_bytes()
    if damage == "flipped":
        meta = pq.ParquetFile(path).metadata
        last = meta.row_group(0).column(meta.num_columns - 1)
        at = (last.dictionary_page_offset or last.data_page_offset) + last.total_compressed_size - 3
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    else:
        path.write_bytes(whole[:-20] if damage == "cut" else b"")
    one(dataset, f"{path.relative_to(dataset.path)}: damaged (", "delete the file and run again")
    assert str(dataset.path) not in found(dataset)[0]


def test_damaged_part_of_what_an_index_was_built_from(dataset: Dataset) -> None:
    add_index(dataset)
    path = parts(dataset.feature_folder("wpca_video"))[0]
    path.write_bytes(path.read_bytes()[:-20])
    assert [line.split(": ")[0] for line in found(dataset)] == [
        f"features/wpca_video/{path.name}",
        "indexes/video",
    ]


def test_part_without_a_card(dataset: Dataset) -> None:
    path = parts(dataset.feature_folder("inception"))[0]
    write_table(path, pq.read_table(path).replace_schema_metadata({}))
    one(dataset, f"features/inception/{path.name}: damaged (no feature card")


def test_lost_part_of_a_feature(dataset: Dataset) -> None:
    path = parts(dataset.feature_folder("inception"))[0]
    lost = pq.read_table(path, columns=["id"])["id"].to_pylist()
    path.unlink()
    one(dataset, f"features/inception: {len(lost)} clips lack it, such as {lost[0]}; run again")


def test_clip_whose_feature_was_turned_away_lacks_nothing(dataset: Dataset) -> None:
    add_clips(dataset, [clip_row("later")])
    add_rejects(dataset, [reject_row("later", feature="inception", reason="not_finite")])
    assert found(dataset) == [], "and what would be derived from it is not missing either"
    dataset.drop_rejects(["later"])
    one(dataset, "features/inception: 1 clips lack it, such as later")


def test_derived_feature_that_a_clip_lacks(dataset: Dataset) -> None:
    dataset.meta["features"]["wpca_video"]["input"] = "inception"
    dataset.save()
    add_clips(dataset, [clip_row("later")])
    add_feature(dataset, inception_entry(), [feature_row("later", sequence("later"))])
    one(dataset, "features/wpca_video: 1 clips lack it, such as later")
    add_rejects(dataset, [reject_row("later", feature="wpca_video", reason="not_computable")])
    assert found(dataset) == []


def test_lost_part_of_the_clips(dataset: Dataset) -> None:
    path = parts(dataset.clips_folder)[0]
    lost = pq.read_table(path, columns=["id"])["id"].to_pylist()
    path.unlink()
    lines = found(dataset)
    assert len(lines) == 2 * len(lost)
    assert all(any(f"{clip_id} is not in the clips table" in line for line in lines) for clip_id in lost)


def test_lost_projection(dataset: Dataset) -> None:
    dataset.meta["projections"]["wpca"] = {"file": "wpca-000.safetensors", "digest": "x"}
    dataset.save()
    one(dataset, "projections/wpca-000.safetensors: missing", "--refit")


@pytest.mark.parametrize("feature", ["inception", "wpca_video"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers(dataset: Dataset, feature: str, bad: float) -> None:
    values = np.full((3, 4), bad, np.float16) if feature == "inception" else np.full(4, bad, np.float32)
    name = rewrite(dataset, feature, values=values)
    one(dataset, name, "clip00 holds values that are not finite")


def test_wrong_number_of_rows(dataset: Dataset) -> None:
    name = rewrite(dataset, "inception", **times(4))
    one(dataset, name, "clip00 has 4 rows, 3 expected")


def test_row_of_other_content(dataset: Dataset) -> None:
    name = rewrite(dataset, "wpca_video", sha256="other")
    one(dataset, name, "clip00 was computed from other content")


def test_row_of_a_clip_that_the_table_lacks(dataset: Dataset) -> None:
    add_feature(dataset, inception_entry(), [feature_row("stray", sequence("stray"))])
    one(dataset, "stray is not in the clips table")


@pytest.mark.parametrize("table", ["clips", "inception"])
def test_id_given_twice(dataset: Dataset, table: str) -> None:
    shard = shard_of("clip00", dataset.shards)
    folder = dataset.clips_folder if table == "clips" else dataset.feature_folder(table)
    (path,) = parts(folder, shard)
    (folder / part_name(shard, dataset.shards, ["a copy"])).write_bytes(path.read_bytes())
    count = len(pq.read_table(path, columns=["id"]))
    one(dataset, table, f"{count} ids are there twice")


def test_id_given_twice_in_one_part(dataset: Dataset) -> None:
    (path,) = parts(dataset.clips_folder, shard_of("clip00", dataset.shards))
    whole = pq.read_table(path)
    write_table(path, whole.take([0, *range(len(whole))]))
    one(dataset, path.name, "there twice")


def test_rows_that_are_not_sorted(dataset: Dataset) -> None:
    (path,) = parts(dataset.clips_folder, shard_of("clip00", dataset.shards))
    whole = pq.read_table(path)
    assert len(whole) > 1
    write_table(path, whole.take(list(reversed(range(len(whole))))))
    one(dataset, path.name, "ids are not sorted")


def test_rows_of_another_shard(dataset: Dataset) -> None:
    shard = shard_of("clip00", dataset.shards)
    (path,) = parts(dataset.clips_folder, shard)
    path.rename(dataset.clips_folder / part_name((shard + 1) % 4, 4, ["moved"]))
    one(dataset, "clips/part-", "holds clips of another shard")


def test_empty_part(dataset: Dataset) -> None:
    (path,) = parts(dataset.clips_folder, shard_of("clip00", dataset.shards))
    write_table(dataset.clips_folder / part_name(0, 4, ["nothing"]), pq.read_table(path).slice(0, 0))
    one(dataset, "an empty part")


def test_part_of_another_fingerprint(dataset: Dataset) -> None:
    other = inception_entry(max_s=300.0)
    (shard,) = {shard_of("later", dataset.shards)}
    add_clips(dataset, [clip_row("later")])
    write_feature(dataset.feature_folder("inception"), other, [feature_row("later", sequence("later"))], shard, 4)
    one(dataset, f"fingerprint {other['fingerprint']}", dataset.card("inception")["fingerprint"])


def add_index(dataset: Dataset) -> None:
    spec = IndexSpec()
    build_on_disk(dataset, "video", "wpca_video", spec, content_of(dataset, "wpca_video", spec)[0])
    dataset.meta["indexes"]["video"] = {"feature": "wpca_video"}
    dataset.save()


def test_index_that_is_missing_or_no_longer_true(dataset: Dataset) -> None:
    add_index(dataset)
    assert found(dataset) == []
    add_clips(dataset, [clip_row("later")])
    add_feature(dataset, inception_entry(), [feature_row("later", sequence("later"))])
    add_feature(dataset, vector_entry(), [feature_row("later", np.ones(4, np.float32))])
    one(dataset, "indexes/video: not what the dataset holds now")
    (index_folder(dataset, "video") / "index.json").unlink()
    one(dataset, "indexes/video: its description is missing")


@pytest.mark.parametrize("file", ["index.faiss", "ids.parquet"])
def test_lost_file_of_an_index(dataset: Dataset, file: str) -> None:
    add_index(dataset)
    (index_folder(dataset, "video") / file).unlink()
    one(dataset, f"indexes/video/{file}: missing")


def test_damaged_description_of_an_index(dataset: Dataset) -> None:
    add_index(dataset)
    (index_folder(dataset, "video") / "index.json").write_text("{")
    one(dataset, "indexes/video: ", "index.json: cannot be read")


def test_every_problem_is_told_not_only_the_first(dataset: Dataset) -> None:
    rewrite(dataset, "wpca_video", sha256="other", values=np.full(4, np.nan, np.float32))
    add_feature(dataset, inception_entry(), [feature_row("stray", sequence("stray"))])
    assert len(found(dataset)) == 3
