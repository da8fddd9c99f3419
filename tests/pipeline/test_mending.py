"""What is damaged, lost or moved is told, is mended by the command that the message names, and never hidden."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from building import FRACTIONS, add_clips, add_feature, clip_row, feature_row, inception_entry, sequence
from places import Place, counts, sha

from pipeline.cli.main import main
from pipeline.errors import JobError
from pipeline.index_files import index_folder
from pipeline.inputs import files
from pipeline.planning import ClipTask
from pipeline.rows import Extracted, reject_row
from pipeline.searching import find_index, nearest, vector_of_clip
from pipeline.store import Dataset, read
from pipeline.store.compact import compact
from pipeline.store.layout import parts
from pipeline.store.schema import REJECTS
from pipeline.verifying import problems
from transforms.errors import RejectError


def build_index(dataset: Dataset) -> int:
    return main(["index", str(dataset.path), "--feature", "wpca_video", "--name", "video"])


def test_reject_of_a_file_whose_name_is_no_text_can_be_stored(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/b\xff.mp4"
    with open(path, "wb"):
        pass
    uri = os.fsdecode(path)
    with pytest.raises(RejectError) as caught:
        files.sha256(uri)
    task = ClipTask("id", uri, None, 0, 0, "train", None, None, (), True)
    row = reject_row(Extracted(task, ""), None, caught.value, "attempt")
    stored = pa.Table.from_pylist([row], schema=REJECTS).to_pylist()[0]
    assert stored["reason"] == "empty_file"
    assert "udcff" in stored["message"]


@pytest.mark.parametrize("file", ["index.faiss", "ids.parquet"])
def test_index_with_a_lost_file_is_built_again(dataset: Dataset, file: str) -> None:
    assert build_index(dataset) == 0
    (index_folder(dataset, "video") / file).unlink()
    assert [line for line in problems(Dataset.open(dataset.path)) if file in line]
    assert build_index(dataset) == 0
    assert list(problems(Dataset.open(dataset.path))) == []


def test_index_with_a_damaged_description_is_built_again(dataset: Dataset) -> None:
    assert build_index(dataset) == 0
    (index_folder(dataset, "video") / "index.json").write_text("{")
    assert build_index(dataset) == 0
    assert list(problems(Dataset.open(dataset.path))) == []


def test_compact_does_not_write_damaged_values_under_fresh_checksums(tmp_path: Path) -> None:
    made = Dataset.create(tmp_path / "set", 1, FRACTIONS)
    for run in range(2):
        ids = [f"r{run} c{number}" for number in range(8)]
        add_clips(made, [clip_row(clip_id, duration_s=100.0) for clip_id in ids])
        add_feature(made, inception_entry(), [feature_row(clip_id, sequence(clip_id, 100)) for clip_id in ids])
    path = parts(made.feature_folder("inception"))[0]
    meta = pq.ParquetFile(path).metadata
    last = meta.row_group(0).column(meta.num_columns - 1)
    whole = path.read_bytes()
    at = last.data_page_offset + last.total_compressed_size - 30
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
    with pytest.raises(JobError, match="damaged"):
        compact(made, 100)
    assert len(list(problems(made))) == 1


def test_rejected_file_that_moved_is_hashed_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.carry_out(place.plan([place.clip("a.mp4", "bad")]), reject={sha("bad"): "not_media"})
    (place.folder / "a.mp4").rename(place.folder / "b.mp4")
    clips = [place.clip("b.mp4")]
    place.carry_out(place.plan(clips))
    hashed: list[str] = []
    really = files.sha256_of_many

    def spy(uris: Iterable[str]) -> Any:
        given = list(uris)
        hashed.extend(given)
        return really(given)

    monkeypatch.setattr(files, "sha256_of_many", spy)
    assert counts(place.plan(clips)) == (1, 0, 1, 0)
    assert hashed == []


def test_search_gives_as_many_as_asked_where_clips_have_gone(dataset: Dataset) -> None:
    assert build_index(dataset) == 0
    opened = Dataset.open(dataset.path)
    description = find_index(opened, None)
    vector = vector_of_clip(opened, "wpca_video", "clip00")
    first = nearest(opened, description, vector, 3, leave_out="clip00")
    opened.drop([first[0].id])
    again = nearest(opened, description, vector, 3, leave_out="clip00")
    assert [hit.id for hit in again][:2] == [hit.id for hit in first][1:]
    assert len(again) == 3


def test_part_that_may_not_be_read_is_not_called_damaged(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(read.pq, "read_table", deny)
    with pytest.raises(JobError, match="Permission denied") as caught:
        dataset.clips()
    assert "delete" not in str(caught.value)
