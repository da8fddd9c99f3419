"""Hearing FFmpeg's error messages: some damage is patched up without any other sign than a line in its log."""

from __future__ import annotations


class Complaints:
    """Context manager: collects this thread's messages of level ERROR and keeps them off the terminal."""

    def __init__(self) -> None:
        import av.logging

        self._log = av.logging
        self._capture = av.logging.Capture()

    def __enter__(self) -> Complaints:
        self._level, self._skip = self._log.get_level(), self._log.get_skip_repeated()
        self._log.set_level(self._log.ERROR)
        self._log.set_skip_repeated(False)  # else a message that the last clip gave too would be swallowed
        self._heard = self._capture.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._capture.__exit__(None, None, None)
        self._log.set_skip_repeated(self._skip)
        self._log.set_level(self._level)

    def take(self) -> list[str]:
        """What was said since the last call, one line each."""
        said = [" ".join(text.split()) for level, _, text in self._heard if level <= self._log.ERROR]
        self._heard.clear()
        return said
