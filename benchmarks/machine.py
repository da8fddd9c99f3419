"""What the figures depend on besides the code: the processor and how busy it is. No names of hosts, no paths."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

#: Name for people -> flag of the kernel.
INSTRUCTIONS = {"AVX2": "avx2", "AVX-512": "avx512f", "AVX-512 bf16": "avx512_bf16"}


def processor() -> str:
    """Model, cores that may be used, and the vector instructions that matter, on one line."""
    model, flags = platform.machine(), set[str]()
    about = Path("/proc/cpuinfo")
    if about.is_file():
        text = about.read_text()
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        listed = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
        model = named.group(1).strip() if named else model
        flags = set(listed.group(1).split()) if listed else flags
    has = [f"{name}: {'yes' if flag in flags else 'no'}" for name, flag in INSTRUCTIONS.items()]
    return f"{model}, {len(os.sched_getaffinity(0))} cores; {', '.join(has)}"


def load() -> float:
    """Processes that wanted to run, averaged over the last minute."""
    return os.getloadavg()[0]
