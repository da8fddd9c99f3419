"""Opening a file so that nothing else is ever opened.

Playlists (HLS, concat, DASH, SDP ...) make FFmpeg read other files and URLs. Two fences keep that out: FFmpeg may use
no protocol but ``file``, and no demuxer but those of containers that hold their own data. A look at the first bytes
names the playlist in the error message.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from transforms.errors import RejectError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

#: FFmpeg's names of containers that carry all their data themselves (ours). MOV's external references stay off, which
#: is FFmpeg's default (``enable_drefs``). No hls, concat, dash, sdp, rtsp, imf, image2, lavfi, and no subtitle format.
ALLOWED_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    *("avi", "asf", "flv", "live_flv", "ogg", "mpegts", "mpeg", "mpegvideo", "h261", "h263", "h264", "hevc", "m4v"),
    *("obu", "av1", "ivf", "vc1", "dv", "mxf", "gxf", "wtv", "nut", "nuv", "rm", "swf", "gif", "apng", "yuv4mpegpipe"),
    *("mp3", "aac", "ac3", "eac3", "dts", "flac", "wav", "w64", "aiff", "au", "caf", "amr", "ape", "wv", "tta"),
)

#: Text at the start of a file that names other files, and what to call it.
_PLAYLISTS = (
    (rb"#EXTM3U|#EXT-X-", "an M3U8/HLS playlist"),
    (rb"ffconcat version", "an ffconcat listing"),
    (rb"file\s+['\"/.\w]", "a concat listing"),
    (rb"v=0\s", "an SDP session description"),
    (rb"(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<MPD[\s>]", "a DASH manifest"),
    (rb"(?:<\?xml[^>]*\?>\s*)?<SmoothStreamingMedia", "a Smooth Streaming manifest"),
    (rb"(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:CompositionPlaylist|AssetMap)[\s>]", "an IMF package"),
    (rb"(?:<\?xml[^>]*\?>\s*)?<(?:smil|asx|playlist)[\s>]", "a playlist"),
    (rb"\[playlist\]|\[Reference\]|RTSPtext|rtsp://|https?://", "a playlist"),
)
_LFS_POINTER = b"version https://git-lfs.github.com/spec"
_SNIFF_BYTES = 4096


def sniff(path: str) -> None:
    """Turn away what is recognisable without FFmpeg.

    Raises
    ------
    RejectError: ``unreadable``, ``empty_file``, ``not_media`` (a Git LFS pointer) or ``container_not_allowed``.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise RejectError("unreadable", f"{path!r} is {kind}; a media file was expected", "read")
        with open(path, "rb") as file:
            head = file.read(_SNIFF_BYTES)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise RejectError("unreadable", f"cannot read {path!r}: {reason}", "read") from problem
    if not head:
        raise RejectError("empty_file", "the file holds no bytes; copy or download it again", "read")
    if head.startswith(_LFS_POINTER):
        raise RejectError("not_media", "a Git LFS pointer text instead of the media; run `git lfs pull`", "probe")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, name in _PLAYLISTS:
        if re.match(pattern, text, re.IGNORECASE | re.DOTALL):
            message = f"{name}; a container that holds its own data (mp4, webm, mkv, ts ...) was expected"
            raise RejectError("container_not_allowed", message, "probe")


def open_container(path: str | os.PathLike[str]) -> InputContainer:
    """Open a media file for demuxing; the caller closes it.

    Raises
    ------
    RejectError: what :func:`sniff` raises, or ``not_media``, ``container_not_allowed``, ``unreadable``.
    MemoryError: opening wanted more memory than the process may have.
    """
    import av

    path = os.path.abspath(os.fspath(path))
    sniff(path)
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(ALLOWED_FORMATS)}
    try:
        # The prefix keeps colons and percent signs in a name from being read as a protocol.
        return av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.FFmpegError as problem:
        if problem.errno == errno.ENOMEM:
            raise MemoryError("not enough memory to open the file") from problem
        if problem.errno == errno.EINVAL:
            message = "its container is not one of those that hold their own data; convert it to mp4 or mkv"
            raise RejectError("container_not_allowed", message, "probe") from problem
        if problem.errno in (errno.EACCES, errno.ENOENT, errno.EPERM):
            raise RejectError("unreadable", f"cannot read {path!r}: {problem.strerror}", "read") from problem
        message = f"FFmpeg cannot open it as media ({problem.strerror}); is the file complete?"
        raise RejectError("not_media", message, "probe") from problem
    except UnicodeError as problem:
        raise RejectError("unreadable", f"the file name {path!r} cannot be given to FFmpeg", "read") from problem


def packets(container: InputContainer, indices: Collection[int]) -> Iterator[Packet]:
    """The packets of some streams in file order, without PyAV's flush packets; the other streams are not read.

    Raises
    ------
    av.error.FFmpegError: reading failed in the middle.
    """
    from av.stream import Discard

    for stream in container.streams:
        stream.discard = Discard.default if stream.index in indices else Discard.all
    if not indices:
        return
    try:
        for packet in container.demux(*[container.streams[index] for index in indices]):
            if packet.size or packet.pts is not None or packet.dts is not None:
                yield packet
    except IndexError:
        return  # PyAV 18 trips over streams that a damaged file brings up late, when it makes its flush packets
