"""What lies before an excerpt is not decoded where that makes no difference, and the samples are the same bits."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_sound import clip, ffmpeg

import transforms.sound.decode as sound_decode
from transforms.decoding import decode_clip
from transforms.sound.entering import MP3_LEAD_PACKETS, Entry, find_entry
from transforms.views import DecodedClip, Sound, SoundView

#: Excerpts at the track's own rates and resampled, short enough for the clips of these tests.
VIEWS = [
    [SoundView(12_000, excerpt_s=1)],
    [SoundView(44_100, excerpt_s=0.25)],
    [SoundView(12_000, excerpt_s=0.5, via_hz=22_050), SoundView(16_000, excerpt_s=1.5)],
]


Entries = list[Entry | None]


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Entries:
    """Watches where decoding begins."""
    seen: Entries = []

    def watched(*arguments: Any) -> Entry | None:
        seen.append(find_entry(*arguments))
        return seen[-1]

    monkeypatch.setattr(sound_decode, "find_entry", watched)
    return seen


def from_the_start(path: Path, views: list[SoundView]) -> DecodedClip:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound_decode, "find_entry", lambda *arguments: None)
        return decode_clip(path, views)


def compare(path: Path, entries: Entries, flags: bool = True) -> int:
    """Both ways give the same; returns in how many of the cases decoding began in the middle."""
    entries.clear()
    for views in VIEWS:
        quick, slow = decode_clip(path, views), from_the_start(path, views)
        assert quick.views.keys() == slow.views.keys()
        for view in quick.views:
            mine, plain = quick.views[view], slow.views[view]
            assert isinstance(mine, Sound)
            assert isinstance(plain, Sound)
            assert np.array_equal(mine.samples, plain.samples), path
            assert (mine.start_s, mine.end_s, mine.origin) == (plain.start_s, plain.end_s, plain.origin)
        if flags:
            assert quick.info == slow.info
    return sum(entry is not None for entry in entries)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of two channels, loud and silent by turns so that reservoirs fill, with some chords and noise."""
    time_s = np.arange(10 * 48_000) / 48_000
    dice = np.random.default_rng(7)
    chord = sum(np.sin(2 * np.pi * f * time_s * (1 + time_s / 90)) for f in (220, 277.2, 329.6, 1760)) / 8
    left = (chord + dice.uniform(-0.2, 0.2, len(time_s))) * (np.sin(2 * np.pi * 0.7 * time_s) > -0.3)
    right = (chord - dice.uniform(-0.05, 0.05, len(time_s))) * (np.sin(2 * np.pi * 0.9 * time_s) > -0.2)
    return clip(tmp_path_factory.mktemp("music") / "music.mkv", np.stack([left, right], axis=1), 48_000)


def encode(music: Path, path: Path, *options: str) -> Path:
    ffmpeg("-i", music, "-vn", *options, path)
    return path


MP3 = {
    "32": ("-b:a", "32k"),
    "128": ("-b:a", "128k"),
    "320": ("-b:a", "320k"),
    "vbr-best": ("-q:a", "0"),
    "vbr-worst": ("-q:a", "9"),
    "separate": ("-b:a", "96k", "-joint_stereo", "0"),
    "mono": ("-b:a", "64k", "-ac", "1"),
    "no-header": ("-b:a", "128k", "-write_xing", "0"),
    "no-reservoir": ("-b:a", "128k", "-reservoir", "0"),
}


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("kind", MP3)
def test_mp3(music: Path, tmp_path: Path, entries: Entries, kind: str, rate_hz: int) -> None:
    path = encode(music, tmp_path / "sound.mp3", "-c:a", "libmp3lame", "-ar", str(rate_hz), *MP3[kind])
    assert compare(path, entries) == len(VIEWS)


