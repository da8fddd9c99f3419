"""Shots and keyframes through the whole job: one decode, the same bytes however it is run, odd timelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.cli.main import main
from pipeline.store import Dataset
from pipeline.verifying import problems
from transforms.decoding import DecoderProcess, decode_clip, pruned, walk
from transforms.ffmpeg import executable
from transforms.views import SHOT_ARRAYS, FrameView, Shots, ShotView

NAMES = "shots,emotion,keyframes"


def ffmpeg(*arguments: str | Path) -> None:
    import subprocess

    ended = subprocess.run([executable(), "-nostdin", "-y", "-v", "error", *map(str, arguments)], capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()


X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "25", "-threads", "1")
#: Three takes of 1.2, 1.6 and 1.0 seconds: cuts at pictures 30 and 70.
TAKES = (
    "color=c=0x703020:s=192x108:r=25:d=1.2,noise=alls=8:allf=t[a];"
    "testsrc2=s=192x108:r=25:d=1.6[b];"
    "mandelbrot=s=192x108:r=25:start_scale=0.5,trim=duration=1.0[c];"
    "[a][b][c]concat=n=3"
)
CUTS = [30, 70]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cuts, the same at a variable rate, the same behind an edit list, a dissolve, a still."""
    folder = tmp_path_factory.mktemp("shots")
    source = ("-filter_complex", TAKES)
    ffmpeg(*source, *X264, folder / "cuts.mp4")
    # every third picture of the second take goes: unevenly spaced, with the cuts at the same times
    ffmpeg(
        "-i", folder / "cuts.mp4", "-vf", "select='not(between(n,31,68)*not(mod(n,3)))'", "-fps_mode", "vfr", *X264,
        folder / "vfr.mp4",
    )  # fmt: skip
    # a stream copy from 0.4 s: the packets before it stay in the file and an edit list hides them
    ffmpeg("-ss", "0.4", "-i", folder / "cuts.mp4", "-c", "copy", folder / "edited.mp4")
    dissolve = (
        "testsrc2=s=192x108:r=25:d=2[a];color=c=0x2050A0:s=192x108:r=25:d=2[b];"
        "[a][b]xfade=transition=fade:duration=0.8:offset=1.0"
    )
    ffmpeg("-filter_complex", dissolve, *X264, folder / "dissolve.mp4")
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=192x108:r=25:d=0.2", *X264, folder / "short.mp4")
    return folder


def extract(clips: Path, output: Path, *options: str) -> Dataset:
    assert main(["extract", NAMES, "--input", str(clips), "--output", str(output), *options]) == 0
    return Dataset.open(output)


