"""Excerpts of the sound: which samples they are, and that they are the samples of the whole."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from test_sound import clip, ffmpeg, sine

from transforms.decoding import DecoderProcess, decode_clip
from transforms.sound import decode_sound
from transforms.sound.resampling import Listener
from transforms.sound.window import Window, window
from transforms.views import FrameView, Sound, SoundView

#: What an excerpt may differ by from the same samples of the whole (float32 in the resampler's FFT).
CLOSE = 1e-6


def noise(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, count).astype(np.float32)


def wav(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """A sound file without pictures: int16, one channel."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, len(samples), "NONE", ""))
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())
    return path


def listen(path: Path, *views: SoundView) -> list[Sound]:
    decoded = decode_clip(path, views)
    sounds = [decoded.views[view] for view in views]
    for view, sound in zip(views, sounds, strict=True):
        assert isinstance(sound, Sound)
        assert sound.samples.dtype == np.float32
        assert np.isfinite(sound.samples).all()
        assert sound.origin / view.rate_hz <= sound.start_s <= sound.end_s
        assert sound.end_s <= (sound.origin + len(sound.samples)) / view.rate_hz + 1 / view.rate_hz
    return sounds  # type: ignore[return-value]


def apart(samples: np.ndarray, others: np.ndarray) -> float:
    """The largest difference."""
    assert samples.shape == others.shape
    return float(np.abs(samples - others).max(initial=0))


def astray(excerpt: Sound, whole: Sound) -> float:
    """The largest difference from the samples of the whole where the excerpt lies."""
    return apart(excerpt.samples, whole.samples[excerpt.origin : excerpt.origin + len(excerpt.samples)])


# -- which samples -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("track_s", "view", "expected"),
    [
        ((0, 10), SoundView(12_000), (0, 120_000)),
        ((0, 10), SoundView(12_000, max_s=2.5), (0, 30_000)),
        ((0, 10), SoundView(12_000, max_s=float("inf")), (0, 120_000)),
        ((0, 10), SoundView(12_000, excerpt_s=4), (36_000, 84_000)),
        ((0, 10), SoundView(12_000, excerpt_s=10), (0, 120_000)),
        ((0, 10), SoundView(12_000, excerpt_s=99), (0, 120_000)),
        ((0, 10), SoundView(12_000, excerpt_s=0), (60_000, 60_000)),
        ((2, 9), SoundView(12_000, excerpt_s=1), (60_000, 72_000)),
        ((2, 9), SoundView(12_000, excerpt_s=8), (24_000, 108_000)),
        ((-1, 12), SoundView(12_000, excerpt_s=4), (36_000, 84_000)),  # cut to the timeline first
        ((0, 10), SoundView(12_000, max_s=6, excerpt_s=4), (12_000, 60_000)),  # and to max_s
        ((8, 9), SoundView(12_000, max_s=6, excerpt_s=4), (72_000, 72_000)),
        ((11, 12), SoundView(12_000, excerpt_s=4), (120_000, 120_000)),
        ((0, Fraction(7, 12_000)), SoundView(12_000, excerpt_s=4 / 12_000), (1, 5)),  # (7 - 4) // 2
        ((3, 3), SoundView(12_000, excerpt_s=4), (36_000, 36_000)),
    ],
)
def test_the_excerpt_is_the_middle_of_the_track(track_s: Any, view: SoundView, expected: tuple[int, int]) -> None:
    found = window(view, Fraction(10), (Fraction(track_s[0]), Fraction(track_s[1])))
    assert (found.first, found.end) == expected
    assert len(found) == expected[1] - expected[0]


def test_the_excerpt_of_vmnet_has_its_length() -> None:
    found = window(SoundView(12_000, excerpt_s=29.12), Fraction(240), (Fraction(0), Fraction(240)))
    assert len(found) == 349_440
    assert found.first == (240 * 12_000 - 349_440) // 2


# -- resampling only the excerpt -----------------------------------------------------------------------------------


def heard(view: SoundView, part: tuple[int, int], track: np.ndarray, track_hz: int, block: int = 5000) -> np.ndarray:
    listener = Listener(view, Window(*part, part[1] / view.rate_hz, view.rate_hz), track_hz, np.zeros)
    for begins in range(0, len(track), block):
        listener.hear(begins, track[begins : begins + block])
    listener.finish()
    return listener.samples


