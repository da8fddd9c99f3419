"""The way to the fast path: kernels are compiled once a machine, and what was compiled is kept.

numba keeps it beside the modules or, where that folder cannot be written, in the user's cache folder; NUMBA_CACHE_DIR
names another. Where none of them can be written the kernels are compiled for this process alone, and damaged files are
compiled again.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from transforms.music.contract import CONTRACTS, Contract, contract

_log = logging.getLogger("reelscore")
_FOLDER = Path(__file__).resolve().parent


def frames(y: np.ndarray, contract: Contract) -> np.ndarray:
    """:func:`transforms.music.rows.frames`, with somewhere to keep what is compiled."""
    _prepare()
    from transforms.music import rows

    return rows.frames(y, contract)


@functools.cache
def warm() -> None:
    """Run every kernel on a moment of noise, so that workers find them compiled. Seconds once, then next to nothing.

    Raises
    ------
    OSError: what was compiled cannot be kept, because the disk is full.
    """
    noise = np.random.default_rng(0).normal(size=1 << 15).astype(np.float32)
    try:
        for name in CONTRACTS:
            frames(noise, contract(name))
    except OSError as error:
        message = f"compiled kernels cannot be kept ({error.strerror or error}); NUMBA_CACHE_DIR names another folder"
        raise OSError(error.errno, message) from error
    except Exception as error:
        # whatever unpickling half a file may raise
        if not _forget():
            raise
        _log.warning("compiled kernels were damaged (%s) and are compiled again", type(error).__name__)
        for name in CONTRACTS:
            frames(noise, contract(name))


@functools.cache
def _prepare() -> None:
    """Give numba a folder of this process where it would find none, and would refuse to compile."""
    import numba

    given = getattr(numba.config, "CACHE_DIR", "")
    homes = [Path(given)] if given else [_FOLDER / "__pycache__", _user_folder()]
    if any(_writable(home) for home in homes):
        return
    folder = tempfile.mkdtemp(prefix="reelscore-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    setattr(numba.config, "CACHE_DIR", folder)  # noqa: B010, numba makes these names up as it goes
    told = " or ".join(str(home) for home in homes)
    _log.warning("%s cannot be written: kernels are compiled for this process alone; set NUMBA_CACHE_DIR", told)


def _user_folder() -> Path:
    from numba.misc.appdirs import AppDirs

    return Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)


def _writable(folder: Path) -> bool:
    """Whether a file can be made there, the folder included."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _forget() -> int:
    """Delete the compiled files of this folder's modules, wherever numba keeps them; returns how many."""
    import numba

    given = getattr(numba.config, "CACHE_DIR", "")
    elsewhere = Path(given) if given else _user_folder()
    # numba names the folders in a cache of its own after ours
    found = [*(_FOLDER / "__pycache__").glob("*.nb[ic]"), *elsewhere.rglob(f"{_FOLDER.name}_*/*.nb[ic]")]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
