"""Fitting: the same bytes whatever parts the rows are in, on training rows alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from building import FRACTIONS, add_clips, add_feature, clip_row, feature_row, inception_entry, vector_entry

from pipeline.errors import TooFewError
from pipeline.fitting import fit_samples, sample_shard, training_ids, training_sample, training_splits
from pipeline.store import Dataset, shard_of
from pipeline.store.compact import compact
from transforms.projections import GramAccumulator, Projection

IDS = [f"clip{number:02d}" for number in range(24)]
PARAMETERS = {"dims": 3, "epsilon": 1e-4}


def numbers(clip_id: str) -> np.ndarray:
    rng = np.random.default_rng(int(clip_id[-2:]))
    return (rng.normal(size=(10, 6)) * [5, 4, 3, 2, 1, 0.5]).astype(np.float16)


def mask_of(clip_id: str) -> np.ndarray:
    return np.arange(10) >= int(clip_id[-2:]) % 3


def split_of(clip_id: str) -> str:
    return "test" if int(clip_id[-2:]) % 6 == 0 else "train"


def made(folder: Path, runs: list[list[str]], split: str | None = None) -> Dataset:
    dataset = Dataset.create(folder, 3, FRACTIONS)
    for run in runs:
        add_clips(dataset, [clip_row(i, split=split or split_of(i)) for i in run])
        add_feature(dataset, inception_entry(6), [feature_row(i, numbers(i), mask=mask_of(i)) for i in run])
    return dataset


def fitted(dataset: Dataset, work: Path, rows: int, feature: str = "inception") -> tuple[Projection, dict[str, int]]:
    limit, about = training_sample(dataset, feature, rows)
    splits = training_splits(dataset)
    work.mkdir()
    samples = [work / f"{shard:05d}.npy" for shard in range(dataset.shards)]
    written = [path for n, path in enumerate(samples) if sample_shard(dataset, feature, n, splits, limit, path)]
    assert sorted(work.iterdir()) == written
    return fit_samples("wpca", written[::-1], PARAMETERS, True), about


def test_bytes_are_equal_whatever_parts_the_rows_are_in(tmp_path: Path) -> None:
    one = made(tmp_path / "one", [IDS])
    many = made(tmp_path / "many", [IDS[20:], IDS[3:9], IDS[:3], IDS[9:20]])
    first, about = fitted(one, tmp_path / "w1", 100)
    second, about_many = fitted(many, tmp_path / "w2", 100)
    assert first.to_bytes() == second.to_bytes()
    assert about == about_many
    compact(many, 100)
    assert fitted(many, tmp_path / "w3", 100)[0].to_bytes() == first.to_bytes()


def test_fitted_on_training_rows_that_hold_a_picture(tmp_path: Path) -> None:
    dataset = made(tmp_path / "set", [IDS])
    training = [i for i in IDS if split_of(i) == "train"]
    rows = np.concatenate([numbers(i)[mask_of(i)] for i in training]).astype(np.float64)
    projection, about = fitted(dataset, tmp_path / "work", 10_000)
    assert about == {"rows": len(rows), "rows_available": len(rows), "clips": len(training)}
    assert training_splits(dataset) == ("train",)
    assert training_ids(dataset, ("train",)) == set(training)
    by_shard = [training_ids(dataset, ("train",), shard) for shard in range(dataset.shards)]
    assert sum(map(len, by_shard)) == len(training)
    assert by_shard == [{i for i in training if shard_of(i, dataset.shards) == n} for n in range(dataset.shards)]
    np.testing.assert_allclose(projection.mean, rows.mean(axis=0), atol=1e-4)
    expected = np.sort(np.linalg.eigvalsh(np.cov(rows.T)))[::-1][:3]
    np.testing.assert_allclose(projection.eigenvalues, expected, rtol=1e-4)


def test_sample_has_the_stated_size_in_the_order_of_clip_and_row(tmp_path: Path) -> None:
    dataset = made(tmp_path / "set", [IDS[12:], IDS[:12]])
    limit, about = training_sample(dataset, "inception", 60)
    assert about["rows"] == 60
    found = []
    for shard in range(dataset.shards):
        if sample_shard(dataset, "inception", shard, ("train",), limit, tmp_path / f"{shard}.npy"):
            sample = np.load(tmp_path / f"{shard}.npy")
            assert sample.dtype == np.float32
            found += sample.tolist()
    assert len(found) == 60
    everything = {tuple(row.tolist()): (i, k) for i in IDS for k, row in enumerate(numbers(i).astype(np.float32))}
    places = [everything[tuple(row)] for row in found]
    assert all(split_of(i) == "train" and mask_of(i)[k] for i, k in places)
    per_shard = [[p for p in places if p[0] in rows.ids] for rows in dataset.rows("inception")]
    assert all(shard == sorted(shard) for shard in per_shard)


def test_clip_level_feature_counts_a_row_a_clip(tmp_path: Path) -> None:
    dataset = made(tmp_path / "set", [IDS])
    add_feature(dataset, vector_entry("wpca_video", 6), [feature_row(i, numbers(i)[0].astype("f4")) for i in IDS])
    projection, about = fitted(dataset, tmp_path / "work", 10_000, "wpca_video")
    training = [i for i in IDS if split_of(i) == "train"]
    assert about == {"rows": 20, "rows_available": 20, "clips": 20}
    np.testing.assert_allclose(
        projection.mean, np.mean([numbers(i)[0].astype(float) for i in training], axis=0), atol=1e-5
    )


@pytest.mark.parametrize(("training", "expected"), [(0, IDS), (1, IDS), (2, IDS[:2])])
def test_all_clips_where_too_few_are_for_training(tmp_path: Path, training: int, expected: list[str]) -> None:
    dataset = made(tmp_path / "set", [IDS[training:]], split="test")
    add_clips(dataset, [clip_row(i) for i in IDS[:training]])
    assert training_ids(dataset, training_splits(dataset)) == set(expected)


def test_nothing_to_fit_on_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TooFewError, match="no training rows"):
        fit_samples("wpca", [], PARAMETERS, True)
    np.save(tmp_path / "00000.npy", np.ones((1, 6), np.float32))
    with pytest.raises(TooFewError, match="at least 2"):
        fit_samples("wpca", [tmp_path / "00000.npy"], PARAMETERS, True)
    np.save(tmp_path / "00000.npy", np.ones((9, 6), np.float32))
    with pytest.raises(TooFewError, match="all 9 samples are equal"):
        fit_samples("wpca", [tmp_path / "00000.npy"], PARAMETERS, True)


def test_shard_without_training_rows_writes_no_sample(tmp_path: Path) -> None:
    dataset = made(tmp_path / "set", [["clip01"]])
    (shard,) = [n for n in range(3) if list(dataset.rows("inception", n))]
    empty = (shard + 1) % 3
    assert not sample_shard(dataset, "inception", empty, ("train",), 2**64 - 1, tmp_path / "x.npy")
    assert not sample_shard(dataset, "inception", shard, ("val",), 2**64 - 1, tmp_path / "x.npy")
    assert not (tmp_path / "x.npy").exists()


def test_samples_are_added_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # float64 sums depend on the order, and float32 hides that nearly always: so the order itself is looked at
    seen: list[float] = []
    real = GramAccumulator.add

    def spy(self: GramAccumulator, rows: np.ndarray) -> None:
        seen.append(float(rows[0, 0]))
        real(self, rows)

    monkeypatch.setattr(GramAccumulator, "add", spy)
    paths = [tmp_path / f"{shard:05d}.npy" for shard in (2, 10, 0, 1)]
    for path in paths:
        rows = np.random.default_rng(int(path.stem)).normal(size=(5, 3)).astype(np.float32)
        rows[0, 0] = int(path.stem)
        np.save(path, rows)
    fit_samples("wpca", paths, PARAMETERS, True)
    assert seen == [0, 1, 2, 10]
