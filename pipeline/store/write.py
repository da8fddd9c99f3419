"""Writing of parts: a file appears whole under its name, or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store.layout import part_name
from pipeline.store.schema import COLUMN_TYPES, feature_schema, values_column

#: Rows of a row group of a feature table: a loader reads a batch of clips without the whole part (ours).
ROW_GROUP_ROWS = 32
#: Temporary files carry this prefix; pyarrow's datasets and our own listing pass over them.
TEMPORARY_PREFIX = ".writing-"


def write_atomically(path: Path, data: bytes) -> None:
    """Write a small file by rename: readers see the old content or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_table(path: Path, table: pa.Table, *, values: str | None = None) -> None:
    """Write a Parquet part by rename.

    Parameters
    ----------
    values: path of the leaf column that holds numbers of a feature; it is byte-stream-split, not dictionary-coded.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{path.name}")
    options: dict[str, Any] = {}
    if values is not None:
        options = {
            "use_dictionary": False,
            "column_encoding": {values: "BYTE_STREAM_SPLIT"},
            "write_statistics": ["id"],
        }
    try:
        with temporary.open("wb") as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                compression_level=1,
                row_group_size=ROW_GROUP_ROWS,
                write_page_checksum=True,
                **options,
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_rows(folder: Path, schema: pa.Schema, rows: list[dict[str, Any]], shard: int, shards: int, salt: str) -> Path:
    """Write rows of ``clips`` or ``rejects``, sorted by id, as one part."""
    rows = sorted(rows, key=lambda row: (row["id"], row.get("feature") or ""))
    name = part_name(shard, shards, [salt, *(f"{row['id']} {row.get('feature') or ''}" for row in rows)])
    write_table(folder / name, pa.Table.from_pylist(rows, schema=schema))
    return folder / name


def write_feature(folder: Path, card: dict[str, Any], rows: list[dict[str, Any]], shard: int, shards: int) -> Path:
    """Write one feature of some clips as one part, sorted by id.

    Parameters
    ----------
    card: the feature's entry in dataset.json.
    rows: dictionaries with ``id``, ``sha256``, ``values``, ``start_s`` where it is not 0, and, for a sequence,
        ``times_s``, ``mask`` and the card's columns.
    """
    rows = sorted(rows, key=lambda row: row["id"])
    schema = feature_schema(card)
    count = len(rows)
    columns: dict[str, Any] = {
        "id": pa.array([row["id"] for row in rows], pa.string()),
        "sha256": pa.array([row["sha256"] for row in rows], pa.string()),
        "start_s": pa.array([row.get("start_s", 0.0) for row in rows], pa.float64()),
        "hop_s": pa.array([card["hop_s"]] * count, pa.float64()),
        "values": values_column([row["values"] for row in rows], card),
    }
    leaf = "values.list.element"
    if card["layout"] == "sequence":
        leaf = "values.list.element.list.element"
        columns["times_s"] = pa.array([row["times_s"] for row in rows], pa.list_(pa.float64()))
        columns["mask"] = pa.array([row["mask"] for row in rows], pa.list_(pa.bool_()))
        for name, kind in card.get("columns", {}).items():
            columns[name] = pa.array([row[name] for row in rows], pa.list_(COLUMN_TYPES[kind]))
    table = pa.table([columns[field.name] for field in schema], schema=schema)
    path = folder / part_name(shard, shards, [card["fingerprint"], *(f"{row['id']} {row['sha256']}" for row in rows)])
    write_table(path, table, values=leaf)
    return path


def value_leaf(path: Path) -> str | None:
    """Path of the leaf column with the numbers in a feature's part; None in any other table."""
    schema = pq.ParquetFile(path).schema
    names = (schema.column(i).path for i in range(len(schema)))
    return next((name for name in names if name.startswith("values.")), None)


def sweep(folder: Path) -> int:
    """Remove what a killed run left half written below ``folder``; returns how many files."""
    stale = list(folder.rglob(f"{TEMPORARY_PREFIX}*"))
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)
