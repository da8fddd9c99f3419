"""Nothing but the named file is ever opened."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
import synth

from transforms.decoding import decode_clip
from transforms.errors import RejectError
from transforms.views import FrameView

VIEW = FrameView(size_px=96)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine and the paths that somebody asked it for."""
    hits: list[str] = []

    class Counter(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", hits
    listening.shutdown()
    thread.join()
    listening.server_close()


def reason(path: Path) -> str:
    with pytest.raises(RejectError) as caught:
        decode_clip(path, [VIEW])
    return caught.value.reason


LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{file}\n#EXT-X-ENDLIST\n",
    "hls.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
    "bom.mp4": "\ufeff\n#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
    "concat.mp4": "ffconcat version 1.0\nfile '{file}'\n",
    "concat-url.mp4": "ffconcat version 1.0\nfile '{url}/a.ts'\n",
    "listing.txt": "file '{file}'\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "dash.mpd": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}/</BaseURL></MPD>\n',
    "dash.mp4": '<!-- x -->\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}/</BaseURL></MPD>\n',
    "list.pls": "[playlist]\nFile1={url}/a.mp3\n",
    "list.asx": "<asx version='3.0'><entry><ref href='{url}/a.asf'/></entry></asx>\n",
    "imf.xml": '<?xml version="1.0"?>\n<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2013"/>\n',
}


@pytest.mark.parametrize("name", LISTS)
def test_playlists_are_turned_away(tmp_path: Path, server: tuple[str, list[str]], name: str) -> None:
    url, hits = server
    other = synth.encode(tmp_path / "other.mp4", 30)
    path = tmp_path / name
    path.write_text(LISTS[name].format(file=other, url=url), encoding="utf-8")
    assert reason(path) == "container_not_allowed"
    assert hits == []


def test_the_fences_hold_without_the_first_look(
    tmp_path: Path, server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg's own lists refuse a playlist even if it gets past the look at the first bytes."""
    monkeypatch.setattr("transforms.decoding.containers._PLAYLISTS", ())
    url, hits = server
    other = synth.encode(tmp_path / "other.mp4", 30)
    for name, text in LISTS.items():
        path = tmp_path / name
        path.write_text(text.format(file=other, url=url), encoding="utf-8")
        assert reason(path) in ("container_not_allowed", "not_media")
    assert hits == []


def test_a_picture_file_is_no_clip(tmp_path: Path) -> None:
    synth.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", tmp_path / "red.png")
    assert reason(tmp_path / "red.png") == "container_not_allowed"


def enlarge(data: bytes, name: bytes, inner: bytes) -> bytes:
    """Replace the box whose bytes are ``name`` (it occurs once) by ``inner``, and mend the sizes of those around it."""

    def rebuild(start: int, end: int) -> bytes:
        out = b""
        while start < end:
            size = int.from_bytes(data[start : start + 4], "big")
            kind, body = data[start + 4 : start + 8], data[start + 8 : start + size]
            if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
                body = rebuild(start + 8, start + size)
            elif kind == b"dref":
                body = body.replace(name, inner)
            out += (len(body) + 8).to_bytes(4, "big") + kind + body
            start += size
        return out

    return rebuild(0, len(data))


def test_external_references_of_mov_stay_closed(tmp_path: Path) -> None:
    """A MOV whose data reference (QuickTime's alias record) names another file: that one is not opened."""
    path, other = synth.encode(tmp_path / "clip.mov", 30), tmp_path / "other.mov"
    data = path.read_bytes()
    other.write_bytes(data)
    name = str(other).encode()
    name += b"\x00" * (len(name) % 2)
    alias = b"\x00" * 10 + b"\x00" + b"\x00" * 27 + b"\x00" * 12 + b"\x00" + b"\x00" * 63 + b"\x00" * 16
    alias += b"\x00\x01\x00\x01" + b"\x00" * 16
    alias += b"\x00\x02" + len(name).to_bytes(2, "big") + name + b"\xff\xff\x00\x00"
    record = (12 + len(alias)).to_bytes(4, "big") + b"alis" + b"\x00" * 4 + alias
    own = b"\x00\x00\x00\x0curl \x00\x00\x00\x01"
    assert data.index(b"mdat") < data.index(b"moov")  # so that nothing that chunk offsets point at moves
    path.write_bytes(enlarge(data, own, record))
    following = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(path), options=following) as container:  # the record is understood where it is allowed
        assert sum(1 for _ in container.decode(video=0)) == 30
    assert reason(path) in ("no_frames", "not_media")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert reason(tmp_path / "missing.mp4") == "unreadable"
    assert reason(tmp_path) == "unreadable"
    (tmp_path / "empty.mp4").touch()
    assert reason(tmp_path / "empty.mp4") == "empty_file"
    (tmp_path / "pointer.mp4").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert reason(tmp_path / "pointer.mp4") == "not_media"
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 64)
    assert reason(tmp_path / "noise.mp4") == "not_media"
