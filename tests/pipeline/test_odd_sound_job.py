"""Jobs over odd sound: rejects of several features, rows that verify counts, tracks that change in the middle."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.store import Dataset
from pipeline.verifying import problems
from transforms.ffmpeg import executable


def make(path: Path, *arguments: str) -> Path:
    """A file by FFmpeg from what lavfi makes up."""
    subprocess.run([executable(), "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def extract(capsys: pytest.CaptureFixture[str], names: str, source: Path, output: Path, *options: str) -> Any:
    """The summary of ``reelscore extract``."""
    capsys.readouterr()
    assert main(["extract", names, "--input", str(source), "--output", str(output), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "options", [(), ("--set", "mfcc32.rate_hz=22050"), ("--max-wall-s", "500"), ("--retry-rejects",)], ids=str
)
def test_another_try_of_one_feature_keeps_the_rejects_of_others(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # bug: a reject that no longer held took all rejects of its clip along; verify then missed the other features
    mute = make(tmp_path / "mute.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=1")
    output = tmp_path / "dataset"
    extract(capsys, "mfcc32,logmel96", mute, output)
    assert list(problems(Dataset.open(output))) == []
    summary = extract(capsys, "mfcc32", mute, output, *options)
    assert list(problems(Dataset.open(output))) == []
    assert summary["rejects"] == {"logmel96: no_sound": 1, "mfcc32: no_sound": 1}


def test_patches_a_second_apart_need_not_fill_the_one_second_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # bug: verify expected ceil(duration) rows of every feature whose rows are a second apart
    tone = make(tmp_path / "tone.wav", "-f", "lavfi", "-i", "sine=duration=2.5")
    output = tmp_path / "dataset"
    extract(capsys, "logmel96", tone, output, "--set", "logmel96.hop_s=1.0")
    (rows,) = Dataset.open(output).rows("logmel96")
    assert len(rows.values[0]) == 2
    assert list(problems(Dataset.open(output))) == []


def test_a_track_whose_middle_cannot_be_used_has_no_music_vector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # bug: what follows a change of the rate is left out as silence; the excerpt was all of it, and stored as music
    parts = [
        make(tmp_path / f"{rate}.aac", "-f", "lavfi", "-i", f"anoisesrc=duration={seconds}:sample_rate={rate}")
        for rate, seconds in ((44_100, 4), (48_000, 60))
    ]
    track = tmp_path / "track.aac"
    track.write_bytes(b"".join(part.read_bytes() for part in parts))
    summary = extract(capsys, "hpss1140,mfcc32", track, tmp_path / "dataset")
    assert summary["features"]["mfcc32"]["clips"] == 1
    assert summary["features"]["hpss1140"]["clips"] == 0
    assert [reason.partition(":")[0] for reason in summary["rejects"]] == ["hpss1140"]
