"""Arrays that two processes see: an anonymous file in memory that vanishes with the last process that holds it."""

from __future__ import annotations

import math
import mmap
import os
import tempfile

import numpy as np


def anonymous_file() -> int:
    """Descriptor of a file without a name: a memfd, or an unlinked temporary file where the system has none."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("reelscore-decoder", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Arena:
    """The writing end: hands out zeroed arrays inside the file and remembers where each one lies."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = 0
        self._places: dict[int, dict[str, object]] = {}

    def clear(self) -> None:
        """Drop everything; arrays handed out before must no longer be touched."""
        os.ftruncate(self._fd, 0)
        self._size = 0
        self._places.clear()

    def zeros(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """A zeroed array; raises MemoryError where it cannot be mapped."""
        kind = np.dtype(dtype)
        length = math.prod(shape) * kind.itemsize
        if not length:
            return np.zeros(shape, dtype=kind)
        try:
            os.ftruncate(self._fd, self._size + length)
            mapped = mmap.mmap(self._fd, length, offset=self._size)
        except OSError as problem:
            raise MemoryError(f"cannot share {length} bytes: {problem.strerror}") from problem
        array = np.frombuffer(mapped, dtype=kind).reshape(shape)
        self._places[array.__array_interface__["data"][0]] = {
            "offset": self._size,
            "shape": list(shape),
            "dtype": kind.str,
        }
        self._size += -(-length // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        return array

    def put(self, array: np.ndarray) -> dict[str, object]:
        """Where a copy of an array lies, for :func:`take`."""
        copy = self.zeros(array.shape, array.dtype.type)
        copy[...] = array
        return self.place(copy)

    def place(self, array: np.ndarray) -> dict[str, object]:
        """Where an array that came from :meth:`zeros` lies, for :func:`take`."""
        if not array.size:
            return {"offset": 0, "shape": list(array.shape), "dtype": array.dtype.str}
        return self._places[array.__array_interface__["data"][0]]


def take(fd: int, offset: int, shape: list[int], dtype: str) -> np.ndarray:
    """The reading end: a copy of an array that the other process made."""
    kind = np.dtype(dtype)
    length = math.prod(shape) * kind.itemsize
    if not length:
        return np.zeros(shape, dtype=kind)
    with mmap.mmap(fd, length, offset=offset, prot=mmap.PROT_READ) as mapped:
        shared = np.frombuffer(mapped, dtype=kind)
        copy = shared.reshape(shape).copy()
        del shared  # the mapping cannot close while an array looks into it
    return copy
