"""The one exception by which a clip, or one feature of it, is turned away."""

from __future__ import annotations

#: Every reason code that a reject can carry, with what it means to the person who reads it.
REASONS: dict[str, str] = {
    "unreadable": "the file cannot be opened or read",
    "empty_file": "the file holds no bytes",
    "not_media": "no known container, or its header is damaged beyond opening",
    "container_not_allowed": "a playlist or another container that can name other files",
    "no_video": "no picture stream (cover pictures do not count)",
    "no_frames": "a picture stream from which not one frame can be decoded",
    "too_many_pixels": "pictures larger than the limit",
    "too_long": "longer than the limit",
    "wall_limit": "decoding took longer than the limit",
    "cpu_limit": "decoding used more CPU time than the limit",
    "memory_limit": "decoding wanted more memory than the limit",
    "decoder_crash": "the decoder's process died",
    "decode_error": "the decoder gave up in the middle",
    "no_sound": "no sound stream",
    "sound_error": "a sound stream that cannot be decoded",
    "not_computable": "what it is computed from holds nothing to compute with",
    "not_finite": "the computed values are not finite",
    "storage_tolerance": "the values do not fit the stored type within the card's tolerance",
    "content_changed": "the file changed while the job ran",
}


class RejectError(Exception):
    """A clip (or one feature of it) cannot be computed.

    Parameters
    ----------
    reason: a key of :data:`REASONS`.
    message: one line for a person: what was found and what was expected.
    stage: ``read``, ``probe``, ``decode``, ``sound``, ``extract`` or ``store``.
    """

    def __init__(self, reason: str, message: str, stage: str) -> None:
        if reason not in REASONS:
            raise ValueError(f"unknown reject reason {reason!r}")
        super().__init__(reason, message, stage)
        self.reason = reason
        # names of files are bytes: what is no text in them is shown, and can be stored, as an escape
        text = message.encode("utf-8", "backslashreplace").decode()
        self.message = " ".join(text.split())[:2000]
        self.stage = stage

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
