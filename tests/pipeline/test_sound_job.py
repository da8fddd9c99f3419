"""The sound half of the job: one decode for picture and sound, one grid, clips without the one or the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.store import Dataset
from pipeline.verifying import problems
from trainer import clip_arrays
from transforms.decoding import DecoderProcess
from transforms.ffmpeg import executable

Run = Callable[..., dict[str, Any]]


def test_picture_and_sound_share_the_one_second_grid(undisturbed: Path) -> None:
    dataset = Dataset.open(undisturbed)
    rows = {}
    for feature in ("inception", "hpss380_1s"):
        shards = dataset.rows(feature)
        rows[feature] = {i: m for part in shards for i, m in zip(part.ids, part.masks, strict=True)}
    lengths = {feature: {i: len(mask) for i, mask in found.items()} for feature, found in rows.items()}
    assert lengths["inception"] == lengths["hpss380_1s"]
    assert len(lengths["inception"]) == 8
    assert all(mask.all() for mask in rows["hpss380_1s"].values())
    vectors = clip_arrays(dataset, ["hpss1140", "wpca_video"])
    assert vectors.values["hpss1140"].shape == (8, 1140)
    constant = [760 + first + row for first in (0, 190) for row in (180, 181, 182, 183, 189)]
    assert not vectors.values["hpss1140"][:, constant].any()
    card = dataset.card("hpss1140")
    assert card["parameters"]["contract"]["value"] == "code"
    assert card["parameters"]["mel_rate_hz"] == {
        "value": 22_050,
        "source": "code",
        "note": "no rate is passed, so librosa's default holds",
    }


def test_picture_and_sound_come_from_one_decode_of_each_clip(
    corpus: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    decode = DecoderProcess.decode

    def spy(decoder: DecoderProcess, path: Any, views: Any) -> Any:
        asked.append([type(view).__name__ for view in views])
        return decode(decoder, path, views)

    monkeypatch.setattr(DecoderProcess, "decode", spy)
    run(next((corpus / "all").glob("*.mp4")), tmp_path / "dataset")
    assert [sorted(views) for views in asked] == [["FrameView", "SoundView", "SoundView"]]


def test_a_clip_without_sound_keeps_its_pictures_and_says_so(corpus: Path, tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    loud = sorted((corpus / "all").glob("*.mp4"))[0]
    os.link(loud, folder / "loud.mp4")
    subprocess.run([executable(), "-v", "error", "-i", loud, "-an", "-c:v", "copy", folder / "mute.mp4"], check=True)
    summary = run(folder, tmp_path / "dataset")
    assert summary["clips"] == 2
    assert summary["features"]["inception"]["clips"] == 2
    assert summary["features"]["hpss1140"]["clips"] == 1
    assert summary["rejects"] == {"hpss1140: no_sound": 1, "hpss380_1s: no_sound": 1}
    assert run(folder, tmp_path / "dataset")["run"]["todo"] == 0
    assert list(problems(Dataset.open(tmp_path / "dataset"))) == []


def test_features_of_the_sound_need_no_picture(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track, output = tmp_path / "track.mp3", tmp_path / "dataset"
    clip = next((corpus / "all").glob("*.mp4"))
    subprocess.run([executable(), "-v", "error", "-i", clip, "-vn", track], check=True)
    command = ["extract", "hpss380,hpss2660,mfcc32,logmel96,speech_spectrogram", "--input", str(track)]
    capsys.readouterr()
    assert main([*command, "--output", str(output), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["rejects"] == {}
    assert {name: found["dims"] for name, found in summary["features"].items()} == {
        "hpss2660": 2660,
        "hpss380": 380,
        "logmel96": 6144,
        "mfcc32": 32,
        "speech_spectrogram": 400,
    }
    dataset = Dataset.open(output)
    assert list(problems(dataset)) == []
    (frames,) = dataset.rows("hpss380")
    assert frames.values[0].shape == (1366, 380)
    assert frames.masks[0].sum() < 1366


def test_the_papers_recipe_replaces_the_codes_values(
    undisturbed: Path, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "dataset"
    shutil.copytree(undisturbed, output)
    command = ["run", "vmnet-paper", "--input", str(corpus / "first"), "--output", str(output), "--weights", "random"]
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)["run"]
    assert done["computed"] == {"inception": 0, "hpss1140": 8, "hpss2660": 8, "hpss380_1s": 8}
    assert any("contract (code -> paper)" in note for note in done["notes"])
    rate = Dataset.open(output).card("hpss1140")["parameters"]["mel_rate_hz"]
    assert (rate["value"], rate["source"]) == (12_000, "review")
