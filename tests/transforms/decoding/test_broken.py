"""Every damaged or hostile file of the test media ends as rows or as one reject with the right reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from transforms.decoding import DecoderProcess, Limits
from transforms.errors import RejectError
from transforms.views import FrameView

#: File, and the reason of its reject or the number of its rows.
EXPECTED: dict[str, str | int] = {
    "CREMA-D/1001_DFA_ANG_XX.flv": "not_media",  # the text of a Git LFS pointer
    "libwebm/block_ends_beyond_cluster.mkv": 1,  # one picture is left; the header declares nine seconds
    "libwebm/invalid_vp9_bitstream-bug_1416.webm": "too_many_pixels",
    "libwebm/projection_float_overflow.webm": "not_media",
    "media/8k24fps_300ms.mp4": 1,
    "media/large_stbl_truncated_after_moov.m4b": "no_video",
    "media/sample_empty_track.mp4": 2,
    "media/sample_fragmented.mp4": 2,
    "media/sample_malformed_free_box.mp4": "not_media",
    "media/sample_mdat_too_long.mp4": 2,
    "media/sample_missing_stsd.mp4": 2,
    "media/sample_opus_fragmented.mp4": "no_video",
    "media/sample_with_invalid_nalu.mp4": 2,
    "moviepy/-video-with-dash-.mp4": 5,
    "moviepy/no_duration.webm": 5,
    "moviepy/result.webm": "empty_file",
    "moviepy/with-attached-pic.mp3": "no_video",
    "mp4parse-rust/bipbop_nonfragment_header.mp4": "no_frames",
    "mp4parse-rust/invalid_userdata.mp4": "no_frames",
    "mp4parse-rust/metadata.mp4": 1,
    "mp4parse-rust/short-cenc.mp4": "no_frames",
    "mp4parse-rust/test_case_1185230.mp4": "no_frames",
    "mp4parse-rust/zero_empty_stsc.mp4": "no_frames",
    "rails/video_without_video_stream.mp4": "no_video",
    "streamio-ffmpeg/broken.mp4": "not_media",
    "streamio-ffmpeg/empty.flv": "not_media",
    "wavesurfer.js/ahoy.mp4": "no_video",
}


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    """One decoder for all files: none of them may kill it."""
    with DecoderProcess(Limits(wall_s=60)) as process:
        yield process


def test_table_is_complete(media: Path) -> None:
    names = {str(path.relative_to(media / "broken")) for path in (media / "broken").glob("*/*")}
    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_broken_file(media: Path, decoder: DecoderProcess, name: str) -> None:
    view = FrameView(size_px=64)
    outcome: str | int
    try:
        frames = decoder.decode(media / "broken" / name, [view]).views[view]
        outcome = len(frames)  # type: ignore[arg-type]
    except RejectError as reject:
        outcome = reject.reason
    assert outcome == EXPECTED[name]


def test_messages_say_what_was_found(media: Path, decoder: DecoderProcess) -> None:
    view = FrameView(size_px=64)
    for name, words in {
        "mp4parse-rust/short-cenc.mp4": "encrypted",
        "CREMA-D/1001_DFA_ANG_XX.flv": "Git LFS",
        "libwebm/invalid_vp9_bitstream-bug_1416.webm": "12336x12336",
    }.items():
        with pytest.raises(RejectError, match=words):
            decoder.decode(media / "broken" / name, [view])


def test_absurd_durations_are_not_believed(media: Path, decoder: DecoderProcess) -> None:
    view = FrameView(size_px=64)
    info = decoder.decode(media / "broken/libwebm/block_ends_beyond_cluster.mkv", [view]).info
    assert info.duration_source == "packets"
    assert info.duration_s < 1
    assert "duration_measured" in info.flags
    info = decoder.decode(media / "broken/moviepy/no_duration.webm", [view]).info
    assert (info.duration_source, round(info.duration_s, 1)) == ("packets", 4.9)
