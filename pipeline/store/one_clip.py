"""The rows of one clip, without reading those of all others in its part."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.store import read
from pipeline.store.dataset import Dataset
from pipeline.store.layout import parts, shard_of
from pipeline.store.read import FeatureRows


def clip_rows(dataset: Dataset, feature: str, clip_id: str) -> FeatureRows | None:
    """The rows of one clip; None where it has none.

    Only the row group with the clip is read, a clip at a time: a part with pictures may hold gigabytes.

    Raises
    ------
    JobError: a part is damaged.
    """
    for path in parts(dataset.feature_folder(feature), shard_of(clip_id, dataset.shards)):
        ids = read.table(path, ["id"])["id"].to_pylist()
        if clip_id not in ids:
            continue
        try:
            file = pq.ParquetFile(path, page_checksum_verification=True)
            return read.rows_of(read.card(path), [_batch(file, ids.index(clip_id))])
        except (pa.ArrowException, OSError):
            read.table(path)  # says in our words what is wrong with the file
            raise
    return None


def _batch(file: pq.ParquetFile, place: int) -> pa.RecordBatch:
    """Row ``place`` of the file, as a batch of one."""
    group = 0
    while place >= file.metadata.row_group(group).num_rows:
        place -= file.metadata.row_group(group).num_rows
        group += 1
    batches = file.iter_batches(batch_size=1, row_groups=[group])
    return next(batch for i, batch in enumerate(batches) if i == place)