@pytest.mark.parametrize("via_hz", [None, 22_050])
@pytest.mark.parametrize("to_hz", [12_000, 16_000])
@pytest.mark.parametrize("from_hz", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_an_excerpt_is_the_same_slice_of_the_whole(from_hz: int, to_hz: int, via_hz: int | None) -> None:
    track = noise(from_hz * 3)
    view = SoundView(to_hz, via_hz=via_hz)
    whole = heard(view, (0, to_hz * 3), track, from_hz)
    starts = (0, 1, 150, to_hz // 3 + 1, to_hz + 17, 2 * to_hz + 5, 3 * to_hz - 40)
    for first in starts:
        end = min(first + to_hz // 2, 3 * to_hz)
        assert apart(heard(view, (first, end), track, from_hz), whole[first:end]) < CLOSE


@pytest.mark.parametrize(("from_hz", "drift"), [(44_100, 0), (48_000, 0), (192_000, 0), (22_050, 1e-5), (22_254, 1e-5)])
def test_odd_rates(from_hz: int, drift: float) -> None:
    """Between 22,050 and 14,440 Hz soxr rounds its clock: over the whole track it drifts by 2e-6 samples a second."""
    view = SoundView(14_440)
    track = noise(from_hz * 3)
    whole = heard(view, (0, 43_320), track, from_hz)
    for first in (0, 5_001, 30_000):
        assert apart(heard(view, (first, first + 5_000), track, from_hz), whole[first : first + 5_000]) < CLOSE + drift


@pytest.mark.parametrize("via_hz", [None, 22_050])
def test_samples_do_not_depend_on_the_blocks(via_hz: int | None) -> None:
    track = noise(44_100 * 2)
    view = SoundView(12_000, via_hz=via_hz)
    for part in ((0, 24_000), (9_001, 15_000)):
        once = heard(view, part, track, 44_100, block=len(track))
        for block in (1152, 4096, 65_536):
            assert np.array_equal(heard(view, part, track, 44_100, block), once)


def test_by_way_of_another_rate(tmp_path: Path) -> None:
    """Twice soxr; once where the track has that rate, or where the view has."""
    for rate_hz, stages in {44_100: (22_050, 12_000), 22_050: (12_000,), 12_000: (22_050, 12_000)}.items():
        path = wav(tmp_path / f"{rate_hz}.wav", noise(rate_hz * 2), rate_hz)
        plain, direct, by_way = listen(path, SoundView(rate_hz), SoundView(12_000), SoundView(12_000, via_hz=22_050))
        expected, from_hz = plain.samples, rate_hz
        for to_hz in stages:
            expected, from_hz = soxr.resample(expected, from_hz, to_hz, quality="HQ"), to_hz
        assert apart(by_way.samples, expected) < CLOSE
        assert np.array_equal(by_way.samples, direct.samples) == (rate_hz == 22_050)
    same = listen(path, SoundView(22_050), SoundView(22_050, via_hz=22_050))
    assert np.array_equal(same[0].samples, same[1].samples)


# -- through the decoder -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 192_000])
def test_excerpt_of_a_file(tmp_path: Path, rate_hz: int) -> None:
    path = wav(tmp_path / "noise.wav", noise(rate_hz * 5 + 3), rate_hz)
    views = [SoundView(12_000), *(SoundView(12_000, excerpt_s=1.5, via_hz=via) for via in (None, 22_050))]
    whole, excerpt, by_way = listen(path, *views)
    assert len(excerpt.samples) == len(by_way.samples) == 18_000
    assert excerpt.origin == by_way.origin == (len(whole.samples) - 18_000) // 2
    assert (excerpt.start_s, excerpt.end_s) == (excerpt.origin / 12_000, (excerpt.origin + 18_000) / 12_000)
    assert astray(excerpt, whole) < CLOSE
    for view, together in zip(views[1:], (excerpt, by_way), strict=True):
        (alone,) = listen(path, view)
        assert np.array_equal(alone.samples, together.samples)
        assert (alone.origin, alone.start_s, alone.end_s) == (together.origin, together.start_s, together.end_s)


def test_excerpt_longer_than_the_clip(tmp_path: Path) -> None:
    path = wav(tmp_path / "noise.wav", noise(44_100), 44_100)
    whole, excerpt = listen(path, SoundView(12_000), SoundView(12_000, excerpt_s=29.12))
    assert np.array_equal(excerpt.samples, whole.samples)
    assert (excerpt.origin, excerpt.start_s, excerpt.end_s) == (0, 0.0, 1.0)


def test_max_s_with_an_excerpt(tmp_path: Path) -> None:
    path = wav(tmp_path / "noise.wav", noise(44_100 * 6), 44_100)
    whole, excerpt = listen(path, SoundView(12_000), SoundView(12_000, max_s=4, excerpt_s=1))
    assert (excerpt.origin, len(excerpt.samples)) == (18_000, 12_000)
    assert astray(excerpt, whole) < CLOSE


@pytest.mark.parametrize("count", [1, 2, 3, 40, 300])
@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
def test_tracks_shorter_than_the_resamplers_delay(tmp_path: Path, rate_hz: int, count: int) -> None:
    path = wav(tmp_path / "short.wav", np.full(count, 0.5), rate_hz)
    views = [SoundView(12_000), SoundView(12_000, excerpt_s=29.12), SoundView(12_000, excerpt_s=29.12, via_hz=22_050)]
    whole, excerpt, by_way = listen(path, *views)
    wanted = round(Fraction(count, rate_hz) * 12_000)
    # an excerpt of a track has one sample at least
    assert (len(whole.samples), len(excerpt.samples), len(by_way.samples)) == (wanted, max(1, wanted), max(1, wanted))
    assert np.array_equal(whole.samples, excerpt.samples[:wanted])
    assert whole.end_s == pytest.approx(count / rate_hz, abs=1e-6)
    if len(whole.samples) > 20:
        assert np.abs(whole.samples[5:-5] - 0.5).max() < 0.1
        assert np.abs(by_way.samples[5:-5] - 0.5).max() < 0.1


def test_no_sample_at_all(tmp_path: Path) -> None:
    path = wav(tmp_path / "empty.wav", np.zeros(0), 44_100)
    decoded = decode_clip(path, [SoundView(12_000), SoundView(12_000, excerpt_s=1)])
    assert decoded.views == {}
    assert {"no_sound", "sound_error"} & set(decoded.info.flags)
    path = wav(tmp_path / "nothing-wanted.wav", noise(44_100), 44_100)
    for view in (SoundView(12_000, excerpt_s=0), SoundView(12_000, max_s=0), SoundView(12_000, max_s=0, excerpt_s=1)):
        (sound,) = listen(path, view)
        assert len(sound.samples) == 0
        assert sound.start_s == sound.end_s


def test_late_track(tmp_path: Path) -> None:
    path = clip(tmp_path / "late.mkv", noise(44_100 * 4)[:, None], 44_100, late_s=1.5)
    whole, excerpt, all_of_it, before = listen(
        path,
        SoundView(12_000),
        SoundView(12_000, excerpt_s=2),
        SoundView(12_000, excerpt_s=29.12),
        SoundView(12_000, max_s=1, excerpt_s=29.12),
    )
    assert (excerpt.origin, len(excerpt.samples)) == (30_000, 24_000)
    assert astray(excerpt, whole) < CLOSE
    assert (all_of_it.origin, all_of_it.start_s) == (18_000, 1.5)
    assert astray(all_of_it, whole) < CLOSE
    assert (len(before.samples), before.start_s, before.end_s) == (0, 1.0, 1.0)


def test_track_that_ends_early(tmp_path: Path) -> None:
    """The middle is the track's, not the clip's."""
    sound = wav(tmp_path / "noise.wav", noise(44_100 * 2), 44_100)
    picture = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=6")
    ffmpeg(*picture, "-i", sound, "-c:v", "libx264", "-c:a", "pcm_s16le", tmp_path / "early.mkv")
    whole, excerpt = listen(tmp_path / "early.mkv", SoundView(12_000), SoundView(12_000, excerpt_s=1))
    assert len(whole.samples) == 72_000
    assert excerpt.origin == pytest.approx(6_000, abs=300)  # the last packet of Matroska's has no length of its own
    assert astray(excerpt, whole) < CLOSE


def test_packets_that_promise_more_than_there_is(tmp_path: Path) -> None:
    """What is behind the last decoded sample is silence, and not called sound."""
    ffmpeg("-i", wav(tmp_path / "noise.wav", noise(44_100 * 4), 44_100), "-c:a", "flac", tmp_path / "noise.flac")
    data = bytearray((tmp_path / "noise.flac").read_bytes())
    import av

    with av.open(str(tmp_path / "noise.flac")) as container:
        packets = [packet for packet in container.demux() if packet.size]
    keep = sum(packet.size for packet in packets if packet.pts < 44_100 * 2)
    start = len(data) - sum(packet.size for packet in packets)
    data[start + keep :] = bytes(len(data) - start - keep)
    (tmp_path / "half.flac").write_bytes(data)
    whole, excerpt = listen(tmp_path / "half.flac", SoundView(12_000), SoundView(12_000, excerpt_s=3))
    covered = slice(round(excerpt.start_s * 12_000) - excerpt.origin, round(excerpt.end_s * 12_000) - excerpt.origin)
    assert excerpt.samples[covered].any()
    assert not excerpt.samples[covered.stop :].any()
    assert astray(excerpt, whole) < CLOSE


def test_gap_inside_the_excerpt(tmp_path: Path) -> None:
    path = clip(tmp_path / "whole.mkv", sine(16_000, 3.0)[:, None], 16_000)
    ffmpeg("-i", path, "-c", "copy", "-bsf:a", "noise=drop='between(pts*tb,1.2,1.7)'", tmp_path / "gap.mkv")
    whole, excerpt = listen(tmp_path / "gap.mkv", SoundView(12_000), SoundView(12_000, excerpt_s=1))
    assert astray(excerpt, whole) < CLOSE
    silent = np.abs(excerpt.samples).reshape(-1, 1200).max(axis=1) < 0.01
    assert silent[4:6].all()
    assert not silent[:2].any()
    assert not silent[8:].any()


@pytest.mark.parametrize("codec", ["aac", "mp2"])
def test_damaged_packets(tmp_path: Path, codec: str) -> None:
    path = clip(tmp_path / "clip.ts", noise(48_000 * 6)[:, None], 48_000, ("-c:a", codec))
    data = bytearray(path.read_bytes())
    dice = np.random.default_rng(3)
    for at in dice.integers(len(data) // 4, len(data), 60):
        data[at : at + 8] = dice.bytes(8)
    path.write_bytes(data)
    whole, excerpt = listen(path, SoundView(12_000), SoundView(12_000, excerpt_s=2))
    assert len(excerpt.samples) == 24_000
    assert astray(excerpt, whole) < CLOSE * max(1, np.abs(whole.samples).max())


def test_six_channels(tmp_path: Path) -> None:
    surround = noise(48_000 * 3 * 6).reshape(-1, 6)
    path = clip(tmp_path / "surround.mkv", surround, 48_000)
    whole, excerpt = listen(path, SoundView(12_000), SoundView(12_000, excerpt_s=1))
    mean = (surround * 32767).round().mean(axis=1) / 32768
    expected = soxr.resample(mean.astype(np.float32), 48_000, 12_000, quality="HQ")
    assert apart(whole.samples, expected) < CLOSE
    assert astray(excerpt, whole) < CLOSE


def test_decoding_stops_behind_the_excerpt(tmp_path: Path) -> None:
    import av

    path = wav(tmp_path / "noise.wav", noise(44_100 * 20), 44_100)

    def ends(*views: SoundView) -> float:
        """The last second of sound that was asked of the file."""
        with av.open(str(path)) as container:
            reached: list[float] = []

            def packets() -> Iterator[Any]:
                for packet in container.demux():
                    reached.append(float(packet.pts * packet.time_base) if packet.pts is not None else 20.0)
                    yield packet

            stream = container.streams.audio[0]
            sounds, flags = decode_sound(
                stream, packets(), Fraction(0), Fraction(20), (Fraction(0), Fraction(20)), views
            )
        assert set(sounds) == set(views)
        assert flags == []
        return reached[-1]

    excerpt = SoundView(12_000, excerpt_s=2)
    assert 11 < ends(excerpt) < 13
    assert 11 < ends(excerpt, SoundView(16_000, excerpt_s=1, via_hz=22_050)) < 13
    assert ends(excerpt, SoundView(16_000)) > 19
    assert ends(SoundView(16_000, max_s=3)) < 5


# -- files without pictures ----------------------------------------------------------------------------------------


CODECS = {
    "wav": ("pcm_s16le",),
    "flac": ("flac",),
    "mp3": ("libmp3lame",),
    "ogg": ("libvorbis",),
    "opus": ("libopus",),
    "m4a": ("aac",),
    "mka": ("pcm_f32le",),
    "aiff": ("pcm_s16be",),
}


@pytest.mark.parametrize("suffix", CODECS)
def test_files_of_sound_alone(tmp_path: Path, suffix: str) -> None:
    source = wav(tmp_path / "source.wav", sine(48_000, 4.0) + noise(192_000) / 50, 48_000)
    path = tmp_path / f"sound.{suffix}"
    ffmpeg("-i", source, "-c:a", *CODECS[suffix], path)
    views = [SoundView(12_000), SoundView(12_000, excerpt_s=1.5, via_hz=22_050), SoundView(16_000, excerpt_s=1)]
    here = decode_clip(path, views)
    with DecoderProcess() as process:
        there = process.decode(path, views)
    assert here.info == there.info
    assert here.info.video is None
    assert here.info.duration_s == pytest.approx(4, abs=0.1)
    for view in views:
        mine, other = here.views[view], there.views[view]
        assert isinstance(mine, Sound)
        assert isinstance(other, Sound)
        assert np.array_equal(mine.samples, other.samples)
        assert (mine.start_s, mine.end_s, mine.origin) == (other.start_s, other.end_s, other.origin)
    whole, _, excerpt = listen(path, SoundView(16_000), *views[1:])
    assert astray(excerpt, whole) < CLOSE
    plain = sine(16_000, 4.0)[excerpt.origin : excerpt.origin + 16_000]
    assert np.corrcoef(excerpt.samples, plain)[0, 1] > 0.99


def test_pictures_are_still_asked_of_them_in_vain(tmp_path: Path) -> None:
    from transforms.errors import RejectError

    path = wav(tmp_path / "sound.wav", noise(8_000), 8_000)
    with pytest.raises(RejectError) as caught:
        decode_clip(path, [SoundView(12_000), FrameView(size_px=32)])
    assert caught.value.reason == "no_video"


def test_real_files(media: Path) -> None:
    """Every piece of music, and clips whose tracks begin with a packet that gives nothing or end in mid-packet."""
    views = [SoundView(12_000), SoundView(12_000, excerpt_s=3), SoundView(12_000, excerpt_s=29.12)]
    by_way = [SoundView(12_000, via_hz=22_050), SoundView(12_000, excerpt_s=3, via_hz=22_050)]
    clips = ["moviepy/chaplin.mp4", "rails/video.mp4", "rails/video.webm", "moviepy/big_buck_bunny_0_30.webm"]
    paths = [path for path in sorted((media / "audio").rglob("*")) if path.is_file()]
    assert len(paths) >= 10
    for path in [*paths, *(media / "clips" / name for name in clips), media / "broken/wavesurfer.js/ahoy.mp4"]:
        whole, short, long, twice, short_twice = listen(path, *views, *by_way)
        for excerpt, all_of_it in ((short, whole), (long, whole), (short_twice, twice)):
            assert astray(excerpt, all_of_it) < CLOSE, path
            assert len(excerpt.samples) > 10_000
        assert len(long.samples) <= 349_440
        track_s = whole.end_s - whole.start_s
        if track_s > 29.12:
            middle_s = (long.origin + len(long.samples) / 2) / 12_000
            assert len(long.samples) == 349_440
            assert middle_s == pytest.approx((whole.start_s + whole.end_s) / 2, abs=0.02), path
        else:
            assert len(long.samples) / 12_000 == pytest.approx(track_s, abs=0.03), path
