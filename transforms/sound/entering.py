"""Where in a track decoding may begin, so that what lies before an excerpt is not decoded for nothing.

Only decoders that forget are entered in the middle: PCM, FLAC and ALAC know no packet but the one in hand, MP3 knows a
few before it. AAC's noise substitution and the dithering of FFmpeg's fixed-point MPEG decoders remember all; Vorbis
forgets, but the packets of real Ogg files stray from the samples that they hold. And only where placement cannot
change: every packet up to there holds as many samples as the codec itself says, and its timestamp is that of the sample
that counting leads to. A packet that cannot be decoded makes no difference either, because it leaves a gap wider than
what :mod:`placing` overlooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from transforms.sound.placing import JITTER_S

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.packet import Packet

    Counter = Callable[[Packet], int]

#: Bytes a sample of one channel; their decoders fail at no packet of whole samples.
PCM_BYTES = {
    **dict.fromkeys(("pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw"), 1),
    **dict.fromkeys(("pcm_s16le", "pcm_s16be"), 2),
    **dict.fromkeys(("pcm_s24le", "pcm_s24be"), 3),
    **dict.fromkeys(("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"), 4),
    **dict.fromkeys(("pcm_f64le", "pcm_f64be"), 8),
}
#: An MP3 frame refers to at most 511 bytes of main data before it (ISO/IEC 11172-3, 2.4.2.7: main_data_begin),
#: overlaps with one granule and takes 15 slots of the filter bank along: FFmpeg's output is the same from the second
#: frame on that has all its main data. That took 2 to 10 frames of MPEG-1, and up to 85 of MPEG-2 at 8 kb/s (measured):
#: bytes count, not frames. So many bytes, twice what is needed, before so many last packets, and so many packets at
#: least, only prepare the decoder (ours).
MP3_LEAD_BYTES, MP3_LAST_PACKETS, MP3_LEAD_PACKETS = 2 * 511, 4, 24
#: What of an MP3 frame is not main data: header, check sum and the side information of two channels (11172-3, 2.4.1).
MP3_OVERHEAD = 4 + 2 + 32
_MP3_RATES_HZ = (44_100, 48_000, 32_000)


class Entry(NamedTuple):
    """Where decoding begins.

    Attributes
    ----------
    packet: number of the first packet that is decoded; ``wanted``: of the first one whose samples are to be used.
    position: the first packet's first sample on the timeline.
    """

    packet: int
    wanted: int
    position: int


def find_entry(decoder: AudioCodecContext, packets: Sequence[Packet], start_s: Fraction, begins: int) -> Entry | None:
    """The latest packet from which decoding gives the same samples as from the start; None: only the start does.

    Parameters
    ----------
    packets: the track's, all of them up to the wanted one at least.
    start_s: of the timeline, on the container's clock.
    begins: the first wanted sample on the timeline, at the decoder's rate.
    """
    rate_hz, first = decoder.sample_rate, packets[0] if packets else None
    counter = _counter(decoder, first) if first is not None and begins > 0 else None
    if first is None or counter is None or first.pts is None or not first.time_base:
        return None
    ticks = 1 / (rate_hz * Fraction(first.time_base))
    if ticks.denominator != 1:
        return None
    last_pts = (Fraction(begins, rate_hz) + start_s) // first.time_base
    wanted = _regular(packets, counter, ticks.numerator, last_pts)
    number = 0 if wanted is None else wanted - _lead(decoder, packets, wanted)
    if wanted is None or number <= 0:
        return None
    entry_pts = packets[number].pts or 0
    position = (entry_pts * Fraction(first.time_base) - start_s) * rate_hz
    # Halves are rounded to even, so that the same odd number of samples later would be rounded another way.
    if position <= 0 or position.denominator == 2 or not _begins_plainly(first, entry_pts, ticks.numerator):
        return None
    return Entry(number, wanted, round(position))


def _regular(packets: Sequence[Packet], counter: Counter, ticks: int, last_pts: int) -> int | None:
    """The last packet that begins at ``last_pts`` or before, if counting samples up to there gives every timestamp."""
    expected, shown = packets[0].pts, False
    for number, packet in enumerate(packets):
        pts = packet.pts
        if pts != expected or pts is None:
            return None
        if pts > last_pts:
            return number - 1
        count, hidden = counter(packet), packet.is_discard
        if hidden and shown:  # an edit list may hide packets at the start: nothing has been placed there
            return None
        shown = not hidden
        if count <= 0 or (number and next(packet.iter_sidedata(), None) is not None):
            return None
        expected = pts + count * ticks
    return None


def _lead(decoder: AudioCodecContext, packets: Sequence[Packet], wanted: int) -> int:
    """How many packets before the wanted one the decoder has to see."""
    if decoder.codec.name != "mp3float":
        return 0
    main_bytes = count = 0
    while count < wanted and (count < MP3_LEAD_PACKETS or main_bytes < MP3_LEAD_BYTES):
        count += 1
        if count > MP3_LAST_PACKETS:
            main_bytes += max(0, packets[wanted - count].size - MP3_OVERHEAD)
    return count


def _begins_plainly(first: Packet, entry_pts: int, ticks: int) -> bool:
    """Whether the first packet's side data concern nothing from the entry on (encoder delay ends before it)."""
    skipped = 0
    for data in first.iter_sidedata():
        if data.data_type == "skip_samples":
            values = bytes(data)  # avcodec.h: samples to skip from the start, from the end, each 32 bits
            if any(values[4:8]):
                return False
            skipped = int.from_bytes(values[:4], "little")
        elif data.data_type != "strings_metadata":
            return False
    return first.pts is not None and first.pts + skipped * ticks <= entry_pts


