"""The sample corpus: same bytes every time, real streams, and a mood that can be measured in picture and sound."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pipeline.sample import MOODS, make_corpus, mood, music, picture, plan
from pipeline.sample.corpus import MANIFEST, file_name
from transforms import ffmpeg

SECONDS = 2.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tiny clips of seed 7."""
    folder = tmp_path_factory.mktemp("sample") / "with space"
    make_corpus(folder, clips=3, seed=7, seconds=SECONDS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


def test_same_seed_same_bytes_whatever_the_count_and_the_workers(corpus: Path, tmp_path: Path) -> None:
    make_corpus(tmp_path, clips=2, seed=7, seconds=SECONDS, workers=1)
    here, there = contents(corpus), contents(tmp_path)
    for index in range(2):
        assert there[file_name(7, index)] == here[file_name(7, index)]


def test_other_seed_other_corpus() -> None:
    assert plan(1, 0, 4.0).mood.point.tolist() != plan(2, 0, 4.0).mood.point.tolist()


def test_streams_and_durations(corpus: Path) -> None:
    av = pytest.importorskip("av")
    for index in range(3):
        expected = plan(7, index, SECONDS)
        with av.open(str(corpus / file_name(7, index))) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
            assert (video.width, video.height, video.average_rate) == (320, 180, 25)
            assert video.codec_context.has_b_frames
            assert "encoder" not in container.metadata
            for metadata in (container.metadata, video.metadata, audio.metadata):
                assert "creation_time" not in metadata
            kinds = [int(frame.pict_type) for frame in container.decode(video)]
            assert len(kinds) == round(expected.duration_s * 25)
            assert int(av.video.frame.PictureType.B) in kinds
            assert float(audio.duration * audio.time_base) == pytest.approx(expected.duration_s, abs=0.05)
        assert 0.75 * SECONDS - 0.04 <= expected.duration_s <= 1.25 * SECONDS + 0.04


def test_picture_that_was_drawn_is_the_picture_in_the_file(corpus: Path) -> None:
    made = plan(7, 1, SECONDS)
    raw = np.frombuffer(b"".join(picture.planes(made)), np.uint8).reshape(-1, 3, 90, 160)[:, [2, 0, 1]]
    command = [ffmpeg.executable(), "-v", "error", "-i", str(corpus / file_name(7, 1)), "-vf", "scale=160:90"]
    command += ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    decoded = np.frombuffer(out, np.uint8).reshape(-1, 90, 160, 3)
    assert len(decoded) == len(raw)
    error = np.abs(decoded.astype(float) - raw.transpose(0, 2, 3, 1)).mean(axis=(1, 2, 3))
    assert error.max() < 12


def test_manifest_describes_every_clip(corpus: Path) -> None:
    with (corpus / MANIFEST).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [sorted(row) for row in rows] == [["label", "text", "uri"]] * 3
    for row in rows:
        assert (corpus / row["uri"]).is_file()
        assert row["label"] in MOODS
        assert row["label"] in row["text"]


def test_second_call_does_nothing(corpus: Path) -> None:
    before, said = stamps(corpus), []
    paths = make_corpus(corpus, clips=3, seed=7, seconds=SECONDS, say=said.append)
    assert [path.name for path in paths] == [file_name(7, index) for index in range(3)]
    assert stamps(corpus) == before
    assert said == []


def test_killed_run_is_finished_and_the_rest_is_kept(tmp_path: Path) -> None:
    paths = make_corpus(tmp_path, clips=2, seed=7, seconds=1.0)
    kept, lost = paths[0].stat().st_mtime_ns, paths[1].read_bytes()
    paths[1].unlink()
    (tmp_path / ".making-killed").mkdir()
    said: list[str] = []
    make_corpus(tmp_path, clips=2, seed=7, seconds=1.0, say=said.append)
    assert paths[0].stat().st_mtime_ns == kept
    assert paths[1].read_bytes() == lost
    assert said == [f"made {paths[1].name} (1 of 1)"]
    # A smaller call keeps what a larger one made, in the manifest too.
    assert make_corpus(tmp_path, clips=1, seed=7, seconds=1.0) == paths[:1]
    assert paths[1].name in (tmp_path / MANIFEST).read_text()


@pytest.mark.parametrize("name", ["holiday.mp4", "0000-calm.mp4", "notes.txt"])
def test_foreign_folder_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(ValueError, match=name) as caught:
        make_corpus(tmp_path, clips=1)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path) == {name: b"mine"}


