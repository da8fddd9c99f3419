"""Real clips and broken files of other people through the whole job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.store import Dataset
from pipeline.verifying import problems

Run = Callable[..., dict[str, Any]]


def test_broken_files_cost_one_reject_each(media: Path, tmp_path: Path, run: Run) -> None:
    summary = run(media / "broken", tmp_path / "dataset")
    dataset = Dataset.open(tmp_path / "dataset")
    rejects = [row for row in dataset.rejects() if row["feature"] is None]
    files = [path for path in (media / "broken").rglob("*") if path.is_file()]
    assert summary["clips"] + len(rejects) == len(files) == 27
    assert len({row["id"] for row in rejects}) == len(rejects)
    reasons = {Path(row["uri"]).name: row["reason"] for row in rejects}
    assert reasons["result.webm"] == "empty_file"
    assert reasons["broken.mp4"] == "not_media"
    assert reasons["invalid_vp9_bitstream-bug_1416.webm"] == "too_many_pixels"
    assert reasons["video_without_video_stream.mp4"] == "no_video"
    assert reasons["with-attached-pic.mp3"] == "no_video"
    assert reasons["bipbop_nonfragment_header.mp4"] == "no_frames"
    assert list(problems(dataset)) == []
    again = run(media / "broken", tmp_path / "dataset")["run"]
    assert (again["todo"], again["rejected_before"]) == (0, len(rejects))


def test_real_containers_and_codecs_through_the_whole_job(media: Path, tmp_path: Path, run: Run) -> None:
    names = [
        "LipNet/bbaf2n.mpg",
        "media/bbb_176x144_128kbps_15fps_h263.3gp",
        "media/bbb_2500ms.ts",
        "media/edit_list_positive_shift.mp4",
        "media/sample.avi",
        "media/sample.flv",
        "media/sample_rotate_and_reflect.mp4",
        "moviepy/transparent.webm",
        "rails/rotated_hdr_video.mov",
        "rails/video.mp4",
        "streamio-ffmpeg/awesome movie.mov",
        "torchcodec/av1_video.mkv",
        "torchcodec/h265_10bits.mp4",
    ]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("uri,clip_id,split\n" + "".join(f"{media / 'clips' / name},{name},train\n" for name in names))
    summary = run(manifest, tmp_path / "dataset")
    assert summary["clips"] == len(names)
    assert summary["splits"] == {"train": len(names)}
    dataset = Dataset.open(tmp_path / "dataset")
    silent = {row["id"] for row in dataset.clips().to_pylist() if row["streams"]["audio"] is None}
    assert 0 < len(silent) < len(names)
    assert summary["rejects"] == {"hpss1140: no_sound": len(silent), "hpss380_1s: no_sound": len(silent)}
    lengths = [
        {i: len(m) for rows in dataset.rows(feature) for i, m in zip(rows.ids, rows.masks, strict=True)}
        for feature in ("inception", "hpss380_1s")
    ]
    assert lengths[1] == {clip_id: count for clip_id, count in lengths[0].items() if clip_id not in silent}
    assert list(problems(dataset)) == []
    (late,) = [r for r in dataset.clips().to_pylist() if "positive_shift" in r["id"]]
    assert "late_picture" in late["flags"]
    masks = {i: m for rows in dataset.rows("inception") for i, m in zip(rows.ids, rows.masks, strict=True)}
    assert masks[late["id"]].tolist() == [False] + [True] * 10
