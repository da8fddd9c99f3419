"""What is stored of a clip: within the card's tolerance, finite, or not at all."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from building import inception_entry, vector_entry

from pipeline.planning import ClipTask
from pipeline.rows import Extracted, clip_row, reject_row, stored
from pipeline.store.schema import CLIPS, REJECTS
from transforms.errors import RejectError
from transforms.views import AudioStream, ClipInfo, DecodedClip, VideoStream


def entry(dtype: str, tolerance: float) -> dict[str, Any]:
    return {**inception_entry(), "dtype": dtype, "tolerance": tolerance}


def refused(values: np.ndarray, kind: dict[str, Any]) -> str:
    with pytest.raises(RejectError) as caught:
        stored(values, kind)
    assert "inception" in caught.value.message
    return caught.value.reason


def test_values_take_the_stored_type() -> None:
    values = np.array([[1.0, 0.333], [2048.5, 0.0]], np.float32)
    for dtype in ("float16", "float32"):
        kept = stored(values, entry(dtype, 1e-3))
        assert kept.dtype == np.dtype(dtype)
        np.testing.assert_allclose(kept.astype(float), values, rtol=1e-3)


def test_tolerance_is_relative_to_the_largest_value() -> None:
    values = np.array([1000.3, 0.1], np.float32)
    off = float(np.abs(values.astype(np.float16).astype(float) - values).max())
    assert stored(values, entry("float16", off / 1000.3 * 1.01)).dtype == np.float16
    assert refused(values, entry("float16", off / 1000.3 * 0.99)) == "storage_tolerance"


def test_what_float16_cannot_hold_is_a_reject() -> None:
    assert refused(np.array([70_000.0, 1.0], np.float32), entry("float16", 5e-4)) == "storage_tolerance"
    assert stored(np.array([70_000.0], np.float32), entry("float32", 0.0)).tolist() == [70_000.0]
    # everything so small that it vanishes
    assert refused(np.array([1e-9], np.float32), entry("float16", 5e-4)) == "storage_tolerance"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_a_reject(bad: float) -> None:
    for dtype in ("float16", "float32"):
        assert refused(np.array([[1.0, bad]], np.float32), entry(dtype, 1.0)) == "not_finite"


def test_nothing_and_zeros_pass() -> None:
    assert stored(np.zeros((0, 4), np.float32), entry("float16", 0.0)).shape == (0, 4)
    assert stored(np.zeros((2, 4), np.float32), entry("float16", 0.0)).tolist() == [[0.0] * 4] * 2


def test_eight_bits_pass_as_they_are() -> None:
    values = np.array([0, 255], np.uint8)
    assert stored(values, {**vector_entry(), "dtype": "uint8"}) is values


@pytest.fixture
def extracted() -> Extracted:
    task = ClipTask("id", "/v/ü.mp4", "ab", 5, 6, "val", "rock", None, ("inception",), True)
    info = ClipInfo(
        container="mov,mp4",
        start_s=0.04,
        duration_s=2.5,
        duration_source="container",
        video=VideoStream(0, "h264", 64, 48, "yuv420p", "1:1", 90, False, None, False),
        audio=AudioStream(1, "aac", 44100, 2),
        video_streams=1,
        audio_streams=1,
        decoder="pyav-pruned",
        flags=["late_picture"],
    )
    return Extracted(task, "ab", DecodedClip(info, {}))


def test_rows_fit_the_schemas(extracted: Extracted) -> None:
    row = clip_row(extracted)
    assert set(row) == set(CLIPS.names)
    (back,) = pa.Table.from_pylist([row], schema=CLIPS).to_pylist()
    assert back == row
    assert back["streams"]["video"]["rotation_deg"] == 90
    assert (back["streams"]["audio"]["rate_hz"], back["streams"]["audio_streams"]) == (44100, 1)
    error = RejectError("not_finite", "a\nb", "extract")
    reject = reject_row(extracted, "inception", error, "attempt")
    assert set(reject) == set(REJECTS.names)
    assert pa.Table.from_pylist([reject], schema=REJECTS).to_pylist() == [reject]
    assert (reject["message"], reject["reason"], reject["stage"]) == ("a b", "not_finite", "extract")


def test_clip_without_sound_or_picture_streams_fits_too(extracted: Extracted) -> None:
    assert extracted.decoded is not None
    extracted.decoded.info.audio = extracted.decoded.info.video = None
    (back,) = pa.Table.from_pylist([clip_row(extracted)], schema=CLIPS).to_pylist()
    assert back["streams"] == {"video": None, "audio": None, "video_streams": 1, "audio_streams": 1}


def test_file_name_that_is_no_utf8_fits_too(extracted: Extracted) -> None:
    extracted.task = dataclasses.replace(extracted.task, uri=os.fsdecode(b"/v/b\xff.mp4"))
    error = RejectError("no_video", "no picture stream", "probe")
    for row, schema in ((clip_row(extracted), CLIPS), (reject_row(extracted, None, error, "attempt"), REJECTS)):
        (back,) = pa.Table.from_pylist([row], schema=schema).to_pylist()
        assert back["uri"] == "/v/b\\xff.mp4"
