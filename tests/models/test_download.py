"""A file comes over a bad network within the limits, or not at all; tried against real sockets on this machine."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.checkpoint import Checkpoint
from models.download import DownloadError, download

BODY = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(BODY).hexdigest()

Handler = Callable[[socket.socket], None]


@contextmanager
def serving(handler: Handler) -> Iterator[tuple[str, list[int]]]:
    """A server that lets `handler` deal with each connection; gives its URL and a list that grows by connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    calls: list[int] = []
    open_sockets: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            calls.append(1)
            open_sockets.append(connection)
            threading.Thread(target=handler, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/weights.pth", calls
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_sockets:
            connection.close()


def answer(body: bytes, *, status: str = "200 OK", length: int | None = None, then: float = 0.0) -> Handler:
    """A handler that sends `body` under a header that announces `length`, and closes after `then` seconds."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        announced = len(body) if length is None else length
        connection.sendall(f"HTTP/1.0 {status}\r\nContent-Length: {announced}\r\n\r\n".encode() + body)
        time.sleep(then)
        connection.close()

    return handle


def silent(connection: socket.socket) -> None:
    """Takes the request and says nothing."""
    connection.recv(65536)


def checkpoint(url: str, sha256: str = DIGEST[:8]) -> Checkpoint:
    return Checkpoint("test", "weights.pth", url, sha256, "none", len(BODY), "")


def test_file_is_fetched_verified_and_reported(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(answer(BODY)) as (url, _):
        path = download(checkpoint(url), tmp_path / "new", progress=lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new" / "weights.pth"
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert [file.name for file in path.parent.iterdir()] == ["weights.pth"]


def failing(url: str, folder: Path, **limits: float) -> tuple[str, float]:
    """The message of a download that must fail, and how long it took in seconds."""
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        download(checkpoint(url), folder, **limits)
    assert not list(folder.iterdir()), "something was left behind"
    assert "\n" not in str(caught.value)
    return str(caught.value), time.monotonic() - start


def test_server_that_never_answers_costs_the_limit_once(tmp_path: Path) -> None:
    with serving(silent) as (url, calls):
        message, took_s = failing(url, tmp_path, first_byte_s=0.5)
        assert "did not answer within 0.5 s" in message
        assert 0.4 < took_s < 3
        again, took_s = failing(url.replace("weights", "others"), tmp_path, first_byte_s=0.5)
        assert again == message
        assert took_s < 0.1
        assert len(calls) == 1


def test_headers_without_a_body_count_as_no_answer(tmp_path: Path) -> None:
    with serving(answer(b"", length=100, then=5)) as (url, _):
        message, took_s = failing(url, tmp_path, first_byte_s=0.5)
    assert "did not answer" in message
    assert took_s < 3


def test_name_resolution_that_hangs_costs_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(20))
    message, took_s = failing("http://weights.example/weights.pth", tmp_path, first_byte_s=0.5)
    released.set()
    assert "did not answer" in message
    assert took_s < 3


def test_refused_connection_fails_at_once_and_is_remembered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    message, took_s = failing(f"http://127.0.0.1:{port}/weights.pth", tmp_path)
    assert "cannot be reached" in message
    assert took_s < 3
    with serving(answer(BODY)) as (url, calls):
        assert failing(url, tmp_path)[0] == message
        assert not calls


def test_missing_file_does_not_condemn_the_network(tmp_path: Path) -> None:
    with serving(answer(b"", status="404 Not Found")) as (url, _):
        assert "404 Not Found" in failing(url, tmp_path)[0]
    with serving(answer(BODY)) as (url, _):
        assert download(checkpoint(url), tmp_path).is_file()


def test_transfer_that_stalls_is_given_up(tmp_path: Path) -> None:
    with serving(answer(BODY[:1000], length=len(BODY), then=5)) as (url, _):
        message, took_s = failing(url, tmp_path, stall_s=0.4)
    assert "stopped after 1000 bytes" in message
    assert took_s < 3


def test_transfer_that_ends_early_is_told(tmp_path: Path) -> None:
    with serving(answer(BODY[:1000], length=len(BODY))) as (url, _):
        assert f"ended after 1000 of {len(BODY)} bytes" in failing(url, tmp_path)[0]


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    with serving(answer(BODY[::-1])) as (url, _):
        message, _ = failing(url, tmp_path)
    assert "is not the published file" in message
    assert DIGEST[:8] in message


def test_server_that_does_not_speak_http(tmp_path: Path) -> None:
    def babble(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"220 smtp ready\r\n")
        connection.close()

    with serving(babble) as (url, _):
        assert "cannot be reached" in failing(url, tmp_path)[0]


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with serving(answer(BODY)) as (url, _), pytest.raises(DownloadError, match="cannot write"):
        download(checkpoint(url), tmp_path / "file" / "sub")
