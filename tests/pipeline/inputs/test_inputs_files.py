"""Files of other filesystems go through Beam's; what cannot be read is a reject with a reason."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apache_beam.io.filesystem import CompressionTypes, FileMetadata, FileSystem

from pipeline.errors import UsageError
from pipeline.inputs import files, read_input
from transforms.errors import RejectError


class MemoryFileSystem(FileSystem):
    """``mem://``: what a bucket is to Beam, in a dictionary."""

    content: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "mem"

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path, data in self.content.items():
            if path.startswith(dir_or_prefix):
                yield FileMetadata(path, len(data), last_updated_in_seconds=1.5)

    def open(self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO) -> Any:
        assert compression_type == CompressionTypes.UNCOMPRESSED, "a video called x.gz must arrive as it is"
        if path not in self.content:
            raise OSError(f"no object {path}")
        return io.BytesIO(self.content[path])

    def exists(self, path: str) -> bool:
        return path in self.content

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, len(self.content[path]), last_updated_in_seconds=1.5)

    def _unused(self, *arguments: Any, **options: Any) -> Any:
        raise NotImplementedError

    split = join = mkdirs = create = copy = rename = size = last_updated = checksum = delete = _unused


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    content = {
        "mem://bucket/set/a.mp4": b"aaa",
        "mem://bucket/set/deep/b c.mp4": b"bb",
        "mem://bucket/set/notes.txt": b"n",
        "mem://bucket/set/m.csv": b"uri,clip_id\na.mp4,one\nmem://bucket/set/gone.mp4,two\n",
        "mem://bucket/other/c.mp4": b"c",
    }
    monkeypatch.setattr(MemoryFileSystem, "content", content)
    return content


@pytest.mark.parametrize("uri", ["gs://b/x.mp4", "s3://b/x", "hdfs://host/x", "mem://b", "a+b.c-1://x"])
def test_schemes_are_remote(uri: str) -> None:
    assert files.is_remote(uri)


@pytest.mark.parametrize("path", ["/videos/x.mp4", "x.mp4", "C:/x.mp4", "://x", "-x://y", "a b://c", "./gs://x"])
def test_paths_are_not(path: str) -> None:
    assert not files.is_remote(path)


@pytest.mark.parametrize("given", ["mem://bucket/set", "mem://bucket/set/"])
def test_remote_folder_gives_its_media(bucket: dict[str, bytes], given: str) -> None:
    clips = read_input(given)
    assert [(clip.uri, clip.size_bytes, clip.mtime_ns) for clip in clips] == [
        ("mem://bucket/set/a.mp4", 3, 1_500_000_000),
        ("mem://bucket/set/deep/b c.mp4", 2, 1_500_000_000),
    ]


def test_remote_pattern_file_and_manifest(bucket: dict[str, bytes]) -> None:
    assert [clip.uri for clip in read_input("mem://bucket/*/c.mp4")] == ["mem://bucket/other/c.mp4"]
    assert [clip.uri for clip in read_input("mem://bucket/set/a.mp4")] == ["mem://bucket/set/a.mp4"]
    one, two = read_input("mem://bucket/set/m.csv")
    assert (one.uri, one.clip_id, one.size_bytes) == ("mem://bucket/set/a.mp4", "one", 3)
    assert (two.uri, two.clip_id, two.size_bytes) == ("mem://bucket/set/gone.mp4", "two", -1)


@pytest.mark.parametrize(
    "given", ["mem://bucket/none", "mem://bucket/none*", "nosuchscheme://x/y", "mem://bucket/z.csv"]
)
def test_nothing_remote_is_one_line(bucket: dict[str, bytes], given: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_input(given)
    assert given in str(caught.value)
    assert "\n" not in str(caught.value)


def test_remote_file_is_hashed_fetched_and_its_copy_is_whole(bucket: dict[str, bytes], tmp_path: Path) -> None:
    uri = "mem://bucket/set/deep/b c.mp4"
    assert files.sha256(uri) == hashlib.sha256(b"bb").hexdigest()
    copy = files.fetch(uri, tmp_path)
    assert copy.parent == tmp_path
    assert copy.read_bytes() == b"bb"
    with pytest.raises(RejectError) as caught:
        files.fetch("mem://bucket/set/gone.mp4", tmp_path)
    assert caught.value.reason == "unreadable"
    assert list(tmp_path.iterdir()) == [copy]


def test_failed_fetch_leaves_no_half_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection lost")

    monkeypatch.setattr(files, "open_binary", lambda uri: Torn())
    with pytest.raises(RejectError, match="connection lost"):
        files.fetch("mem://bucket/x.mp4", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_local_file_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    assert files.fetch(str(path), tmp_path / "nowhere") == path


def test_hashes_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"abc" * 1_000_000)
    (tmp_path / "empty").touch()
    found = files.sha256_of_many([str(tmp_path / name) for name in ("full", "empty", "missing", ".")])
    assert found[0] == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    assert [error.reason for error in found[1:] if isinstance(error, RejectError)] == [
        "empty_file",
        "unreadable",
        "unreadable",
    ]


def test_names_that_are_no_utf8_can_be_stored_and_others_stay_as_they_are() -> None:
    assert files.storable("/videos/b\udcff\udc80.mp4") == "/videos/b\\xff\\x80.mp4"
    for uri in ("/videos/Bjørk 音楽.mp4", "gs://bucket/a b%20.mp4", "/videos/😀\\x.mp4"):
        assert files.storable(uri) == uri


@pytest.mark.parametrize("uri", ["/not/there", "", "nul\0byte", "nosuchscheme://x"])
def test_what_cannot_be_seen_has_no_size(uri: str) -> None:
    assert files.stat(uri) == (-1, 0)
