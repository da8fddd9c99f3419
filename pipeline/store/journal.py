"""The journal of a compaction: which parts go and which come, so that a kill in the middle does no harm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

JOURNAL = ".compact.json"
STAGING = ".compact"


def finish(dataset: Path) -> None:
    """Do what the journal says, if there is one; doing it twice does no harm."""
    journal = dataset / JOURNAL
    if journal.is_file():
        content = json.loads(journal.read_text())
        new = {target for _, target in content["moves"]}
        for path in content["old"]:
            if path not in new:
                (dataset / path).unlink(missing_ok=True)
        for source, target in content["moves"]:
            if (dataset / source).exists():
                (dataset / source).replace(dataset / target)
        journal.unlink()
    shutil.rmtree(dataset / STAGING, ignore_errors=True)