@pytest.mark.parametrize(
    "options", [("8k", "24000", "2"), ("8k", "22050", "1"), ("16k", "24000", "2"), ("8k", "8000", "1")]
)
def test_mp3_frames_of_a_few_bytes(music: Path, tmp_path: Path, entries: Entries, options: tuple[str, ...]) -> None:
    """The reservoir reaches back over 85 frames at 24 kHz and 8 kb/s."""
    bit_rate, rate_hz, channels = options
    path = encode(music, tmp_path / "sound.mp3", "-b:a", bit_rate, "-ar", rate_hz, "-ac", channels)
    compare(path, entries)
    assert all(
        entry is None or entry.wanted - entry.packet > 2 * MP3_LEAD_PACKETS
        for entry in entries
        if bit_rate == "8k" and rate_hz != "8000"
    )


OTHERS = {
    "wav": ("pcm_s16le",),
    "w64": ("pcm_f32le",),
    "aiff": ("pcm_s24be",),
    "au": ("pcm_mulaw",),
    "caf": ("pcm_s16le",),
    "flac": ("flac",),
    "oga": ("flac",),
    "m4a": ("alac",),
    "mov": ("pcm_s16be",),
    "mp4": ("libmp3lame",),
}


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("suffix", OTHERS)
def test_other_codecs_that_forget(music: Path, tmp_path: Path, entries: Entries, suffix: str, rate_hz: int) -> None:
    path = encode(music, tmp_path / f"sound.{suffix}", "-c:a", *OTHERS[suffix], "-ar", str(rate_hz))
    assert compare(path, entries) == len(VIEWS)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("m4a", ("aac",)),
        ("opus", ("libopus", "-ar", "48000")),
        ("ogg", ("libvorbis",)),
        ("ac3", ("ac3",)),
        ("mka", ("flac",)),  # Matroska's clock is coarser than a sample
        ("ts", ("libmp3lame",)),
        ("wav", ("adpcm_ms",)),
    ],
)
def test_all_else_is_decoded_from_the_start(
    music: Path, tmp_path: Path, entries: Entries, suffix: str, codec: tuple[str, ...]
) -> None:
    path = encode(music, tmp_path / f"sound.{suffix}", "-c:a", *codec)
    assert compare(path, entries) == 0


def test_a_view_of_the_beginning_needs_the_beginning(music: Path, tmp_path: Path, entries: Entries) -> None:
    path = encode(music, tmp_path / "sound.mp3")
    whole, excerpt = SoundView(48_000), SoundView(48_000, excerpt_s=1)
    decoded = decode_clip(path, [whole, excerpt])
    assert entries == [None]
    alone = decode_clip(path, [excerpt])
    assert entries[1] is not None
    mine, plain = alone.views[excerpt], decoded.views[whole]
    assert isinstance(mine, Sound)
    assert isinstance(plain, Sound)
    assert np.array_equal(mine.samples, plain.samples[mine.origin : mine.origin + len(mine.samples)])


def test_where_it_is_entered(music: Path, tmp_path: Path) -> None:
    """So many packets ahead of the one with the first wanted sample; the encoder's delay is no part of the timeline."""
    import av

    path = encode(music, tmp_path / "sound.mp3")
    with av.open(str(path)) as container:
        stream: Any = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        start_s = Fraction(stream.start_time) * stream.time_base
        for begins in (200_000, 220_000, 220_001):
            entry = find_entry(stream.codec_context, packets, start_s, begins)
            assert entry is not None
            assert entry.wanted - entry.packet == MP3_LEAD_PACKETS
            assert entry.position == entry.packet * 1152 - 1105
            assert begins - 1152 < entry.wanted * 1152 - 1105 <= begins
        for begins in (-5, 0, 1, 20 * 1152, 10**9):
            assert find_entry(stream.codec_context, packets, start_s, begins) is None
        assert find_entry(stream.codec_context, [], start_s, 220_000) is None
        half = start_s + Fraction(1, 96_000)
        assert find_entry(stream.codec_context, packets, half, 220_000) is None


