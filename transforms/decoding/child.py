"""The decoder process: takes one clip after the other from a pipe, until the pipe or its parent goes away.

Started as ``python -m transforms.decoding.child REQUESTS REPLIES MEMORY PARENT SPACE VERBOSE`` by
:class:`~transforms.decoding.process.DecoderProcess`; the first three are inherited descriptors. It never imports torch.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
import traceback
from typing import Any

import numpy as np

from transforms.decoding import wire
from transforms.decoding.decode import decode_clip
from transforms.decoding.limits import Limits
from transforms.decoding.shared import Arena
from transforms.errors import RejectError
from transforms.views import SHOT_ARRAYS, Frames, Shots

#: Requests that break the process on purpose are taken only where this variable is 1.
DEBUG_VARIABLE = "REELSCORE_DECODER_DEBUG"
#: How often the process looks whether its parent still lives (ours).
_WATCH_S = 0.5


def main(arguments: list[str]) -> None:
    """Serve requests until the parent closes the pipe."""
    requests, replies, memory, parent, space, verbose = (int(each) for each in arguments)
    _protect(space)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    if verbose:
        import av.logging

        av.logging.set_level(av.logging.WARNING)
    arena = Arena(memory)
    with contextlib.suppress(wire.Closed):
        wire.send(replies, {"ready": os.getpid()})
        while True:
            wire.send(replies, _answer(wire.receive(requests), arena))


def _protect(space: int) -> None:
    """Limit memory, leave no core file, and leave Ctrl-C to the parent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        space = min(space, hard)
    resource.setrlimit(resource.RLIMIT_AS, (space, hard))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave_with(parent: int) -> None:
    """End when the parent is gone, even in the middle of a clip.

    PR_SET_PDEATHSIG would not do: it fires when the *thread* that started this process ends.
    """
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(0)


def _arm_cpu(limit_s: float) -> None:
    """Let the kernel end this process (SIGXCPU) after ``limit_s`` more CPU seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + limit_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _answer(request: dict[str, Any], arena: Arena) -> dict[str, Any]:
    limits = Limits(**request["limits"])
    _arm_cpu(limits.cpu_s)
    arena.clear()
    try:
        if "debug" in request and os.environ.get(DEBUG_VARIABLE) == "1":
            return {"debug": _misbehave(request["debug"])}
        views = [wire.unpack_view(each) for each in request["views"]]
        path = os.fsdecode(bytes.fromhex(request["path"]))
        clip = decode_clip(path, views, limits, arena.zeros)
        return {"info": wire.pack_info(clip.info), "cpu_s": clip.cpu_s} | {
            "views": [[views.index(view), _pack(data, arena)] for view, data in clip.views.items()]
        }
    except RejectError as reject:
        return {"reject": [reject.reason, reject.message, reject.stage]}
    except MemoryError as problem:
        return {"memory": str(problem)}
    except Exception as problem:
        traceback.print_exc()
        return {"error": f"{type(problem).__name__}: {problem}"}


def _pack(data: Any, arena: Arena) -> dict[str, Any]:
    if isinstance(data, Frames):
        return {
            "pixels": arena.place(data.pixels),
            "times_s": data.times_s.tolist(),
            "mask": data.mask.tolist(),
        }
    if isinstance(data, Shots):
        small = {name: arena.put(getattr(data, name)) for name in SHOT_ARRAYS}
        return small | {"pictures": arena.place(data.pictures)}
    span = {"rate_hz": data.rate_hz, "start_s": data.start_s, "end_s": data.end_s, "origin": data.origin}
    return {"samples": arena.place(data.samples)} | span


def _misbehave(how: str) -> Any:
    """What a hostile file could make a decoder do; for tests."""
    if how == "modules":
        return sorted(sys.modules)
    if how == "sleep":
        time.sleep(3600)
    if how == "spin":
        while True:
            pass
    if how == "crash":
        ctypes.string_at(0)
    if how == "alloc":
        return len(np.ones(1 << 40, dtype=np.uint8))
    raise ValueError(f"unknown debug request {how!r}")


if __name__ == "__main__":
    main(sys.argv[1:])
