"""An index in a dataset: what it is built from, and that it follows from the stored vectors alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from building import FRACTIONS, add_clips, add_feature, clip_row, digest, feature_row, files_below, vector_entry

from pipeline import index_files
from pipeline.errors import JobError, UsageError
from pipeline.index_files import build_on_disk, check_feature, content_of, describe, index_folder
from pipeline.indexing.build import IndexSpec
from pipeline.indexing.ids import key_of
from pipeline.store import Dataset
from pipeline.store.compact import compact

SPEC = IndexSpec()


def vector(clip_id: str) -> np.ndarray:
    return np.random.default_rng(int(digest(clip_id)[:8], 16)).normal(size=4).astype(np.float32)


def test_three_files_that_name_what_they_hold(dataset: Dataset, ids: list[str]) -> None:
    content, clips = content_of(dataset, "wpca_video", SPEC)
    assert clips == len(ids)
    made = build_on_disk(dataset, "video", "wpca_video", SPEC, content)
    assert files_below(index_folder(dataset, "video")) == ["ids.parquet", "index.faiss", "index.json"]
    found = describe(dataset, "video")
    assert found == json.loads(json.dumps(made))
    assert found is not None
    assert found["fingerprint"] == dataset.card("wpca_video")["fingerprint"]
    assert (found["feature"], found["metric"], found["content"]) == ("wpca_video", "cosine", content)
    assert found["build"]["kind"] == "flat"
    assert found["recall_at_10"] == {"k": 10, "queries": 12, "value": 1.0}
    table = pq.read_table(index_folder(dataset, "video") / "ids.parquet")
    assert dict(zip(table["id"].to_pylist(), table["key"].to_pylist(), strict=True)) == {i: key_of(i) for i in ids}


def test_bytes_do_not_depend_on_parts(tmp_path: Path, ids: list[str]) -> None:
    blobs = []
    for name, runs in (("one", [ids]), ("many", [ids[7:], ids[:2], ids[2:7]])):
        made = Dataset.create(tmp_path / name, 3, FRACTIONS)
        for run in runs:
            add_clips(made, [clip_row(i) for i in run])
            add_feature(made, vector_entry(), [feature_row(i, vector(i)) for i in run])
        build_on_disk(made, "video", "wpca_video", SPEC, "c")
        blobs.append((index_folder(made, "video") / "index.faiss").read_bytes())
        compact(made, 100)
        build_on_disk(made, "video", "wpca_video", SPEC, "c")
        blobs.append((index_folder(made, "video") / "index.faiss").read_bytes())
    assert blobs[1:] == blobs[:-1]


def test_content_follows_clips_values_and_options_but_not_parts(dataset: Dataset) -> None:
    before = content_of(dataset, "wpca_video", SPEC)[0]
    compact(dataset, 100)
    assert content_of(dataset, "wpca_video", SPEC)[0] == before
    seen = {before, content_of(dataset, "wpca_video", IndexSpec(metric="l2"))[0]}
    add_feature(dataset, vector_entry(), [feature_row("later", vector("later"))])
    seen.add(content_of(dataset, "wpca_video", SPEC)[0])
    dataset.drop(["later"])
    assert content_of(dataset, "wpca_video", SPEC)[0] == before
    dataset.drop(["clip00"])
    add_feature(dataset, vector_entry(), [feature_row("clip00", vector("clip00"), sha256="new")])
    seen.add(content_of(dataset, "wpca_video", SPEC)[0])
    dataset.meta["features"]["wpca_video"] = vector_entry(fingerprint="f" * 16)
    seen.add(content_of(dataset, "wpca_video", SPEC)[0])
    assert len(seen) == 5


def test_only_clip_level_features_of_the_dataset_can_be_indexed(dataset: Dataset) -> None:
    assert check_feature(dataset, "wpca_video")["name"] == "wpca_video"
    with pytest.raises(UsageError, match="several rows a clip"):
        check_feature(dataset, "inception")
    with pytest.raises(UsageError, match="no feature 'nope'"):
        check_feature(dataset, "nope")


def test_one_clip_has_no_recall_and_none_has_no_index(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "one", 1, FRACTIONS)
    made.meta["features"]["wpca_video"] = vector_entry()
    with pytest.raises(JobError, match="index video"):
        build_on_disk(made, "video", "wpca_video", SPEC, "c")
    add_feature(made, vector_entry(), [feature_row("a", vector("a"))])
    assert build_on_disk(made, "video", "wpca_video", SPEC, "c")["recall_at_10"]["value"] is None


def test_no_description_is_none_and_a_damaged_one_is_one_line(dataset: Dataset) -> None:
    assert describe(dataset, "video") is None
    build_on_disk(dataset, "video", "wpca_video", SPEC, "c")
    (index_folder(dataset, "video") / "index.json").write_text("{")
    with pytest.raises(JobError, match="build the index again") as caught:
        describe(dataset, "video")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("step", ["search.write_index", "write_table", "write_atomically"])
def test_full_disk_leaves_no_index_that_looks_whole(
    dataset: Dataset, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_on_disk(dataset, "video", "wpca_video", SPEC, "old")

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"{index_files.__name__}.{step}", fail)
        with pytest.raises(JobError, match="No space left"):
            build_on_disk(dataset, "video", "wpca_video", SPEC, "new")
    assert describe(dataset, "video") is None
    build_on_disk(dataset, "video", "wpca_video", SPEC, "new")
    assert (describe(dataset, "video") or {})["content"] == "new"
