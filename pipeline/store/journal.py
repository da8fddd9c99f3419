"""The journal of a compaction: which parts go and which come, so that a kill in the middle does no harm."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pipeline.errors import JobError

JOURNAL = ".compact.json"
STAGING = ".compact"


def finish(dataset: Path) -> None:
    """Do what the journal says, if there is one; doing it twice does no harm."""
    journal = dataset / JOURNAL
    if journal.is_file():
        try:
            content = json.loads(journal.read_text())
        except ValueError:
            raise JobError(f"{journal}: damaged; take it from a copy of the dataset, or verify and delete it") from None
        new = {target for _, target in content["moves"]}
        for path in content["old"]:
            if path not in new:
                (dataset / path).unlink(missing_ok=True)
        for source, target in content["moves"]:
            if (dataset / source).exists():
                (dataset / source).replace(dataset / target)
        journal.unlink()
    shutil.rmtree(dataset / STAGING, ignore_errors=True)
