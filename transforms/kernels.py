"""Kernels are compiled by numba once a machine, and what was compiled is kept.

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
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger("reelscore")


@functools.cache
def prepare(folder: Path) -> None:
    """Give numba a folder of this process where it would find none for the modules of ``folder``.

    To be called before any of them is imported: numba refuses to compile what it cannot keep.
    """
    import numba

    given = getattr(numba.config, "CACHE_DIR", "")
    homes = [Path(given)] if given else [folder / "__pycache__", _user_folder()]
    if any(_writable(home) for home in homes):
        return
    own = tempfile.mkdtemp(prefix="reelscore-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    setattr(numba.config, "CACHE_DIR", own)  # noqa: B010, numba makes these names up as it goes
    told = " or ".join(str(home) for home in homes)
    _log.warning("%s cannot be written: kernels are compiled for this process alone; set NUMBA_CACHE_DIR", told)


def warm(folder: Path, run: Callable[[], object]) -> None:
    """Call ``run``, which runs every kernel of the modules of ``folder``, so that other processes find them compiled.

    Raises
    ------
    OSError: what was compiled cannot be kept, because the disk is full.
    """
    try:
        run()
    except OSError as error:
        message = f"compiled kernels cannot be kept ({error.strerror or error}); NUMBA_CACHE_DIR names another folder"
        raise OSError(error.errno, message) from error
    except Exception as error:
        # whatever unpickling half a file may raise
        if not _forget(folder):
            raise
        _log.warning("compiled kernels were damaged (%s) and are compiled again", type(error).__name__)
        run()


def _user_folder() -> Path:
    from numba.misc.appdirs import AppDirs

    return Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)


def _writable(folder: Path) -> bool:
    """Whether a file can be made there, the folder included."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _forget(folder: Path) -> int:
    """Delete the compiled files of this folder's modules, wherever numba keeps them; returns how many."""
    import numba

    given = getattr(numba.config, "CACHE_DIR", "")
    elsewhere = Path(given) if given else _user_folder()
    # numba names the folders in a cache of its own after ours
    found = [*(folder / "__pycache__").glob("*.nb[ic]"), *elsewhere.rglob(f"{folder.name}_*/*.nb[ic]")]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
