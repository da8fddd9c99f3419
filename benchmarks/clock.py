"""Seconds by stage: on the clock, and of processor time of this process, its children and one that lives on."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

_libc = ctypes.CDLL(None, use_errno=True)


class Clock:
    """Adds up the seconds of named stages; Linux only.

    Attributes
    ----------
    wall_s, cpu_s: stage -> seconds. CPU seconds are user and system time of all threads.
    """

    def __init__(self) -> None:
        self.wall_s: dict[str, float] = {}
        self.cpu_s: dict[str, float] = {}
        self._watched: int | None = None

    def watch(self, pid: int | None) -> None:
        """Count the process ``pid``, a child that does not end with a stage (ended ones are counted anyway)."""
        self._watched = _cpu_clock(pid) if pid is not None else None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside; a stage that is entered again goes on."""
        wall, cpu = time.perf_counter(), self.used()
        yield
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + self.used() - cpu
        self.wall_s[name] = self.wall_s.get(name, 0.0) + time.perf_counter() - wall

    def used(self) -> float:
        """CPU seconds of this process, of its children that have ended, and of the one that is watched."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        living = time.clock_gettime(self._watched) if self._watched is not None else 0.0
        return time.process_time() + ended.ru_utime + ended.ru_stime + living


def _cpu_clock(pid: int) -> int:
    """The kernel's CPU clock of another process (clock_getcpuclockid of POSIX); /proc counts in steps of 10 ms only."""
    number = ctypes.c_int()
    error = _libc.clock_getcpuclockid(pid, ctypes.byref(number))
    if error:
        raise OSError(error, os.strerror(error))
    return number.value
