"""The decoder process: same results as in this process, limits that hold, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import synth

from transforms.decoding import DecoderProcess, Limits, decode_clip
from transforms.errors import RejectError
from transforms.views import FrameView, SoundView

VIEW = FrameView(size_px=96)
SOUND = SoundView(12000)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of numbered pictures with a tone."""
    folder = tmp_path_factory.mktemp("process")
    pictures = synth.encode(folder / "pictures.mp4", 75)
    tone = ("-f", "lavfi", "-i", "sine=duration=3")
    synth.ffmpeg("-i", pictures, *tone, "-c:v", "copy", "-c:a", "aac", folder / "clip.mp4")
    return folder / "clip.mp4"


@pytest.fixture
def debug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children take requests that break them."""
    monkeypatch.setenv("REELSCORE_DECODER_DEBUG", "1")


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def works(process: DecoderProcess, clip: Path) -> None:
    """The next clip is decoded as if nothing had happened."""
    frames = process.decode(clip, [VIEW]).views[VIEW]
    assert [synth.number_in(p) for p in frames.pixels] == [0, 25, 50]  # type: ignore[union-attr]


def test_same_as_in_this_process(clip: Path) -> None:
    small = FrameView(size_px=32, rate_hz=2)
    here = decode_clip(clip, [VIEW, small, SOUND])
    with DecoderProcess() as process:
        there = process.decode(clip, [VIEW, small, SOUND])
        again = process.decode(str(clip), [SOUND])
    assert there.info == here.info
    assert there.cpu_s > 0
    for view in (VIEW, small):
        for part in ("pixels", "times_s", "mask"):
            mine, other = getattr(here.views[view], part), getattr(there.views[view], part)
            assert mine.dtype == other.dtype
            assert np.array_equal(mine, other)
    for other in (there, again):
        assert np.array_equal(here.views[SOUND].samples, other.views[SOUND].samples)  # type: ignore[union-attr]
        assert other.views[SOUND].end_s == here.views[SOUND].end_s  # type: ignore[union-attr]


def test_child_lives_on_and_never_imports_torch(clip: Path, debug: None) -> None:
    with DecoderProcess() as process:
        assert process.pid is None
        process.decode(clip, [VIEW, SOUND])
        pid = process.pid
        process.decode(clip, [VIEW, SOUND])
        modules = process.debug("modules")
        assert process.pid == pid
    assert "av" in modules
    assert not {"torch", "torchvision", "tensorflow", "apache_beam"} & set(modules)
    assert pid is not None
    assert not alive(pid)


def test_importing_the_package_is_light() -> None:
    code = "import sys, transforms.decoding; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"av", "torch", "cv2", "soxr", "decord"} & set(ended.stdout.split())


def test_debug_requests_need_the_variable(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REELSCORE_DECODER_DEBUG", raising=False)
    with DecoderProcess() as process, pytest.raises(RejectError, match="unreadable"):
        process.debug("crash")


@pytest.mark.parametrize(
    ("how", "reason", "words"),
    [
        ("sleep", "wall_limit", "1.5 s"),
        ("spin", "cpu_limit", "1 CPU seconds"),
        ("crash", "decoder_crash", "SIGSEGV"),
        ("alloc", "memory_limit", "address space"),
    ],
)
def test_a_bad_clip_costs_only_itself(clip: Path, debug: None, how: str, reason: str, words: str) -> None:
    wall_s = 1.5 if how == "sleep" else 30.0
    with DecoderProcess(Limits(wall_s=wall_s, cpu_s=1)) as process:
        works(process, clip)
        with pytest.raises(RejectError, match=words) as caught:
            process.debug(how)
        assert caught.value.reason == reason
        process.limits = Limits()
        works(process, clip)


def test_cpu_limit_counts_each_clip_anew(clip: Path, debug: None) -> None:
    """The child's CPU time adds up over clips; the limit does not."""
    view = FrameView(size_px=299, rate_hz=25)
    with DecoderProcess(Limits(cpu_s=1)) as process:
        process.decode(clip, [VIEW])
        pid, used_s = process.pid, 0.0
        while used_s < 2.5:
            used_s += process.decode(clip, [view]).cpu_s
        assert process.pid == pid


