"""Matrices of clip-level features, joined by clip; no Beam on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import UsageError
from pipeline.store import Dataset, shard_of
from pipeline.store.schema import CLIPS
from pipeline.store.write import write_feature, write_table
from trainer import clip_arrays

SPLITS = {"a": "train", "b": "val", "c": "train", "d": "train"}


def entry(name: str, dims: int, layout: str = "clip") -> dict[str, object]:
    return {
        "name": name,
        "layout": layout,
        "dims": dims,
        "dtype": "float32",
        "hop_s": None,
        "fingerprint": "f" * 16,
        "input": None,
    }


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four clips; ``video`` of all of them, ``music`` of all but d."""
    made = Dataset.create(tmp_path / "dataset", 2, {"train": 1.0, "val": 0.0, "test": 0.0})
    made.meta["features"] = {
        "video": entry("video", 3),
        "music": entry("music", 2),
        "frames": entry("frames", 2, "sequence"),
    }
    made.save()
    blank = {field.name: [] if pa.types.is_list(field.type) else 0 for field in CLIPS}
    text = {f.name: "" for f in CLIPS if pa.types.is_string(f.type)}
    for name, split in SPLITS.items():
        shard = shard_of(name, 2)
        streams = {"video": None, "audio": None, "video_streams": 1, "audio_streams": 1}
        row = {**blank, **text, "id": name, "split": split, "label": None, "streams": streams}
        path = made.clips_folder / f"part-{ord(name):012x}-{shard:05d}-of-00002.parquet"
        write_table(path, pa.Table.from_pylist([row], schema=CLIPS))
        for feature, dims in (("video", 3), ("music", 2)):
            if (feature, name) != ("music", "d"):
                values = np.full(dims, ord(name), np.float32)
                rows = [{"id": name, "sha256": name, "values": values}]
                write_feature(made.feature_folder(feature), made.meta["features"][feature], rows, shard, 2)
    return made


def test_rows_of_several_features_are_those_of_the_same_clip(dataset: Dataset) -> None:
    found = clip_arrays(dataset.path.as_posix(), ["video", "music"])
    assert found.ids == ["a", "b", "c"]
    assert found.splits == ["train", "val", "train"]
    assert found.values["video"].shape == (3, 3)
    assert found.values["music"].tolist() == [[97.0, 97.0], [98.0, 98.0], [99.0, 99.0]]
    assert (found.values["video"][:, 0] == found.values["music"][:, 0]).all()


def test_a_split_and_one_without_clips(dataset: Dataset) -> None:
    assert clip_arrays(dataset, ["video"], "train").ids == ["a", "c", "d"]
    empty = clip_arrays(dataset, ["video"], "test")
    assert empty.ids == []
    assert empty.values["video"].shape == (0, 3)


def test_what_makes_no_matrix_is_refused(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="is a sequence"):
        clip_arrays(dataset, ["frames"])
    with pytest.raises(UsageError, match="no feature 'mucis'"):
        clip_arrays(dataset, ["mucis"])


def test_reading_needs_neither_beam_nor_a_network() -> None:
    code = "import sys, trainer; print({'apache_beam', 'tensorflow', 'torch', 'faiss'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
