"""Derived features: part by part, once, with a reject where nothing can be computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from building import FRACTIONS, add_clips, add_feature, clip_row, digest, feature_row, files_below, inception_entry

from pipeline import derivation
from pipeline.derivation import derive_part, missing_parts
from pipeline.entries import make_entry
from pipeline.errors import JobError
from pipeline.store import Dataset
from pipeline.store.layout import parts
from transforms import features
from transforms.projections import GramAccumulator, Projection, fit_projection

IDS = [f"clip{number:02d}" for number in range(8)]


def numbers(clip_id: str) -> np.ndarray:
    return np.random.default_rng(int(clip_id[-2:])).normal(size=(6, 4)).astype(np.float16)


@pytest.fixture
def projection() -> Projection:
    gram = GramAccumulator(4)
    gram.add(np.concatenate([numbers(i) for i in IDS]).astype(np.float32))
    return fit_projection(gram, "wpca", 2, whiten=True)


@pytest.fixture
def wpca(projection: Projection) -> dict[str, Any]:
    feature = features.get("wpca")
    return make_entry(feature, feature.card.defaults(), projection=projection, source=inception_entry())


@pytest.fixture
def place(tmp_path: Path, wpca: dict[str, Any]) -> Dataset:
    """Eight clips in two shards with ``inception``; the first row of each is masked."""
    dataset = Dataset.create(tmp_path / "set", 2, FRACTIONS)
    add(dataset, IDS)
    dataset.meta["features"]["wpca"] = wpca
    dataset.save()
    return dataset


def add(dataset: Dataset, ids: list[str], mask: np.ndarray | None = None) -> None:
    mask = np.arange(6) > 0 if mask is None else mask
    add_clips(dataset, [clip_row(i, duration_s=6.0) for i in ids])
    add_feature(dataset, inception_entry(), [feature_row(i, numbers(i), mask=mask) for i in ids])


def test_every_part_of_the_input_becomes_one_of_the_output(
    place: Dataset, wpca: dict[str, Any], projection: Projection
) -> None:
    missing, clips = missing_parts(place, wpca)
    assert (missing, clips) == (parts(place.feature_folder("inception")), 8)
    assert sum(derive_part(place, path, wpca, projection) for path in missing) == 8
    assert place.done("wpca") == {i: digest(i) for i in IDS}
    assert missing_parts(place, wpca) == ([], 0)
    for rows in place.rows("wpca"):
        assert rows.card["fingerprint"] == wpca["fingerprint"]
        for number, clip_id in enumerate(rows.ids):
            expected = projection.apply(numbers(clip_id).astype(np.float32))
            expected[0] = 0.0
            assert rows.values[number].tolist() == expected.astype(np.float16).tolist()
            assert rows.masks[number].tolist() == [False, True, True, True, True, True]
            assert rows.times_s[number].tolist() == list(range(6))


def test_nothing_twice_and_an_added_clip_alone(place: Dataset, wpca: dict[str, Any], projection: Projection) -> None:
    for path in missing_parts(place, wpca)[0]:
        derive_part(place, path, wpca, projection)
    before = files_below(place.path)
    for path in parts(place.feature_folder("inception")):
        assert derive_part(place, path, wpca, projection) == 0
    assert files_below(place.path) == before
    add(place, ["late09"])
    missing, clips = missing_parts(place, wpca)
    assert (len(missing), clips) == (1, 1)
    assert derive_part(place, missing[0], wpca, projection) == 1
    assert sorted(place.done("wpca")) == sorted([*IDS, "late09"])


def test_derived_after_a_kill_half_way(place: Dataset, wpca: dict[str, Any], projection: Projection) -> None:
    first, second = missing_parts(place, wpca)[0]
    derive_part(place, first, wpca, projection)
    missing, _ = missing_parts(place, wpca)
    assert missing == [second]


def test_clip_without_a_picture_is_rejected_once(place: Dataset, projection: Projection, wpca: dict[str, Any]) -> None:
    add(place, ["dark08"], mask=np.zeros(6, bool))
    for path in missing_parts(place, wpca)[0]:
        derive_part(place, path, wpca, projection)
    feature = features.get("wpca_stats")
    stats = make_entry(feature, feature.card.defaults(), source=wpca)
    place.meta["features"]["wpca_stats"] = stats
    place.save()
    assert stats["dims"] == 14
    found = [derive_part(place, path, stats, None) for path in missing_parts(place, stats)[0]]
    assert sum(found) == 8
    (reject,) = place.rejects()
    assert (reject["id"], reject["feature"], reject["reason"]) == ("dark08", "wpca_stats", "not_computable")
    assert reject["attempt"] == stats["fingerprint"]
    assert missing_parts(place, stats) == ([], 0)
    (rows, *_) = place.rows("wpca_stats")
    assert rows.values[0].shape == (14,)
    assert rows.masks == []


def test_a_part_of_rejects_alone_writes_no_part_of_values(place: Dataset, projection: Projection) -> None:
    feature = features.get("wpca")
    strict = make_entry(feature, feature.card.defaults(), projection=projection, source=inception_entry())
    strict = {**strict, "tolerance": 0.0}
    place.meta["features"]["wpca"] = strict
    place.save()
    for path in missing_parts(place, strict)[0]:
        assert derive_part(place, path, strict, projection) == 0
    assert parts(place.feature_folder("wpca")) == []
    assert {row["reason"] for row in place.rejects()} == {"storage_tolerance"}
    assert missing_parts(place, strict) == ([], 0)


def test_eight_bits_carry_how_to_map_them_back(place: Dataset, projection: Projection) -> None:
    feature = features.get("wpca")
    parameters = {**feature.card.defaults(), "quantiser": "round"}
    entry = make_entry(feature, parameters, projection=projection, source=inception_entry())
    place.meta["features"]["wpca"] = entry
    place.save()
    for path in missing_parts(place, entry)[0]:
        derive_part(place, path, entry, projection)
    for rows in place.rows("wpca"):
        for number, values in enumerate(rows.floats()):
            assert rows.values[number].dtype == np.uint8
            exact = projection.apply(numbers(rows.ids[number]).astype(np.float32))[1:]
            assert np.abs(values[1:] - np.clip(exact, -2, 2)).max() <= entry["dequantise"]["scale"] + 1e-6


def test_full_disk_is_one_line(
    place: Dataset, wpca: dict[str, Any], projection: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(derivation, "write_feature", fail)
    before = files_below(place.path)
    with pytest.raises(JobError, match=r"cannot be written \(No space left on device\)") as caught:
        derive_part(place, parts(place.feature_folder("inception"))[0], wpca, projection)
    assert "\n" not in str(caught.value)
    assert files_below(place.path) == before
