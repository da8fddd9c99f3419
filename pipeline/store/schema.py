"""Arrow schemas of the tables, and the conversion between arrays and their columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

#: Key of the card in the metadata of a feature's schema.
CARD_KEY = b"reelscore.card"

_VIDEO = pa.struct(
    [
        ("index", pa.int32()),
        ("codec", pa.string()),
        ("width_px", pa.int32()),
        ("height_px", pa.int32()),
        ("pix_fmt", pa.string()),
        ("sample_aspect_ratio", pa.string()),
        ("rotation_deg", pa.int32()),
        ("mirrored", pa.bool_()),
        ("average_fps", pa.float64()),
        ("hdr", pa.bool_()),
    ]
)
_AUDIO = pa.struct([("index", pa.int32()), ("codec", pa.string()), ("rate_hz", pa.int32()), ("channels", pa.int32())])
# the streams that are used, and how many there are
_STREAMS = pa.struct(
    [("video", _VIDEO), ("audio", _AUDIO), ("video_streams", pa.int32()), ("audio_streams", pa.int32())]
)

CLIPS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("mtime_ns", pa.int64(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("text", pa.string()),
        pa.field("duration_s", pa.float64(), nullable=False),
        pa.field("duration_source", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("container", pa.string(), nullable=False),
        pa.field("decoder", pa.string(), nullable=False),
        pa.field("decoder_note", pa.string(), nullable=False),
        pa.field("flags", pa.list_(pa.string()), nullable=False),
        pa.field("streams", _STREAMS, nullable=False),
    ]
)

REJECTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64(), nullable=False),
        pa.field("mtime_ns", pa.int64(), nullable=False),
        pa.field("feature", pa.string()),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("attempt", pa.string(), nullable=False),
    ]
)

_DTYPES = {"float32": pa.float32(), "float16": pa.float16(), "uint8": pa.uint8()}
#: Types of what stands beside the values of a sequence (transforms.card.Column).
COLUMN_TYPES = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "binary": pa.binary(),
}


def feature_schema(card: dict[str, Any]) -> pa.Schema:
    """Schema of a feature's table; ``card`` (with layout, dims, dtype) rides along as JSON in the metadata."""
    vector = pa.list_(_DTYPES[card["dtype"]], card["dims"])
    fields = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("hop_s", pa.float64()),
    ]
    if card["layout"] == "sequence":
        fields += [
            pa.field("times_s", pa.list_(pa.float64()), nullable=False),
            pa.field("mask", pa.list_(pa.bool_()), nullable=False),
            pa.field("values", pa.list_(vector), nullable=False),
        ]
        types = card.get("columns", {}).items()
        fields += [pa.field(name, pa.list_(COLUMN_TYPES[kind]), nullable=False) for name, kind in types]
    else:
        fields.append(pa.field("values", vector, nullable=False))
    return pa.schema(fields, metadata={CARD_KEY: json.dumps(card, sort_keys=True).encode()})


def card_of(schema: pa.Schema) -> dict[str, Any]:
    """The card in a schema's metadata.

    Raises
    ------
    ValueError: the file is no feature table.
    """
    text = (schema.metadata or {}).get(CARD_KEY)
    if text is None:
        raise ValueError("no feature card in the file's metadata")
    card: dict[str, Any] = json.loads(text)
    return card


def values_column(arrays: list[np.ndarray], card: dict[str, Any]) -> pa.Array:
    """The ``values`` column of clips: arrays [n_i, D] of a sequence, or [D] of a clip-level feature."""
    dims, leaf = card["dims"], _DTYPES[card["dtype"]]
    flat = np.concatenate([np.ascontiguousarray(a).reshape(-1) for a in arrays]).astype(card["dtype"], copy=False)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat, type=leaf), dims)
    if card["layout"] == "clip":
        return vectors
    offsets = np.cumsum([0] + [len(a) for a in arrays], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), vectors)


def list_arrays(column: pa.Array) -> list[np.ndarray]:
    """The arrays [n_i] of a column of lists."""
    ends = np.cumsum(column.value_lengths().to_numpy(zero_copy_only=False))
    return np.split(column.flatten().to_numpy(zero_copy_only=False), ends[:-1]) if len(ends) else []


def column_values(column: pa.Array, card: dict[str, Any]) -> list[np.ndarray]:
    """The arrays of a ``values`` column: views [n_i, D] for a sequence, [D] for a clip-level feature."""
    dims = card["dims"]
    if card["layout"] == "clip":
        return list(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, dims))
    flat = column.flatten().flatten().to_numpy(zero_copy_only=False).reshape(-1, dims)
    ends = np.cumsum(column.value_lengths().to_numpy(zero_copy_only=False))
    return np.split(flat, ends[:-1]) if len(ends) else []
