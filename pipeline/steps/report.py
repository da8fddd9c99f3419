"""What a command did, for the summary on the screen and the ``runs`` of dataset.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[str], None]


@dataclass
class Report:
    """What a command did; becomes its entry in dataset.json's ``runs`` and the summary on the screen.

    Attributes
    ----------
    computed: feature -> clips computed now.
    seconds: step -> wall seconds; ``extract`` is split up further.
    notes: lines that the person should read at the end again.
    """

    input_clips: int = 0
    duplicates: int = 0
    todo: int = 0
    computed: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    rejected_before: int = 0
    media_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    encoders: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def did_something(self) -> bool:
        """Whether anything at all was computed."""
        return bool(self.todo or any(self.computed.values()) or "index" in self.seconds or "fit" in self.seconds)

    def note(self, line: str, say: Say) -> None:
        """Say a line now and keep it for the end."""
        self.notes.append(line)
        say(line)
