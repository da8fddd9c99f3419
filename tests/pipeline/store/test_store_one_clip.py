"""One clip is read alone, and as the whole part would have it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from building import FRACTIONS, add_feature, feature_row

from pipeline.store import Dataset, read, shard_of
from pipeline.store.one_clip import clip_rows
from pipeline.store.write import ROW_GROUP_ROWS

PICTURES = {
    "name": "pictures",
    "fingerprint": "pictures-1",
    "layout": "sequence",
    "dims": 12,
    "dtype": "uint8",
    "hop_s": None,
    "columns": {"scores": "float32", "thumbnails": "binary"},
}
#: More clips of one shard than two row groups hold.
IDS = sorted(name for i in range(400) if shard_of(name := f"m{i:03d}", 4) == 0)[: 2 * ROW_GROUP_ROWS + 6]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    made = Dataset.create(tmp_path / "made", 4, FRACTIONS)
    rows = [
        feature_row(
            name,
            np.full((1 + number % 3, 12), number, np.uint8),
            scores=np.arange(1 + number % 3, dtype=np.float32),
            thumbnails=[b"%d" % number] * (1 + number % 3),
        )
        for number, name in enumerate(IDS)
    ]
    assert len(add_feature(made, PICTURES, rows)) == 1
    return made


@pytest.mark.parametrize("number", [0, ROW_GROUP_ROWS - 1, ROW_GROUP_ROWS, ROW_GROUP_ROWS + 1, len(IDS) - 1])
def test_as_the_whole_part_has_it(dataset: Dataset, number: int) -> None:
    (path,) = dataset.feature_folder("pictures").glob("*.parquet")
    whole, one = read.read_part(path), clip_rows(dataset, "pictures", IDS[number])
    assert one is not None
    assert one.ids == [IDS[number]] == [whole.ids[number]]
    assert one.sha256 == [whole.sha256[number]]
    assert (one.values[0] == number).all()
    for mine, theirs in ((one.values, whole.values), (one.masks, whole.masks), (one.times_s, whole.times_s)):
        np.testing.assert_array_equal(mine[0], theirs[number])
    assert one.columns["thumbnails"] == [whole.columns["thumbnails"][number]]
    np.testing.assert_array_equal(one.columns["scores"][0], whole.columns["scores"][number])


def test_what_is_not_there(dataset: Dataset) -> None:
    assert clip_rows(dataset, "pictures", "absent") is None
    assert clip_rows(dataset, "nowhere", IDS[0]) is None