def _counter(decoder: AudioCodecContext, first: Packet) -> Counter | None:
    """Tells how many samples a packet holds, as the codec itself says, 0 where it says another thing than at first.

    None: a decoder that is not entered in the middle, or packets so short that :mod:`placing` might overlook the loss
    of one.
    """
    name, extradata = decoder.codec.name, decoder.extradata or b""
    if name in PCM_BYTES:
        width = PCM_BYTES[name] * decoder.channels
        return (lambda packet: 0 if packet.size % width else packet.size // width) if width else None
    if name == "mp3float":
        head = _mp3_kind(first)
        count, rate_hz = _mp3_frame(head)
        return (lambda packet: count if _mp3_kind(packet) == head else 0) if rate_hz == decoder.sample_rate else None
    if name == "flac":
        count = _block(extradata[:2]) if extradata[:2] == extradata[2:4] else 0  # STREAMINFO: smallest, largest block
    elif name == "alac":
        count = _block(extradata[12:16])  # the cookie: frameLength
    else:
        return None
    return (lambda packet: count) if count > JITTER_S * decoder.sample_rate else None


def _block(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _mp3_kind(packet: Packet) -> tuple[int, ...]:
    """What the packets of a track have in common: synchronisation, version and layer; the sampling rate."""
    head = bytes(packet)[:3]
    return (head[0], head[1] & 0xFE, head[2] & 0x0C) if len(head) == 3 else ()


def _mp3_frame(kind: tuple[int, ...]) -> tuple[int, int]:
    """(samples, rate) of a frame; zeros where it is none of layer III (ISO/IEC 11172-3, 13818-3, and 2.5)."""
    if not kind or kind[0] != 0xFF or kind[1] & 0xE6 != 0xE2 or kind[2] == 0x0C or kind[1] & 0x18 == 0x08:
        return 0, 0
    version = kind[1] >> 3 & 3  # 3: MPEG-1, 2: MPEG-2, 0: 2.5
    rate_hz = _MP3_RATES_HZ[kind[2] >> 2]
    return (1152, rate_hz) if version == 3 else (576, rate_hz // 2 if version == 2 else rate_hz // 4)
