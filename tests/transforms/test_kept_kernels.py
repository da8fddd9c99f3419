"""What was compiled is kept, and found again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: What compiles one kernel, and the module whose ``warm`` runs all of that folder.
KERNELS = {
    "music": (
        "import numpy as np; from transforms.music import mel; m = np.ones((2, 257), np.float32); "
        "mel.mel(m, mel.filters(12000, 512, 96))",
        "transforms.music.kernels",
    ),
    "shots": (
        "import numpy as np; from transforms.shots import kernels; a = np.zeros(3, np.float32); kernels.apart(a, a)",
        "transforms.shots.warming",
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_damaged_file_among_the_compiled_kernels(name: str, tmp_path: Path) -> None:
    # bug: numba raises UnpicklingError at every further run, of every job, until someone finds and deletes the file
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    one, module = KERNELS[name]
    subprocess.run([sys.executable, "-c", one], check=True, env=environment)
    compiled = list(tmp_path.rglob("*.nbc"))
    assert compiled
    for path in compiled:
        path.write_bytes(path.read_bytes()[:100])
    warm = f"from {module} import warm; warm()"
    ended = subprocess.run([sys.executable, "-c", warm], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-300:]
    assert "damaged" in ended.stderr
