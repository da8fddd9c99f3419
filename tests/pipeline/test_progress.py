"""Progress: plain lines where there is no terminal, counts that are right, nothing left behind."""

from __future__ import annotations

import io
import os
import re
import time
from pathlib import Path

import pytest

from pipeline import progress
from pipeline.progress import ProgressWriter, show_progress


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_one_plain_line_at_the_end_counts_all_workers() -> None:
    stream = io.StringIO()
    with show_progress(5, "extract", stream) as folder:
        writers = [ProgressWriter(folder) for _ in range(2)]
        for writer in writers:
            writer.done(frames=3)
            writer.done(reason="no_video")
            writer.close()
    (line,) = stream.getvalue().splitlines()
    assert re.fullmatch(r"extract: 4/5 clips, 2 rejected, \d+\.\d\d clips/s, \d+:\d\d left", line)
    assert not Path(folder).exists()


def test_a_finished_job_has_no_time_left_and_no_rejects_to_tell() -> None:
    stream = io.StringIO()
    with show_progress(1, "extract", stream) as folder:
        writer = ProgressWriter(folder)
        writer.done(frames=1)
        writer.close()
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("extract: 1/1 clips, ")
    assert "left" not in line
    assert "rejected" not in line


def test_lines_come_now_and_then_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_POLL_S", 0.01)
    monkeypatch.setattr(progress, "_LINE_S", 0.02)
    stream = io.StringIO()
    with show_progress(2, "extract", stream) as folder:
        writer = ProgressWriter(folder)
        writer.done(frames=1)
        deadline = time.monotonic() + 10
        while "1/2" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "extract: 1/2 clips" in stream.getvalue()
        writer.close()


def test_a_line_half_written_is_counted_when_it_is_whole(tmp_path: Path) -> None:
    reader = progress._Reader(tmp_path)
    path = tmp_path / "worker-1"
    path.write_text('{"frames": 1}\n{"rea')
    reader.poll()
    assert (reader.clips, reader.rejects) == (1, 0)
    with path.open("a") as file:
        file.write('son": "x"}\n')
    reader.poll()
    reader.poll()
    assert (reader.clips, reader.rejects) == (2, 1)


def test_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with show_progress(2, "extract", stream) as folder:
        writer = ProgressWriter(folder)
        writer.done(frames=1)
        writer.done(reason="no_video")
        writer.close()
    text = stream.getvalue()
    assert "2/2" in text
    assert "extract" in text
    assert "rejected=1" in text
    assert "clips/s" not in text, "no plain line beside the bar"


def test_failure_of_the_body_passes_through_and_leaves_nothing() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), show_progress(2, "extract", stream) as folder:
        raise ZeroDivisionError
    assert not Path(folder).exists()
    assert stream.getvalue().count("\n") == 1


def test_writer_without_a_folder_is_silent(tmp_path: Path) -> None:
    for folder in (None, "", str(tmp_path / "on another machine")):
        writer = ProgressWriter(folder)
        writer.done(frames=1)
        writer.close()
        writer.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599.7, "1:00:00"), (7325, "2:02:05")]
)
def test_clock(seconds: float, text: str) -> None:
    assert progress._clock(seconds) == text