@pytest.fixture(scope="module")
def dataset(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return extract(clips, tmp_path_factory.mktemp("dataset") / "d", "--workers", "2")


def contents(dataset: Dataset) -> dict[tuple[str, str], list[bytes]]:
    """Everything that is stored, by feature and clip."""
    found = {}
    for name in NAMES.split(","):
        for rows in dataset.rows(name):
            for number, clip_id in enumerate(rows.ids):
                arrays = [rows.values[number], rows.times_s[number], rows.masks[number]]
                columns = [rows.columns[column][number] for column in sorted(rows.columns)]
                found[name, clip_id] = [
                    b"".join(each) if isinstance(each, list) else np.ascontiguousarray(each).tobytes()
                    for each in (*arrays, *columns)
                ]
    return found


def row(dataset: Dataset, feature: str, file: str) -> dict[str, Any]:
    """One clip's rows."""
    clip_id = {Path(c["uri"]).name: c["id"] for c in dataset.clips(["id", "uri"]).to_pylist()}[file]
    for rows in dataset.rows(feature):
        if clip_id in rows.ids:
            number = rows.ids.index(clip_id)
            columns = {name: column[number] for name, column in rows.columns.items()}
            return {"values": rows.values[number], "times_s": rows.times_s[number], **columns}
    raise LookupError(file)


def test_cuts_lie_where_the_clip_was_put_together(dataset: Dataset) -> None:
    shots = row(dataset, "shots", "cuts.mp4")
    assert shots["first_frames"].tolist() == [0, *CUTS]
    assert shots["end_frames"].tolist() == [*CUTS, 95]
    assert shots["times_s"] == pytest.approx([0, 1.2, 2.8], abs=1e-6)
    assert shots["ends_s"] == pytest.approx([1.2, 2.8, 3.8], abs=1e-6)
    assert shots["gradual_start_s"].tolist() == shots["times_s"].tolist()
    assert list(problems(dataset)) == []


def test_a_variable_rate_moves_frame_numbers_and_no_times(dataset: Dataset) -> None:
    even, uneven = (row(dataset, "shots", file) for file in ("cuts.mp4", "vfr.mp4"))
    assert uneven["times_s"] == pytest.approx(even["times_s"], abs=1e-3)
    assert uneven["end_frames"][1] < even["end_frames"][1]
    assert len(uneven["times_s"]) == 3


def test_an_edit_list_moves_times_and_hides_pictures(dataset: Dataset) -> None:
    shots = row(dataset, "shots", "edited.mp4")
    assert shots["times_s"] == pytest.approx([0, 0.8, 2.4], abs=0.041)
    assert shots["first_frames"].tolist() == [0, 20, 60]


def test_a_dissolve_is_told_as_one(dataset: Dataset) -> None:
    shots = row(dataset, "shots", "dissolve.mp4")
    assert len(shots["times_s"]) == 2
    assert 1.0 <= shots["times_s"][1] <= 1.8
    assert shots["gradual_start_s"][1] < shots["times_s"][1] < shots["gradual_end_s"][1]
    emotion = row(dataset, "emotion", "dissolve.mp4")
    assert emotion["times_s"][2] >= 1.75, "the picture that stands for the second shot is no blend"


def test_every_clip_has_a_keyframe_inside_its_shot(dataset: Dataset) -> None:
    for file in ("cuts.mp4", "vfr.mp4", "edited.mp4", "dissolve.mp4", "short.mp4"):
        shots, keyframes = row(dataset, "shots", file), row(dataset, "keyframes", file)
        assert 1 <= len(keyframes["frames"]) <= len(shots["times_s"])
        for shot, frame, data in zip(keyframes["shots"], keyframes["frames"], keyframes["thumbnails"], strict=True):
            first, end = shots["first_frames"][shot], shots["end_frames"][shot]
            assert first < frame < end
            assert data[:2] == b"\xff\xd8"
        assert keyframes["values"].shape[1:] == (224 * 224 * 3,)


@pytest.mark.parametrize("options", [("--workers", "1"), ("--workers", "2", "--clips-per-part", "1")], ids=" ".join)
def test_workers_and_bundles_change_nothing(
    dataset: Dataset, clips: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert contents(extract(clips, tmp_path / "other", *options)) == contents(dataset)


def test_decoder_threads_change_nothing(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view = ShotView()
    alone = decode_clip(clips / "cuts.mp4", [view]).views[view]
    prepare = walk.prepare

    def threaded(*arguments: Any, **named: Any) -> Any:
        context = prepare(*arguments, **named)
        context.thread_count, context.thread_type = 4, "AUTO"
        return context

    monkeypatch.setattr(walk, "prepare", threaded)
    together = decode_clip(clips / "cuts.mp4", [view]).views[view]
    assert isinstance(alone, Shots)
    for name in (*SHOT_ARRAYS, "pictures"):
        assert getattr(together, name).tobytes() == getattr(alone, name).tobytes(), name


def test_the_decoder_process_gives_what_this_process_gives(clips: Path) -> None:
    view = ShotView()
    with DecoderProcess() as decoder:
        there = decoder.decode(clips / "dissolve.mp4", [view]).views[view]
    here = decode_clip(clips / "dissolve.mp4", [view]).views[view]
    for name in (*SHOT_ARRAYS, "pictures"):
        assert getattr(there, name).dtype == getattr(here, name).dtype
        assert getattr(there, name).tobytes() == getattr(here, name).tobytes(), name


def test_shots_come_from_the_decode_that_serves_the_frames(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    decode = walk.pictures

    def spy(*arguments: Any, **named: Any) -> Any:
        opened.append(1)
        return decode(*arguments, **named)

    monkeypatch.setattr(walk, "pictures", spy)
    frames, shots = FrameView(size_px=64), ShotView()
    both = decode_clip(clips / "cuts.mp4", [frames, shots])
    assert len(opened) == 1
    assert both.info.decoder == "pyav-sequential"
    assert both.info.decoder_note == "every picture"
    assert "sequential_fallback" not in both.info.flags
    alone = decode_clip(clips / "cuts.mp4", [frames])
    assert alone.views[frames].pixels.tobytes() == both.views[frames].pixels.tobytes()  # type: ignore[union-attr]


def test_where_one_frame_a_second_is_wanted_nothing_of_shots_is_paid(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transforms.shots import reduce

    def never(*arguments: Any) -> Any:
        raise AssertionError("a picture was looked at that nobody asked for")

    monkeypatch.setattr(reduce, "small", never)
    monkeypatch.setattr("transforms.shots.collect.small", never)
    sent = []
    kept = pruned.decode

    def spy(*arguments: Any) -> Any:
        sent.append(1)
        return kept(*arguments)

    monkeypatch.setattr(pruned, "decode", spy)
    assert decode_clip(clips / "cuts.mp4", [FrameView()]).info.decoder == "pyav-pruned"
    assert sent == [1]


def test_compaction_keeps_the_columns(clips: Path, tmp_path: Path) -> None:
    made = extract(clips, tmp_path / "d", "--clips-per-part", "1")
    before = contents(made)
    assert main(["compact", str(made.path)]) == 0
    assert contents(Dataset.open(made.path)) == before
    assert list(problems(Dataset.open(made.path))) == []


def test_another_method_computes_them_again(dataset: Dataset, clips: Path, tmp_path: Path) -> None:
    made = extract(clips, tmp_path / "d")
    again = extract(clips, tmp_path / "d", "--set", "shots.method=adaptive")
    assert again.card("shots")["parameters"]["method"]["value"] == "adaptive"
    assert again.card("keyframes")["parameters"]["method"]["value"] == "adaptive"
    assert again.card("shots")["fingerprint"] != made.card("shots")["fingerprint"]
    assert row(again, "shots", "cuts.mp4")["first_frames"].tolist() == [0, *CUTS]