def test_corpus_of_another_seed_or_length_is_refused(corpus: Path) -> None:
    before = stamps(corpus)
    for wrong in ({"seed": 8, "seconds": SECONDS}, {"seed": 7, "seconds": SECONDS + 1}):
        with pytest.raises(ValueError, match="new or empty folder"):
            make_corpus(corpus, clips=3, **wrong)
    assert stamps(corpus) == before


@pytest.mark.parametrize("wrong", [{"clips": 0}, {"seed": -1}, {"seconds": 0.1}, {"seconds": float("nan")}])
def test_numbers_out_of_range(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_corpus(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()


def test_moods_are_balanced_and_spread() -> None:
    drawn = [mood.draw(0, index) for index in range(600)]
    names = [one.name for one in drawn]
    assert {names.count(name) for name in MOODS} == {100}
    points = np.array([one.point for one in drawn])
    assert np.abs(points).max() <= 1
    residual = points - np.array([MOODS[name] for name in names])
    assert (residual.std(axis=0) > 0.15).all()


def correlation(a: list[float], b: list[float]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def test_picture_follows_the_mood() -> None:
    light, colour, motion, moods = [], [], [], []
    for index in range(18):
        made = plan(3, index, 1.6)
        pixels = np.frombuffer(b"".join(picture.planes(made)), np.uint8).reshape(-1, 3, 90, 160) / 255.0
        moods.append(made.mood.point)
        light.append(pixels.mean())
        colour.append((pixels.max(axis=1) - pixels.min(axis=1)).mean())
        motion.append(np.log(np.median(np.abs(np.diff(pixels, axis=0)).mean(axis=(1, 2, 3)))))
    valence, arousal, _ = np.array(moods).T
    assert correlation(light, valence) > 0.7
    assert correlation(colour, arousal) > 0.5
    assert correlation(motion, arousal) > 0.7


def test_sound_follows_the_mood() -> None:
    centroid, onsets, level, bass, moods = [], [], [], [], []
    for index in range(18):
        made = plan(3, index, 4.0)
        sound = music.render(made).mean(axis=1) / 32768.0
        assert len(sound) == round(made.duration_s * 44100)
        frames = np.lib.stride_tricks.sliding_window_view(sound, 2048)[::512] * np.hanning(2048)
        power = np.abs(np.fft.rfft(frames)) ** 2
        frequency = np.fft.rfftfreq(2048, 1 / 44100)
        moods.append(made.mood.point)
        centroid.append((np.sqrt(power).mean(axis=0) @ frequency) / np.sqrt(power).mean(axis=0).sum())
        rise = np.maximum(np.diff(np.log(power[:, 20:] + 1e-4), axis=0), 0).mean(axis=1)
        onsets.append(rise.mean())
        level.append(10 * np.log10(power.mean()))
        bass.append(np.log(power[:, frequency < 150].mean() / power.mean()))
    _, arousal, dominance = np.array(moods).T
    assert correlation(centroid, arousal) > 0.6
    assert correlation(onsets, arousal) > 0.6
    assert correlation(level, arousal) > 0.8
    assert correlation(bass, dominance) > 0.3


def test_variation_within_a_named_mood_reaches_picture_and_sound() -> None:
    """Beyond the six names, the point itself moves both sides: what is left after each name's mean still agrees."""
    plans = [plan(11, index, 2.0) for index in range(120)]
    names = np.array([made.mood.name for made in plans])

    def rest(values: list[float]) -> list[float]:
        left = np.array(values)
        for name in MOODS:
            left[names == name] -= left[names == name].mean()
        return left.tolist()

    light = rest([float(made.look.palette.mean()) for made in plans])
    speed = rest([np.log(made.look.speed) for made in plans])
    scale = rest([np.log(made.look.scale) for made in plans])
    register = rest([float(made.tune.tonic) for made in plans])
    tempo = rest([np.log(made.tune.bpm) for made in plans])
    bass = rest([made.tune.bass for made in plans])
    assert correlation(light, register) > 0.4
    assert correlation(speed, tempo) > 0.8
    assert correlation(scale, bass) > 0.8


def test_unusable_encoder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sample.corpus.WIDTH_PX", 321)  # H.264 in 4:2:0 has no odd widths
    with pytest.raises(RuntimeError, match="FFmpeg could not write") as caught:
        make_corpus(tmp_path, clips=1, seconds=1.0)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
