"""Just enough of H.264's packet syntax to know where decoding can restart and whether the parameters change.

ITU-T H.264, 7.3.1 and table 7-1 (NAL unit types), Annex B (start codes); ISO/IEC 14496-15, 5.3.3 (avcC).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet

SLICE, IDR_SLICE, SPS, PPS = 1, 5, 7, 8
_PARTITION_A = 2
_VCL = (SLICE, _PARTITION_A, IDR_SLICE)
_START_CODE = b"\x00\x00\x01"


class Units:
    """Reads the NAL units of one stream's packets.

    Parameters
    ----------
    extradata: the stream's avcC box, or its parameter sets with start codes, or None.
    """

    def __init__(self, extradata: bytes | None) -> None:
        extradata = extradata or b""
        self.known: set[bytes] = set()
        self.length_size = 0  # 0: start codes
        if len(extradata) > 6 and extradata[0] == 1:
            self.length_size = (extradata[4] & 3) + 1
            self.known.update(_avcc_parameter_sets(extradata))
        else:
            self.known.update(unit for kind, unit in _split_start_codes(extradata) if kind in (SPS, PPS))

    def before_picture(self, packet: Packet | bytes) -> Iterator[tuple[int, bytes]]:
        """(type, bytes) of the units up to and including the first one of the picture itself (that one left empty)."""
        data = memoryview(packet)
        split = self._split_lengths(data) if self.length_size else _split_start_codes(data)
        for kind, unit in split:
            yield kind, unit
            if kind in _VCL:
                return

    def is_idr(self, packet: Packet | bytes) -> bool:
        """Whether the picture is an IDR: no later one refers to anything before it."""
        return any(kind == IDR_SLICE for kind, _ in self.before_picture(packet))

    def changes_parameters(self, packet: Packet | bytes) -> bool:
        """Whether the packet brings a parameter set that the decoder has not had from the start."""
        new = {unit for kind, unit in self.before_picture(packet) if kind in (SPS, PPS)} - self.known
        if not new:
            return False
        if not self.known:  # the first ones of a stream without extradata
            self.known = new
            return False
        return True

    def _split_lengths(self, data: memoryview) -> Iterator[tuple[int, bytes]]:
        position = 0
        while position + self.length_size < len(data):
            size = int.from_bytes(data[position : position + self.length_size], "big")
            position += self.length_size
            kind = data[position] & 31
            yield kind, b"" if kind in _VCL else bytes(data[position : position + size])
            position += size


def _split_start_codes(data: memoryview | bytes) -> Iterator[tuple[int, bytes]]:
    """Units of an Annex B stream; only the first kilobytes are copied unless there is no picture in them."""
    window = bytes(data[:4096])
    if len(data) > len(window) and not any(kind in _VCL for kind, _ in _units_of(window)):
        window = bytes(data)
    yield from _units_of(window)


def _units_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    begin = data.find(_START_CODE)
    while 0 <= begin < len(data) - 3:
        kind = data[begin + 3] & 31
        if kind in _VCL:
            yield kind, b""
            return
        end = data.find(_START_CODE, begin + 3)
        yield kind, data[begin + 3 : end if end >= 0 else len(data)].rstrip(b"\x00")
        begin = end


def _avcc_parameter_sets(extradata: bytes) -> Iterator[bytes]:
    position = 5
    for mask in (31, 255):  # the count of SPS has three reserved bits before it
        if position >= len(extradata):
            return
        count = extradata[position] & mask
        position += 1
        for _ in range(count):
            size = int.from_bytes(extradata[position : position + 2], "big")
            yield extradata[position + 2 : position + 2 + size]
            position += 2 + size
