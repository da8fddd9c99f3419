"""Parts: what is written is read back, by us and by plain pyarrow, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from building import clip_row, feature_row, files_below, inception_entry, vector_entry

from pipeline.errors import JobError
from pipeline.store import write
from pipeline.store.read import read_part, shard_rows
from pipeline.store.schema import CARD_KEY, CLIPS, card_of
from pipeline.store.write import TEMPORARY_PREFIX, sweep, value_leaf, write_atomically, write_feature, write_rows

DTYPES = ["float16", "float32", "uint8"]


def arrays(dtype: str, layout: str, count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    found = {}
    for number in range(count):
        # sequences of every length, none among them
        shape = (5,) if layout == "clip" else (number % 4, 5)
        values = rng.integers(0, 256, shape) if dtype == "uint8" else rng.normal(size=shape)
        found[f"clip{number:03d}"] = values.astype(dtype)
    return found


def entry_of(dtype: str, layout: str) -> dict[str, Any]:
    made = vector_entry("wpca_video", 5) if layout == "clip" else inception_entry(5)
    return {**made, "dtype": dtype}


@pytest.fixture(params=[(d, layout) for d in DTYPES for layout in ("clip", "sequence")], ids=lambda p: "-".join(p))
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    found: tuple[str, str] = request.param
    return found


def test_values_come_back_to_the_bit(kind: tuple[str, str], tmp_path: Path) -> None:
    dtype, layout = kind
    # more clips than a row group holds
    given = arrays(dtype, layout, 75)
    rows = [feature_row(i, values) for i, values in reversed(given.items())]
    for row in rows:
        if layout == "sequence":
            row["mask"] = np.arange(len(row["values"])) % 2 == 0
    rows_read = read_part(write_feature(tmp_path, entry_of(dtype, layout), rows, 1, 4))
    assert rows_read.ids == sorted(given)
    for clip_id, values in zip(rows_read.ids, rows_read.values, strict=True):
        assert values.dtype == np.dtype(dtype)
        assert values.shape == given[clip_id].shape
        assert values.tobytes() == given[clip_id].tobytes()
    if layout == "clip":
        assert rows_read.masks == []
        return
    for number, clip_id in enumerate(rows_read.ids):
        count = len(given[clip_id])
        assert rows_read.masks[number].tolist() == [k % 2 == 0 for k in range(count)]
        assert rows_read.times_s[number].tolist() == list(range(count))


def test_plain_pyarrow_reads_a_feature(kind: tuple[str, str], tmp_path: Path) -> None:
    dtype, layout = kind
    given = arrays(dtype, layout, 9)
    for shard in (0, 1):
        some = [feature_row(i, v) for i, v in given.items() if int(i[-3:]) % 2 == shard]
        write_feature(tmp_path, entry_of(dtype, layout), some, shard, 2)
    (tmp_path / f"{TEMPORARY_PREFIX}1-part.parquet").write_bytes(b"half")
    table = pds.dataset(tmp_path).to_table().sort_by("id")
    assert table["id"].to_pylist() == sorted(given)
    for clip_id, values in zip(table["id"].to_pylist(), table["values"].to_pylist(), strict=True):
        assert np.array(values, dtype=dtype).reshape(given[clip_id].shape).tobytes() == given[clip_id].tobytes()


def test_schema_and_card(kind: tuple[str, str], tmp_path: Path) -> None:
    dtype, layout = kind
    entry = entry_of(dtype, layout)
    path = write_feature(tmp_path, entry, [feature_row(i, v) for i, v in arrays(dtype, layout, 3).items()], 0, 1)
    schema = pq.read_schema(path)
    assert json.loads(schema.metadata[CARD_KEY]) == json.loads(json.dumps(entry)) == card_of(schema)
    leaf = {"float16": pa.float16(), "float32": pa.float32(), "uint8": pa.uint8()}[dtype]
    vector = schema.field("values").type if layout == "clip" else schema.field("values").type.value_type
    assert pa.types.is_fixed_size_list(vector)
    assert (vector.list_size, vector.value_type) == (5, leaf)
    common = ["id", "sha256", "start_s", "hop_s"]
    assert schema.names == [*common, *([] if layout == "clip" else ["times_s", "mask"]), "values"]


def test_values_are_byte_stream_split_and_everything_is_zstd(kind: tuple[str, str], tmp_path: Path) -> None:
    dtype, layout = kind
    path = write_feature(
        tmp_path, entry_of(dtype, layout), [feature_row(i, v) for i, v in arrays(dtype, layout, 40).items()], 0, 1
    )
    meta = pq.ParquetFile(path).metadata
    assert meta.num_row_groups == 2
    seen = 0
    for group in range(meta.num_row_groups):
        for number in range(meta.num_columns):
            column = meta.row_group(group).column(number)
            assert column.compression == "ZSTD"
            if column.path_in_schema == value_leaf(path):
                seen += 1
                assert "BYTE_STREAM_SPLIT" in column.encodings
                assert not column.has_dictionary_page
    assert seen == 2


def test_every_page_has_a_checksum_that_reading_looks_at(kind: tuple[str, str], tmp_path: Path) -> None:
    path = write_feature(
        tmp_path, entry_of(*kind), [feature_row(i, v) for i, v in arrays(*kind, 9).items()], 0, 1
    )  # fmt: skip
    whole = path.read_bytes()
    meta = pq.ParquetFile(path).metadata
    values = meta.row_group(0).column(meta.num_columns - 1)
    assert values.path_in_schema == value_leaf(path)
    end = values.data_page_offset + values.total_compressed_size
    assert values.total_compressed_size > 70
    # the page's header, which takes fewer than 50 bytes, is not what a checksum is over
    for at in range(values.data_page_offset + 50, end, 5):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(JobError, match="damaged"):
            read_part(path)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "no card"])
def test_damaged_part_is_one_line_that_says_what_to_do(tmp_path: Path, damage: str) -> None:
    path = write_feature(tmp_path, inception_entry(5), [feature_row("a", np.ones((2, 5), np.float16))], 0, 1)
    if damage == "no card":
        pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)
    else:
        path.write_bytes({"cut": path.read_bytes()[:-20], "empty": b"", "text": b"no table at all"}[damage])
    with pytest.raises(JobError) as caught:
        read_part(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: damaged (")
    assert line.endswith("delete the file and run again: what it held is computed again")
    assert "\n" not in line


def test_only_features_have_a_column_of_values(tmp_path: Path) -> None:
    path = write_rows(tmp_path, CLIPS, [clip_row("a")], 0, 1, "clips")
    assert value_leaf(path) is None
    with pytest.raises(ValueError, match="no feature card"):
        card_of(pq.read_schema(path))


def test_same_rows_same_file_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    given = [feature_row(i, v) for i, v in arrays("float16", "sequence", 20).items()]
    one = write_feature(tmp_path / "a", inception_entry(5), given, 0, 1)
    two = write_feature(tmp_path / "b", inception_entry(5), given[::-1], 0, 1)
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()
    write_feature(tmp_path / "a", inception_entry(5), given, 0, 1)
    assert files_below(tmp_path / "a") == [one.name]


def test_name_of_a_part_tells_content_and_fingerprint_apart(tmp_path: Path) -> None:
    values = np.ones((2, 5), np.float16)
    names = {
        write_feature(tmp_path, inception_entry(5), [feature_row("a", values)], 0, 1).name,
        write_feature(tmp_path, inception_entry(5), [feature_row("a", values, sha256="other")], 0, 1).name,
        write_feature(tmp_path, inception_entry(5, max_s=300.0), [feature_row("a", values)], 0, 1).name,
    }
    assert len(names) == 3


def test_rows_over_parts_are_merged_sorted(tmp_path: Path) -> None:
    given = arrays("float32", "sequence", 9)
    order = list(given)
    paths = [
        write_feature(
            tmp_path, {**inception_entry(5), "dtype": "float32"}, [feature_row(i, given[i]) for i in some], 0, 1
        )
        for some in (order[4::2], order[:2], [*order[2:4], *order[5::2]])
    ]
    merged = shard_rows(paths)
    assert merged is not None
    assert merged.ids == sorted(given)
    assert [v.tobytes() for v in merged.values] == [given[i].tobytes() for i in sorted(given)]
    assert [len(m) for m in merged.masks] == [len(t) for t in merged.times_s] == [len(given[i]) for i in sorted(given)]
    assert shard_rows([]) is None


def test_eight_bits_are_mapped_back_as_the_card_says(tmp_path: Path) -> None:
    entry = {**inception_entry(5), "dtype": "uint8", "dequantise": {"scale": 0.5, "offset": -2.0}}
    path = write_feature(tmp_path, entry, [feature_row("a", np.array([[0, 1, 4, 8, 255]], np.uint8))], 0, 1)
    (values,) = read_part(path).floats()
    assert values.dtype == np.float32
    assert values.tolist() == [[-2.0, -1.5, 0.0, 2.0, 125.5]]


def test_small_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert files_below(tmp_path) == ["deep/x.json"]


def test_full_disk_leaves_the_old_content_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "x.json"
    write_atomically(small, b"old")
    part = write_rows(tmp_path, CLIPS, [clip_row("a", label="old")], 0, 1, "clips")
    before = part.read_bytes()

    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    for module, name in ((write.os, "fsync"), (Path, "replace"), (write.pq, "write_table")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, fail)
            if module is not write.pq:
                with pytest.raises(OSError, match="No space"):
                    write_atomically(small, b"new")
            with pytest.raises(OSError, match="No space"):
                write_rows(tmp_path, CLIPS, [clip_row("a", label="new")], 0, 1, "clips")
        assert small.read_bytes() == b"old"
        assert part.read_bytes() == before
        assert files_below(tmp_path) == sorted([part.name, "x.json"])


def test_full_disk_after_half_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = pq.write_table

    def torn(table: pa.Table, file: Any, **options: Any) -> None:
        really(table, file, **options)
        file.flush()
        os.ftruncate(file.fileno(), 100)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.pq, "write_table", torn)
    with pytest.raises(OSError, match="No space"):
        write_feature(tmp_path, inception_entry(5), [feature_row("a", np.ones((1, 5), np.float16))], 0, 1)
    assert files_below(tmp_path) == []


def test_sweep_removes_what_a_kill_left_and_nothing_else(tmp_path: Path) -> None:
    part = write_rows(tmp_path / "clips", CLIPS, [clip_row("a")], 0, 1, "clips")
    for folder in (tmp_path, tmp_path / "clips"):
        (folder / f"{TEMPORARY_PREFIX}99-{part.name}").write_bytes(b"half")
    assert sweep(tmp_path) == 2
    assert files_below(tmp_path) == [f"clips/{part.name}"]
    assert sweep(tmp_path) == 0
