"""Sound on the clip's timeline."""

from __future__ import annotations

import math
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr

from transforms.decoding import Limits, decode_clip
from transforms.errors import RejectError
from transforms.ffmpeg import executable
from transforms.sound import write_flac
from transforms.views import ClipInfo, FrameView, Sound, SoundView

PICTURE = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d={seconds}")


def ffmpeg(*arguments: str | Path) -> None:
    """Run FFmpeg; its complaint becomes the test's."""
    ended = subprocess.run([executable(), "-nostdin", "-y", "-v", "error", *map(str, arguments)], capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()


def clip(
    path: Path, samples: np.ndarray, rate_hz: int, codec: tuple[str, ...] = ("-c:a", "pcm_s16le"), late_s: float = 0
) -> Path:
    """A clip with a grey picture and these samples, float [n, channels]."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as wav:
            wav.setparams((samples.shape[1], 2, rate_hz, len(samples), "NONE", ""))
            wav.writeframes((samples * 32767).round().astype("<i2").tobytes())
        picture = [part.format(seconds=len(samples) / rate_hz + late_s) for part in PICTURE]
        sound = ["-itsoffset", str(late_s), "-i", file.name]
        ffmpeg(*picture, *sound, "-map", "0:v", "-map", "1:a", "-c:v", "libx264", *codec, path)
    return path


def sine(rate_hz: int, seconds: float, frequency_hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def listen(path: Path, rate_hz: int, max_s: float | None = None) -> tuple[Sound, ClipInfo]:
    view = SoundView(rate_hz, max_s)
    decoded = decode_clip(path, [view])
    sound = decoded.views[view]
    assert isinstance(sound, Sound)
    assert sound.samples.dtype == np.float32
    end_s = decoded.info.duration_s if max_s is None else min(max_s, decoded.info.duration_s)
    assert len(sound.samples) == round(end_s * rate_hz)
    assert 0 <= sound.start_s <= sound.end_s <= end_s + 1e-6
    return sound, decoded.info


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    tone = sine(16_000, 1.0)
    path = clip(tmp_path / "left.mkv", np.stack([tone, 0 * tone], axis=1), 16_000)
    sound, info = listen(path, 16_000)
    assert sound.samples == pytest.approx(tone / 2, abs=1e-4)
    assert (info.audio.channels, info.audio.rate_hz, info.audio.codec) == (2, 16_000, "pcm_s16le")  # type: ignore[union-attr]


def test_six_channels(tmp_path: Path) -> None:
    tone = sine(48_000, 1.0)
    path = clip(tmp_path / "surround.mkv", np.stack([tone * k / 6 for k in range(6)], axis=1), 48_000)
    sound, info = listen(path, 48_000)
    assert sound.samples == pytest.approx(tone * (15 / 36), abs=1e-4)
    assert info.audio is not None
    assert info.audio.channels == 6


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 12_000), (44_100, 22_050), (44_100, 16_000), (8_000, 22_050)])
def test_resampling_keeps_amplitude_and_phase(tmp_path: Path, from_hz: int, to_hz: int) -> None:
    path = clip(tmp_path / "tone.mkv", sine(from_hz, 2.0)[:, None], from_hz)
    sound, _ = listen(path, to_hz)
    middle = slice(to_hz // 4, -to_hz // 4)
    assert sound.samples[middle] == pytest.approx(sine(to_hz, 2.0)[middle], abs=1e-3)
    assert (sound.start_s, sound.end_s) == pytest.approx((0, 2.0), abs=1e-3)


def test_block_by_block_equals_one_piece(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (88_200, 1))
    path = clip(tmp_path / "noise.mkv", noise, 44_100)
    sound, _ = listen(path, 12_000)
    whole = soxr.resample((np.round(noise[:, 0] * 32767) / 32768).astype(np.float32), 44_100, 12_000, quality="HQ")
    assert sound.samples == pytest.approx(whole, abs=2e-6)


#: FFmpeg's sample formats, and a way to make its decoders give them.
FORMATS = {
    "u8": ("mkv", "-c:a", "pcm_u8"),
    "s16": ("wav", "-c:a", "pcm_s16le"),
    "s16p": ("m4a", "-c:a", "alac", "-sample_fmt", "s16p"),
    "s32": ("flac", "-c:a", "flac", "-sample_fmt", "s32", "-strict", "-2"),
    "s32p": ("m4a", "-c:a", "alac", "-sample_fmt", "s32p"),
    "flt": ("wav", "-c:a", "pcm_f32le"),
    "fltp": ("mka", "-c:a", "ac3"),
    "dbl": ("mkv", "-c:a", "pcm_f64le"),
}


def plainly(path: Path) -> tuple[str, int, np.ndarray]:
    """Format, rate, and the mean of the channels frame by frame as NumPy has it; the track starts with the clip."""
    import av

    blocks = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            channels = frame.to_ndarray()
            if not frame.format.is_planar:
                channels = channels.reshape(-1, frame.layout.nb_channels).T
            kind = channels.dtype
            scaled = channels.astype(np.float64)
            if kind == np.uint8:
                scaled = (scaled - 128) / 128
            elif kind.kind == "i":
                scaled /= 2.0 ** (8 * kind.itemsize - 1)
            blocks.append(scaled.mean(axis=0).astype(np.float32))
        return frame.format.name, stream.rate, np.concatenate(blocks)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_plain_mean_bit_for_bit(tmp_path: Path, kind: str, channels: int) -> None:
    suffix, *codec = FORMATS[kind]
    noise = np.random.default_rng(channels).uniform(-0.5, 0.5, (110_250, channels))
    source, path = clip(tmp_path / "noise.mkv", noise, 44_100), tmp_path / f"sound.{suffix}"
    ffmpeg("-i", source, "-vn", "-filter:a", "volume=0.7:precision=double", *codec, path)
    name, rate_hz, plain = plainly(path)
    assert name == kind
    same, slower = listen(path, rate_hz)[0].samples, listen(path, 12_000)[0].samples
    count = min(len(plain), len(same))
    assert count > 100_000
    assert np.array_equal(same[:count], plain[:count])
    assert not same[count:].any()
    resampled = soxr.resample(plain, rate_hz, 12_000, quality="HQ")
    count = min(len(resampled), len(slower))
    assert np.array_equal(slower[:count], resampled[:count])


def test_numbers_that_are_no_sound_become_silence(tmp_path: Path) -> None:
    tone = sine(16_000, 2.0).astype("<f8")
    damaged = tone.copy()
    damaged[[5_000, 9_000, 13_000, 17_000]] = [np.nan, np.inf, -1e300, 1e9]
    damaged[20_000] = 3.5  # louder than full scale is still sound
    (tmp_path / "raw").write_bytes(damaged.tobytes())
    ffmpeg("-f", "f64le", "-ar", "16000", "-ac", "1", "-i", tmp_path / "raw", "-c", "copy", tmp_path / "sound.wav")
    sound, _ = listen(tmp_path / "sound.wav", 16_000)
    expected = tone.copy()
    expected[[5_000, 9_000, 13_000, 17_000, 20_000]] = [0, 0, 0, 0, 3.5]
    assert np.array_equal(sound.samples, expected.astype(np.float32))
    slower, _ = listen(tmp_path / "sound.wav", 12_000)
    assert np.isfinite(slower.samples).all()


@pytest.mark.parametrize("rate_hz", [12_000, 16_000, 44_100])
def test_max_s_gives_the_first_part_of_the_whole(tmp_path: Path, rate_hz: int) -> None:
    noise = np.random.default_rng(2).uniform(-0.5, 0.5, (132_300, 1))
    path = clip(tmp_path / "noise.mkv", noise, 44_100)
    whole, _ = listen(path, rate_hz)
    for max_s in (0.001, 0.75, 1.7):
        sound, _ = listen(path, rate_hz, max_s)
        assert np.array_equal(sound.samples, whole.samples[: len(sound.samples)])


def test_two_rates_from_one_decode(tmp_path: Path) -> None:
    path = clip(tmp_path / "tone.mkv", sine(48_000, 1.0)[:, None], 48_000)
    views = [SoundView(12_000), SoundView(22_050, max_s=0.5), FrameView(size_px=32)]
    decoded = decode_clip(path, views)
    assert [len(decoded.views[view].samples) for view in views[:2]] == [12_000, 11_025]  # type: ignore[union-attr]
    assert len(decoded.views[views[2]]) == 1  # type: ignore[arg-type]


def onset_s(samples: np.ndarray, rate_hz: int) -> float:
    """When the sound becomes louder than a tenth."""
    return float(np.argmax(np.abs(samples) > 0.1)) / rate_hz


@pytest.mark.parametrize("container", ["mkv", "mp4", "mov", "ts"])
def test_a_late_track_is_late(tmp_path: Path, container: str) -> None:
    codec = ("-c:a", "aac", "-b:a", "128k") if container in ("mp4", "ts") else ("-c:a", "pcm_s16le")
    path = clip(tmp_path / f"late.{container}", sine(48_000, 1.5)[:, None], 48_000, codec, late_s=0.5)
    sound, _ = listen(path, 12_000)
    assert onset_s(sound.samples, 12_000) == pytest.approx(0.5, abs=0.025)
    if container in ("mkv", "mov"):
        assert sound.start_s == pytest.approx(0.5, abs=0.002)
        assert not np.abs(sound.samples[:5900]).max() > 0.01
    # The phase says more than the onset: the tone must lie where it would without the delay.
    late = np.concatenate([np.zeros(6000), sine(12_000, 1.5)])
    part = slice(9_000, 20_000)
    assert np.corrcoef(sound.samples[part], late[part])[0, 1] > 0.99


@pytest.mark.parametrize("codec", [("-c:a", "aac"), ("-c:a", "libmp3lame")])
def test_encoder_delay_is_removed(tmp_path: Path, codec: tuple[str, ...]) -> None:
    path = clip(tmp_path / "tone.mp4", sine(44_100, 2.0)[:, None], 44_100, codec)
    sound, _ = listen(path, 44_100)
    part = slice(20_000, 60_000)
    assert np.corrcoef(sound.samples[part], sine(44_100, 2.0)[part])[0, 1] > 0.99


def test_edit_list_cuts_the_sound(tmp_path: Path) -> None:
    ramp = sine(44_100, 4.0) * np.repeat([0.25, 0.5, 0.75, 1.0], 44_100)
    whole = clip(tmp_path / "whole.mp4", ramp[:, None], 44_100, ("-c:a", "aac", "-g", "250"))
    ffmpeg("-ss", "1.5", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    sound, info = listen(tmp_path / "cut.mp4", 44_100)
    assert info.duration_s == pytest.approx(2.5, abs=0.1)
    louder_s = float(np.argmax(np.abs(sound.samples) > 0.3)) / 44_100  # the step from 0.25 to 0.375 at second 2
    assert louder_s == pytest.approx(0.5, abs=0.05)


def test_gaps_become_silence(tmp_path: Path) -> None:
    path = clip(tmp_path / "whole.mkv", sine(16_000, 3.0)[:, None], 16_000, ("-c:a", "pcm_s16le"))
    drop = "noise=drop='between(pts*tb,1,1.5)'"  # bitstream filter: these packets never reach the file
    ffmpeg("-i", path, "-c", "copy", "-bsf:a", drop, tmp_path / "gap.mkv")
    sound, _ = listen(tmp_path / "gap.mkv", 16_000)
    silent = np.abs(sound.samples).reshape(-1, 1600).max(axis=1) < 0.01
    assert not silent[:10].any()
    assert silent[11:14].all()
    assert not silent[16:].any()
    part = slice(30_000, 45_000)
    assert np.corrcoef(sound.samples[part], sine(16_000, 3.0)[part])[0, 1] > 0.99


def test_truncated_track_is_silent_at_the_end(tmp_path: Path) -> None:
    pieces = [part.format(seconds=4) for part in PICTURE]
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=16000")
    ffmpeg(*pieces, *tone, "-c:v", "libx264", "-c:a", "pcm_s16le", tmp_path / "short.mkv")
    sound, info = listen(tmp_path / "short.mkv", 16_000)
    assert info.duration_s == pytest.approx(4, abs=0.05)
    assert sound.end_s == pytest.approx(2, abs=0.05)
    assert np.abs(sound.samples[:31_000]).max() > 0.1
    assert not sound.samples[33_000:].any()


def test_file_cut_in_the_middle(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.ts", sine(48_000, 4.0)[:, None], 48_000, ("-c:a", "aac"))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    sound, info = listen(path, 12_000)
    assert info.duration_s < 3.5
    assert np.abs(sound.samples[3000:12_000]).max() > 0.4


def test_max_s_cuts(tmp_path: Path) -> None:
    path = clip(tmp_path / "tone.mkv", sine(16_000, 3.0)[:, None], 16_000)
    sound, _ = listen(path, 16_000, max_s=1.25)
    assert (sound.end_s, len(sound.samples)) == (1.25, 20_000)
    assert sound.samples == pytest.approx(sine(16_000, 1.25), abs=1e-4)


def test_no_sound_and_bad_sound_never_kill_the_pictures(tmp_path: Path, media: Path) -> None:
    ffmpeg(*[part.format(seconds=1) for part in PICTURE], "-c:v", "libx264", tmp_path / "silent.mp4")
    views = [FrameView(size_px=32), SoundView(12_000)]
    for path, flag in {
        tmp_path / "silent.mp4": "no_sound",
        media / "broken/media/sample_missing_stsd.mp4": "sound_error",
    }.items():
        decoded = decode_clip(path, views)
        assert list(decoded.views) == views[:1]
        assert flag in decoded.info.flags


@pytest.mark.parametrize(
    ("name", "rate_hz", "channels"),
    [("moviepy/chaplin.mp4", 44_100, 2), ("mediabunny/rotate-buck-bunny.mp4", 48_000, 6)],
)
def test_real_clips_sound_as_ffmpeg_decodes_them(media: Path, name: str, rate_hz: int, channels: int) -> None:
    """Against FFmpeg's own decode mixed by equal weights; these tracks start with the clip and have no gap."""
    path = media / "clips" / name
    sound, info = listen(path, rate_hz)
    mix = "+".join(f"{1 / channels}*c{k}" for k in range(channels))
    pan = ("-map", "0:a:0", "-af", f"pan=mono|c0={mix}", "-f", "f32le", "-")
    ended = subprocess.run([executable(), "-v", "error", "-i", path, *pan], capture_output=True, check=True)
    theirs = np.frombuffer(ended.stdout, dtype="<f4")
    count = min(len(sound.samples), len(theirs)) - 2048
    assert count > 50_000
    assert sound.samples[:count] == pytest.approx(theirs[:count], abs=1e-3)
    assert info.audio is not None
    assert (info.audio.rate_hz, info.audio.channels) == (rate_hz, channels)


def samples_of(path: Path) -> tuple[np.ndarray, int]:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        blocks = [frame.to_ndarray().reshape(-1, stream.channels) for frame in container.decode(stream)]
        return np.concatenate(blocks), stream.rate


def test_flac_holds_the_track_as_it_is(tmp_path: Path) -> None:
    tone = sine(32_000, 1.0)
    stereo = np.stack([tone, -tone / 2], axis=1)
    path = clip(tmp_path / 'it\'s a "clip".mkv', stereo, 32_000)
    out = tmp_path / "out %d.flac"
    write_flac(path, out, Limits())
    samples, rate_hz = samples_of(out)
    assert rate_hz == 32_000
    assert np.array_equal(samples, (stereo * 32767).round().astype(np.int16))
    first = out.read_bytes()
    write_flac(path, out, Limits(), decode_clip(path, [FrameView(size_px=32)]).info)
    assert out.read_bytes() == first
    assert {each.name for each in tmp_path.iterdir()} == {path.name, out.name}


def test_flac_errors(tmp_path: Path, media: Path) -> None:
    ffmpeg(*[part.format(seconds=1) for part in PICTURE], "-c:v", "libx264", tmp_path / "silent.mp4")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nother.ts\n")
    out = tmp_path / "out.flac"
    for path, reason in {
        tmp_path / "silent.mp4": "no_sound",
        tmp_path / "list.mp4": "container_not_allowed",
        tmp_path / "missing.mp4": "unreadable",
        media / "broken/media/sample_missing_stsd.mp4": "sound_error",
    }.items():
        with pytest.raises(RejectError) as caught:
            write_flac(path, out, Limits())
        assert caught.value.reason == reason
        assert caught.value.message
    good = clip(tmp_path / "good.mkv", sine(16_000, 1.0)[:, None], 16_000)
    with pytest.raises(RejectError) as caught:
        write_flac(good, out, Limits(wall_s=0.001))
    assert caught.value.reason == "wall_limit"
    assert not list(tmp_path.glob("*.flac")) + list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*"))


def test_length_is_rounded_once(tmp_path: Path) -> None:
    path = clip(tmp_path / "tone.mkv", sine(16_000, 1.01)[:, None], 16_000)
    sound, info = listen(path, 11_025)
    assert math.isclose(len(sound.samples) / 11_025, info.duration_s, abs_tol=1 / 11_025)