@pytest.mark.parametrize("late_ms", [0, 1, 7, 113, 1500])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_clips_whose_clock_does_not_start_with_the_sound(
    music: Path, tmp_path: Path, entries: Entries, rate_hz: int, late_ms: int
) -> None:
    """Times that fall between samples, and on the half of one, are rounded the same way."""
    picture = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=30000/1001:d=12")
    ffmpeg(
        *picture, "-itsoffset", f"{late_ms / 1000 + 0.5 / rate_hz:.9f}", "-i", music, "-map", "0:v", "-map", "1:a",
        "-c:v", "libx264", "-c:a", "libmp3lame", "-ar", str(rate_hz), tmp_path / "late.mp4",
    )  # fmt: skip
    assert compare(tmp_path / "late.mp4", entries) == len(VIEWS)


DAMAGED = {"mp3": ("libmp3lame",), "mp4": ("libmp3lame",), "flac": ("flac",), "m4a": ("alac",), "wav": ("pcm_s16le",)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", DAMAGED)
def test_damage_anywhere(music: Path, tmp_path: Path, entries: Entries, suffix: str, seed: int) -> None:
    """Whether in what is left out, in what prepares the decoder or in the excerpt: the samples are the same."""
    path = encode(music, tmp_path / f"sound.{suffix}", "-c:a", *DAMAGED[suffix])
    data = bytearray(path.read_bytes())
    dice = np.random.default_rng(seed)
    for at in dice.integers(8192, len(data) * 9 // 10, 40):
        many = int(dice.integers(1, 9))
        data[at : at + many] = dice.bytes(many)
    path.write_bytes(data)
    compare(path, entries, flags=False)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "m4a", "mp4"])
def test_packets_that_cannot_be_decoded(music: Path, tmp_path: Path, entries: Entries, suffix: str) -> None:
    """Their heads are destroyed; in what is left out, that must not shift what follows."""
    import av

    path = encode(music, tmp_path / f"sound.{suffix}", "-c:a", *DAMAGED[suffix])
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux() if packet.size]
    plain = path.read_bytes()
    for first in (0, 5, len(places) // 4, len(places) // 2 - 12):
        for pattern in (b"\xff", b"\x00", bytes(range(7, 39))):
            data = bytearray(plain)
            for at, size in places[first : first + 3]:
                many = min(size, 32)
                data[at : at + many] = (pattern * 32)[:many]
            path.write_bytes(data)
            compare(path, entries, flags=False)


def test_missing_packets(music: Path, tmp_path: Path, entries: Entries) -> None:
    """A gap before the excerpt: from the start."""
    path = encode(music, tmp_path / "whole.mp4", "-c:a", "libmp3lame")
    ffmpeg("-i", path, "-c", "copy", "-bsf:a", "noise=drop='between(pts*tb,1.2,1.7)'", tmp_path / "gap.mov")
    assert compare(path, entries) == len(VIEWS)
    assert compare(tmp_path / "gap.mov", entries) == 0


def test_packet_times_that_stray_from_the_samples(music: Path, tmp_path: Path, entries: Entries) -> None:
    """MP4's packets have no gaps by construction; those that came by way of Matroska last a little more or less."""
    path = encode(music, tmp_path / "sound.mka", "-c:a", "libmp3lame", "-ar", "44100")
    ffmpeg("-i", path, "-c", "copy", tmp_path / "sound.mp4")
    assert compare(tmp_path / "sound.mp4", entries) == 0


def test_damage_in_the_lead_is_no_error_of_the_excerpt(music: Path, tmp_path: Path, entries: Entries) -> None:
    """An undamaged file has no flag, however far its frames refer back."""
    path = encode(music, tmp_path / "sound.mp3", "-b:a", "32k")
    for views in VIEWS:
        assert decode_clip(path, views).info.flags == []
    assert None not in entries


def test_real_media(media: Path, entries: Entries) -> None:
    paths = [path for folder in ("audio", "broken") for path in sorted((media / folder).rglob("*")) if path.is_file()]
    paths += [media / "clips" / name for name in ("moviepy/chaplin.mp4", "media/sowt-with-video.mov")]
    entered = 0
    for path in paths:
        try:
            decode_clip(path, [])
        except Exception:  # rejects are other tests' matter
            continue
        entered += compare(path, entries)
    assert entered >= 10
