"""The parent's handle on the decoder process: starts it, gives it clips, and replaces it when a clip kills it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from transforms.decoding import shared, wire
from transforms.decoding.limits import Limits
from transforms.errors import RejectError
from transforms.views import DecodedClip, Frames, FrameView, Shots, ShotView, Sound, View

#: Importing FFmpeg and NumPy takes 0.3 s; a machine that needs longer than this is broken or swamped (ours).
START_S = 120.0
#: One decoding thread a process, one process a core: two threads on one file cost 1.1 to 1.4 times the CPU (measured).
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_ROOT = Path(__file__).resolve().parents[2]


class DecoderProcess:
    """Decodes clips in a child process under limits. A context manager; may be used from any one thread at a time.

    The child starts with the first clip and lives on from clip to clip. A clip that exceeds a limit costs the child,
    and the next clip gets a new one.

    Parameters
    ----------
    limits: for every clip.
    verbose: let the decoders' own messages through to standard error.
    """

    def __init__(self, limits: Limits | None = None, verbose: bool = False) -> None:
        self.limits = limits or Limits()
        self._verbose = verbose
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = self._replies = self._memory = -1
        self._owner = os.getpid()
        self._said: deque[str] = deque(maxlen=20)
        self._listener: threading.Thread | None = None

    def __enter__(self) -> DecoderProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the interpreter's end half of what is needed may be gone
            self._stop()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return self._process.pid if self._process is not None else None

    def decode(self, path: str | os.PathLike[str], views: Iterable[View]) -> DecodedClip:
        """As :func:`transforms.decoding.decode.decode_clip`, under all limits.

        Raises
        ------
        RejectError: what ``decode_clip`` raises, and ``wall_limit``, ``cpu_limit``, ``memory_limit``,
            ``decoder_crash``; the next clip is not affected.
        ValueError: a view names an unknown decoder or resizer.
        """
        wanted = list(dict.fromkeys(views))
        name = os.fsencode(os.path.abspath(os.fspath(path))).hex()  # a file name is bytes, not always text
        request = {"path": name, "views": [wire.pack_view(view) for view in wanted]}
        return self._ask(request, lambda answer: self._unpack(answer, wanted))

    def debug(self, how: str) -> Any:
        """Make the child misbehave, or list its modules; only where REELSCORE_DECODER_DEBUG is 1 (for tests)."""
        return self._ask({"debug": how, "path": "", "views": []}, lambda answer: answer["debug"])

    def close(self) -> None:
        """End the child; may be called again, and the next clip would start a new one."""
        with self._lock:
            self._stop()

    def _ask(self, request: dict[str, Any], unpack: Any) -> Any:
        with self._lock:
            if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
                self._stop()
                self._start()
            try:
                wire.send(self._requests, request | {"limits": dataclasses.asdict(self.limits)})
                answer = wire.receive(self._replies, self.limits.wall_s)
            except wire.Late:
                self._stop()
                message = f"no result after {self.limits.wall_s:g} s; raise the wall limit if the clip is that heavy"
                raise RejectError("wall_limit", message, "decode") from None
            except wire.Closed:
                raise self._explain_death() from None
            except BaseException:  # an interrupt: the reply that is still to come must not answer the next clip
                self._stop()
                raise
            if "memory" in answer:
                self._stop()  # a process that ran out of memory may keep the pieces
                limit = self.limits.address_space_bytes / (1 << 30)
                raise RejectError("memory_limit", f"{answer['memory']} ({limit:g} GiB of address space)", "decode")
            if "reject" in answer:
                raise RejectError(*answer["reject"])
            if "error" in answer:
                if answer["error"].startswith("ValueError: unknown "):
                    raise ValueError(answer["error"].removeprefix("ValueError: "))
                raise RejectError("decode_error", f"the decoder gave up: {answer['error']}", "decode")
            return unpack(answer)

    def _unpack(self, answer: dict[str, Any], wanted: list[View]) -> DecodedClip:
        made: dict[View, Frames | Sound | Shots] = {}
        for index, data in answer["views"]:
            view = wanted[index]
            if isinstance(view, FrameView):
                pixels = shared.take(self._memory, **data["pixels"])
                made[view] = Frames(pixels, np.array(data["times_s"], dtype=np.float64), np.array(data["mask"], bool))
            elif isinstance(view, ShotView):
                arrays: dict[str, Any] = {name: shared.take(self._memory, **place) for name, place in data.items()}
                made[view] = Shots(**arrays)
            else:
                made[view] = Sound(**(data | {"samples": shared.take(self._memory, **data["samples"])}))
        return DecodedClip(wire.unpack_info(answer["info"]), made, answer["cpu_s"])

    def _start(self) -> None:
        self._owner = os.getpid()
        child_requests, self._requests = os.pipe()
        self._replies, child_replies = os.pipe()
        self._memory = shared.anonymous_file()
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, "1") | {"PYTHONPATH": path}
        numbers = [child_requests, child_replies, self._memory, os.getpid()]
        numbers += [self.limits.address_space_bytes, int(self._verbose)]
        command = [sys.executable, "-P", "-m", "transforms.decoding.child", *map(str, numbers)]
        self._said.clear()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                pass_fds=(child_requests, child_replies, self._memory),
            )
        finally:
            os.close(child_requests)
            os.close(child_replies)
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        try:
            wire.receive(self._replies, START_S)
        except (wire.Closed, wire.Late):
            self._stop()
            words = f": {self._said[-1]}" if self._said else ""
            raise RuntimeError(f"the decoder process does not start{words}") from None

    def _listen(self, stream: IO[bytes]) -> None:
        """Keep the child's last words, so that a full pipe never blocks it."""
        with contextlib.suppress(ValueError):  # closed under our hands
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._said.append(text)
                if self._verbose:
                    print(text, file=sys.stderr)

    def _explain_death(self) -> RejectError:
        process = self._process
        code = process.wait() if process is not None else 0
        self._stop()
        if code == -signal.SIGXCPU:
            message = f"more than {self.limits.cpu_s:g} CPU seconds; raise the CPU limit if the clip is that heavy"
            return RejectError("cpu_limit", message, "decode")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        words = f" ({self._said[-1]})" if self._said else ""
        return RejectError("decoder_crash", f"the decoder process ended with {how}{words}", "decode")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():  # a fork of the owner only lets go of it
            process.kill()
            process.wait()
            if self._listener is not None:
                self._listener.join(timeout=1)
            if process.stderr is not None:
                process.stderr.close()
        for fd in (self._requests, self._replies, self._memory):
            if fd >= 0:
                os.close(fd)
        self._requests = self._replies = self._memory = -1
