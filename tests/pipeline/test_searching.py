"""Search: what a query names, what is refused, and neighbours in the right order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from building import FRACTIONS, add_clips, add_feature, clip_row, digest, feature_row, inception_entry, vector_entry

from models.weights import resolve
from pipeline.errors import JobError, UsageError
from pipeline.index_files import build_on_disk, content_of, index_folder
from pipeline.indexing.build import IndexSpec
from pipeline.searching import find_clip, find_index, nearest, vector_of_clip, vector_of_file
from pipeline.settings import Settings
from pipeline.store import Dataset


def add_index(dataset: Dataset, name: str = "video", feature: str = "wpca_video", metric: str = "cosine") -> None:
    spec = IndexSpec(metric=metric)
    description = build_on_disk(dataset, name, feature, spec, content_of(dataset, feature, spec)[0])
    dataset.meta["indexes"][name] = {key: description[key] for key in ("feature", "fingerprint", "metric")}
    dataset.save()


@pytest.fixture
def circle(tmp_path: Path) -> Dataset:
    """Clips on a circle, ten degrees apart, the n-th of length n + 1."""
    made = Dataset.create(tmp_path / "circle", 3, FRACTIONS)
    angles = np.deg2rad(10 * np.arange(9))
    ids = [f"clip{number}" for number in range(9)]
    add_clips(made, [clip_row(i, label=f"l{i}", split="val") for i in ids])
    rows = [
        feature_row(i, np.array([np.cos(a), np.sin(a), 0, 0], np.float32) * (n + 1))
        for n, (i, a) in enumerate(zip(ids, angles, strict=True))
    ]
    add_feature(made, vector_entry(), rows)
    add_index(made)
    return made


# -- which clip -------------------------------------------------------------------------------------------------------


def test_query_is_an_id_or_its_beginning(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "set", 2, FRACTIONS)
    assert find_clip(made, "anything") is None
    hashes = [digest(f"{n}") for n in range(20)]
    add_clips(made, [clip_row(i) for i in [*hashes, "abc", "song one", "song two", "song", "ünï.*code"]])
    assert find_clip(made, hashes[3]) == hashes[3]
    assert find_clip(made, hashes[3][:10]) == hashes[3]
    assert find_clip(made, "abc") == "abc"
    assert find_clip(made, "song") == "song", "a whole id wins over what it begins"
    assert find_clip(made, "song t") == "song two"
    assert find_clip(made, "ünï.*") == "ünï.*code"
    assert find_clip(made, "ab") is None, "two letters are no query"
    assert find_clip(made, hashes[3][:3]) is None
    assert find_clip(made, hashes[3].upper()) is None
    assert find_clip(made, "") is None
    with pytest.raises(UsageError, match="2 ids begin like this"):
        find_clip(made, "song ")


def test_vector_of_a_clip_is_the_stored_one(dataset: Dataset, ids: list[str]) -> None:
    stored = {i: v for rows in dataset.rows("wpca_video") for i, v in zip(rows.ids, rows.values, strict=True)}
    for clip_id in ids:
        found = vector_of_clip(dataset, "wpca_video", clip_id)
        assert found.dtype == np.float32
        assert found.tolist() == stored[clip_id].tolist()
    add_clips(dataset, [clip_row("bare")])
    with pytest.raises(UsageError, match="bare: this clip has no wpca_video"):
        vector_of_clip(dataset, "wpca_video", "bare")


# -- which index ------------------------------------------------------------------------------------------------------


def test_index_is_the_named_or_the_only_one(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="no index yet"):
        find_index(dataset, None)
    add_index(dataset, "video")
    assert find_index(dataset, None)["name"] == "video"
    add_index(dataset, "distance", metric="l2")
    assert find_index(dataset, "distance")["metric"] == "l2"
    with pytest.raises(UsageError, match="several indexes; say --index with one of: distance, video"):
        find_index(dataset, None)
    with pytest.raises(UsageError, match="no index 'nope'; there are: distance, video"):
        find_index(dataset, "nope")


def test_index_of_another_fingerprint_is_refused(dataset: Dataset) -> None:
    add_index(dataset)
    old = dataset.card("wpca_video")["fingerprint"]
    dataset.meta["features"]["wpca_video"] = vector_entry(fingerprint="f" * 16)
    with pytest.raises(JobError) as caught:
        find_index(dataset, "video")
    line = str(caught.value)
    assert old in line
    assert "f" * 16 in line
    assert "reelscore index" in line
    assert "\n" not in line


def test_new_file_is_refused_where_the_weights_are_others(dataset: Dataset, tmp_path: Path) -> None:
    entry = inception_entry()
    made_with = resolve("inception", "random", seed=1)
    dataset.meta["features"]["inception"] = {**entry, "weights": made_with.to_dict()}
    with pytest.raises(JobError, match="cannot be compared") as caught:
        vector_of_file(dataset, "inception", str(tmp_path / "x.mp4"), Settings(), lambda line: None)
    assert "random (seed 1)" in str(caught.value)
    assert "random (seed 0)" in str(caught.value)


# -- neighbours -------------------------------------------------------------------------------------------------------


def test_neighbours_are_ranked_by_cosine_without_the_clip_itself(circle: Dataset) -> None:
    description = find_index(circle, None)
    hits = nearest(circle, description, vector_of_clip(circle, "wpca_video", "clip0"), 4, leave_out="clip0")
    assert [hit.id for hit in hits] == ["clip1", "clip2", "clip3", "clip4"]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    expected = np.cos(np.deg2rad([10, 20, 30, 40]))
    np.testing.assert_allclose([hit.score for hit in hits], expected, atol=1e-5)
    assert (hits[0].uri, hits[0].label, hits[0].split, hits[0].duration_s) == (
        "/videos/clip1.mp4",
        "lclip1",
        "val",
        3.0,
    )


def test_a_new_vector_finds_the_clip_itself_first(circle: Dataset) -> None:
    description = find_index(circle, None)
    hits = nearest(circle, description, vector_of_clip(circle, "wpca_video", "clip5"), 3)
    assert hits[0].id == "clip5"
    assert hits[0].score == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("k", [1, 8, 9, 1000])
def test_never_more_than_there_are(circle: Dataset, k: int) -> None:
    description = find_index(circle, None)
    hits = nearest(circle, description, vector_of_clip(circle, "wpca_video", "clip0"), k, leave_out="clip0")
    assert len(hits) == min(k, 8)
    assert len({hit.id for hit in hits}) == len(hits)


def test_distance_is_smaller_where_nearer(circle: Dataset) -> None:
    add_index(circle, "distance", metric="l2")
    vector = vector_of_clip(circle, "wpca_video", "clip8")
    hits = nearest(circle, find_index(circle, "distance"), vector, 2, leave_out="clip8")
    assert [hit.id for hit in hits] == ["clip7", "clip6"]
    assert hits[0].score < hits[1].score
    other = vector_of_clip(circle, "wpca_video", "clip7")
    assert hits[0].score == pytest.approx(float(np.linalg.norm(vector - other)), rel=1e-5)


def test_clip_that_has_gone_since_the_index_was_built_is_no_answer(circle: Dataset) -> None:
    circle.drop(["clip1"])
    hits = nearest(circle, find_index(circle, None), vector_of_clip(circle, "wpca_video", "clip0"), 20, "clip0")
    assert [(hit.rank, hit.id) for hit in hits] == [(n - 1, f"clip{n}") for n in range(2, 9)]


@pytest.mark.parametrize("damage", [b"", b"junk"])
def test_damaged_names_of_an_index_are_one_line(circle: Dataset, damage: bytes) -> None:
    (index_folder(circle, "video") / "ids.parquet").write_bytes(damage)
    with pytest.raises(JobError, match=r"ids\.parquet: damaged") as caught:
        nearest(circle, find_index(circle, None), np.ones(4, np.float32), 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_damaged_index_is_one_line(circle: Dataset, damage: str) -> None:
    description = find_index(circle, None)
    path = index_folder(circle, "video") / "index.faiss"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50] if damage == "cut" else b"text")
    with pytest.raises(JobError) as caught:
        nearest(circle, description, np.ones(4, np.float32), 3)
    assert "\n" not in str(caught.value)
    assert "index.faiss" in str(caught.value)