def test_memory_limit_on_a_real_decode(clip: Path) -> None:
    view = FrameView(size_px=8000, rate_hz=25)  # 14 GB of rows
    with DecoderProcess(Limits(address_space_bytes=2 << 30)) as process:
        with pytest.raises(RejectError) as caught:
            process.decode(clip, [view])
        assert caught.value.reason == "memory_limit"
        works(process, clip)


def test_pixel_and_duration_limits(clip: Path, tmp_path: Path) -> None:
    with DecoderProcess(Limits(max_pixels=10_000)) as process, pytest.raises(RejectError) as caught:
        process.decode(clip, [VIEW])
    assert caught.value.reason == "too_many_pixels"
    with DecoderProcess(Limits(max_duration_s=2)) as process, pytest.raises(RejectError) as caught:
        process.decode(clip, [VIEW])
    assert caught.value.reason == "too_long"


def test_pictures_that_grow_in_mid_stream(tmp_path: Path) -> None:
    small = synth.encode(tmp_path / "small.ts", 30)
    large = synth.encode(tmp_path / "large.ts", 30, extra=("-vf", "scale=1280:704"))
    synth.ffmpeg("-i", f"concat:{small}|{large}", "-c", "copy", tmp_path / "grows.ts")
    limits = Limits(max_pixels=320 * 176)
    for _ in range(2):  # the decoder's complaint must be heard the second time too
        with pytest.raises(RejectError) as caught:
            decode_clip(tmp_path / "grows.ts", [VIEW], limits)
        assert caught.value.reason == "too_many_pixels"


def test_wrong_views_are_the_callers_fault(clip: Path) -> None:
    with DecoderProcess() as process:
        for view in (FrameView(decoder="magic"), FrameView(resizer="magic")):
            with pytest.raises(ValueError, match="magic"):
                process.decode(clip, [view])
        works(process, clip)


def test_used_from_a_thread_that_ends(clip: Path) -> None:
    """The child must outlive the thread that started it."""
    process = DecoderProcess()
    thread = threading.Thread(target=process.decode, args=(clip, [VIEW]))
    thread.start()
    thread.join()
    pid = process.pid
    time.sleep(0.2)
    works(process, clip)
    assert process.pid == pid
    process.close()
    process.close()
    works(process, clip)
    process.close()


def test_works_from_any_folder(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "transforms").mkdir()  # a namesake in the working folder must not win
    (tmp_path / "transforms" / "__init__.py").write_text("raise RuntimeError('the wrong package')")
    with DecoderProcess() as process:
        works(process, clip)


def test_a_child_killed_between_clips_is_replaced(clip: Path) -> None:
    with DecoderProcess() as process:
        works(process, clip)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.2)
        works(process, clip)


def test_nothing_is_left_when_the_parent_is_killed(clip: Path, debug: None) -> None:
    before = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    code = (
        "import sys, threading\n"
        "from transforms.decoding import DecoderProcess\n"
        "from transforms.views import FrameView\n"
        "process = DecoderProcess()\n"
        "process.decode(sys.argv[1], [FrameView(size_px=96)])\n"
        "threading.Thread(target=process.debug, args=('sleep',), daemon=True).start()\n"
        "print(process.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(clip)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)  # the child is in the middle of a clip
    assert alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(child)
    assert not {name for name in set(os.listdir("/dev/shm")) - before if "reelscore" in name}


def test_no_descriptor_leaks(clip: Path, debug: None) -> None:
    with DecoderProcess(Limits(wall_s=30)) as process:
        works(process, clip)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(RejectError):
                process.debug("crash")
            works(process, clip)
        assert len(os.listdir("/proc/self/fd")) == before


def test_noise_on_standard_output_does_not_disturb(clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with DecoderProcess() as process:
        works(process, clip)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
