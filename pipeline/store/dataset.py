"""The dataset as a whole: its folder, dataset.json, the lock, and what is already done in it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import JobError, UsageError
from pipeline.store import journal, read
from pipeline.store.layout import FORMAT_NAME, FORMAT_VERSION, parts
from pipeline.store.schema import CLIPS, REJECTS, list_arrays
from pipeline.store.write import sweep, value_leaf, write_atomically, write_table

_META = "dataset.json"
_LOCK = ".lock"
_KEYS = ("shards", "split_fractions", "features", "projections", "indexes", "runs")
#: Folder below ``features`` for values that a changed parameter has set aside.
SUPERSEDED = ".superseded"
_WORK = ".work"


class Dataset:
    """An open dataset.

    Attributes
    ----------
    path: its folder.
    meta: the content of dataset.json; :meth:`save` writes it back.
    """

    def __init__(self, path: Path, meta: dict[str, Any]) -> None:
        self.path = path
        self.meta = meta

    # -- opening ---------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """The dataset in an existing folder.

        Raises
        ------
        UsageError: no dataset there, damaged, or of another format version.
        """
        folder = Path(path)
        try:
            meta = json.loads((folder / _META).read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"{folder}: no dataset here (no {_META}); `reelscore run` makes one") from None
        except (ValueError, OSError) as error:
            raise UsageError(f"{folder / _META}: cannot be read as a dataset's description ({error})") from None
        if not isinstance(meta, dict) or meta.get("format") != FORMAT_NAME:
            raise UsageError(f"{folder / _META}: not the description of a Reelscore dataset; choose another folder")
        lacking = [key for key in _KEYS if key not in meta]
        if meta.get("format_version") == FORMAT_VERSION and lacking:
            raise UsageError(f"{folder / _META}: damaged, it lacks {', '.join(lacking)}; take it from a copy")
        if meta.get("format_version") != FORMAT_VERSION:
            raise UsageError(
                f"{folder}: dataset of format version {meta.get('format_version')}, this program reads version "
                f"{FORMAT_VERSION}; use the matching release of reelscore, or another output folder"
            )
        return cls(folder, meta)

    @classmethod
    def create(cls, path: str | Path, shards: int, fractions: Mapping[str, float]) -> Dataset:
        """A new, empty dataset in a folder that does not exist or holds nothing.

        Raises
        ------
        UsageError: the folder holds something else, or cannot be written.
        """
        folder = Path(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            strangers = [entry.name for entry in folder.iterdir() if entry.name != _LOCK]
            if strangers:
                raise UsageError(
                    f"{folder}: holds something else ({', '.join(sorted(strangers)[:3])}); give an empty or new folder"
                )
            meta = {
                "format": FORMAT_NAME,
                "format_version": FORMAT_VERSION,
                "shards": shards,
                "split_fractions": dict(fractions),
                "features": {},
                "projections": {},
                "indexes": {},
                "runs": [],
            }
            dataset = cls(folder, meta)
            dataset.save()
        except OSError as error:
            raise UsageError(f"{folder}: cannot be written ({error.strerror or error})") from None
        return dataset

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a folder holds a dataset (of any version)."""
        return (Path(path) / _META).is_file()

    def save(self) -> None:
        """Write dataset.json, whole or not at all."""
        write_atomically(self.path / _META, (json.dumps(self.meta, indent=1, sort_keys=True) + "\n").encode())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the dataset for writing; what a killed run left half written is swept away first.

        The lock goes with the process that holds it, however that ends.

        Raises
        ------
        JobError: another process writes it now.
        """
        with (self.path / _LOCK).open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise JobError(
                    f"{self.path}: process {file.read().strip() or '?'} is writing this dataset; wait until it is done"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            journal.finish(self.path)
            sweep(self.path)
            shutil.rmtree(self.path / _WORK, ignore_errors=True)
            # another run may have changed it between opening and locking
            self.meta = Dataset.open(self.path).meta
            try:
                yield
            finally:
                shutil.rmtree(self.path / _WORK, ignore_errors=True)

    # -- places ----------------------------------------------------------------------------------------------------

    @property
    def shards(self) -> int:
        """Number of shards, fixed when the dataset was made."""
        return int(self.meta["shards"])

    @property
    def clips_folder(self) -> Path:
        return self.path / "clips"

    @property
    def rejects_folder(self) -> Path:
        return self.path / "rejects"

    def feature_folder(self, name: str) -> Path:
        return self.path / "features" / name

    def projection_path(self, name: str) -> Path | None:
        """File of the current projection of a derivation; None where there is none."""
        known = self.meta["projections"].get(name)
        return self.path / "projections" / known["file"] if known else None

    def work_folder(self, step: str) -> Path:
        """An empty folder for what a step needs on its way; the step removes it, or the next holder of the lock."""
        folder = self.path / _WORK / step
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def card(self, feature: str) -> dict[str, Any]:
        """The feature's entry in dataset.json: its card, parameters in force, fingerprint, weights and versions.

        Raises
        ------
        UsageError: the dataset has no such feature.
        """
        try:
            card: dict[str, Any] = self.meta["features"][feature]
            return card
        except KeyError:
            has = ", ".join(sorted(self.meta["features"])) or "none yet"
            raise UsageError(f"{self.path}: no feature {feature!r} in this dataset; it has: {has}") from None

    # -- reading ---------------------------------------------------------------------------------------------------

    def clips(self, columns: list[str] | None = None, shard: int | None = None) -> pa.Table:
        """The clips table, of one shard or of all, sorted by id."""
        return _sorted_table(parts(self.clips_folder, shard), CLIPS, columns)

    def done(self, feature: str) -> dict[str, str]:
        """id -> sha256 of the clips whose feature is computed and current."""
        folder = self.feature_folder(feature)
        found: dict[str, str] = {}
        for path in parts(folder):
            table = read.table(path, ["id", "sha256"])
            found.update(zip(table["id"].to_pylist(), table["sha256"].to_pylist(), strict=True))
        return found

    def rejects(self) -> list[dict[str, Any]]:
        """The rejects that still hold: the clip, or its feature, has not been computed since."""
        table = _sorted_table(parts(self.rejects_folder), REJECTS, None)
        if not table.num_rows:
            return []
        clips = self.clips(["id", "sha256"])
        have = dict(zip(clips["id"].to_pylist(), clips["sha256"].to_pylist(), strict=True))
        done = {name: self.done(name) for name in pc.unique(table["feature"]).to_pylist() if name}
        return [
            row
            for row in table.to_pylist()
            if (done[row["feature"]] if row["feature"] else have).get(row["id"]) != row["sha256"]
        ]

    def rows(self, feature: str, shard: int | None = None) -> Iterator[read.FeatureRows]:
        """The feature's rows, one shard after the other, sorted by id within a shard."""
        folder = self.feature_folder(feature)
        for number in range(self.shards) if shard is None else [shard]:
            found = read.shard_rows(parts(folder, number))
            if found is not None:
                yield found

    def masks(self, feature: str) -> Iterator[list[tuple[str, np.ndarray]]]:
        """(id, mask) of the clips of each part, without reading the values; one True for a clip-level feature."""
        for path in parts(self.feature_folder(feature)):
            sequence = read.card(path)["layout"] == "sequence"
            table = read.table(path, ["id", "mask"] if sequence else ["id"])
            ids = table["id"].to_pylist()
            masks = [m for batch in table.to_batches() for m in list_arrays(batch["mask"])] if sequence else None
            yield list(zip(ids, masks or [np.ones(1, bool)] * len(ids), strict=True))

    # -- keeping it true -------------------------------------------------------------------------------------------

    def settle(self, feature: str, fingerprint: str) -> int:
        """Make ``fingerprint`` the current one of a feature.

        Parts of another fingerprint are set aside under ``features/.superseded`` (a plain reader does not see them),
        and parts that were set aside under this one come back. Returns the number of parts set aside.
        """
        folder = self.feature_folder(feature)
        aside = self.path / "features" / SUPERSEDED
        moved = 0
        for path in parts(folder):
            found = read.card(path)["fingerprint"]
            if found != fingerprint:
                target = aside / f"{feature}-{found}"
                target.mkdir(parents=True, exist_ok=True)
                path.replace(target / path.name)
                moved += 1
        back = aside / f"{feature}-{fingerprint}"
        if back.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for path in parts(back):
                path.replace(folder / path.name)
            with contextlib.suppress(OSError):
                back.rmdir()
        return moved

    def drop(self, ids: Iterable[str]) -> None:
        """Remove all rows of clips whose content has changed."""
        gone = pa.array(sorted(set(ids)), pa.string())
        if not len(gone):
            return
        # features first and the clips last: if this is killed, the clip still shows that it has changed
        kept_aside = self.path / "features" / SUPERSEDED
        features = [self.feature_folder(name) for name in sorted(self.meta["features"])]
        aside = sorted(kept_aside.iterdir()) if kept_aside.is_dir() else []
        for folder in [*features, *aside, self.rejects_folder, self.clips_folder]:
            for path in parts(folder):
                _remove_rows(path, pc.is_in(read.table(path, ["id"])["id"], value_set=gone))

    def drop_rejects(self, ids: Iterable[str], features: Iterable[str | None] | None = None) -> None:
        """Remove rejects of clips, before another try.

        Parameters
        ----------
        features: those that are tried again, None among them standing for the clip as a whole; by default all.
        """
        gone = pa.array(sorted(set(ids)), pa.string())
        if not len(gone):
            return
        tried = None if features is None else pa.array(list(features), pa.string())
        for path in parts(self.rejects_folder):
            rows = read.table(path, ["id", "feature"])
            marked = pc.is_in(rows["id"], value_set=gone)
            if tried is not None:
                marked = pc.and_(marked, pc.is_in(rows["feature"], value_set=tried))
            _remove_rows(path, marked)

    def relocate(self, places: Mapping[str, tuple[str, int, int]]) -> None:
        """Note where clips lie now: id -> (uri, size in bytes, mtime in ns). Their content is the same."""
        if not places:
            return
        for folder, schema in ((self.clips_folder, CLIPS), (self.rejects_folder, REJECTS)):
            for path in parts(folder):
                rows = read.table(path).to_pylist()
                if not any(row["id"] in places for row in rows):
                    continue
                for row in rows:
                    if row["id"] in places:
                        row["uri"], row["size_bytes"], row["mtime_ns"] = places[row["id"]]
                write_table(path, pa.Table.from_pylist(rows, schema=schema))


def _sorted_table(files: list[Path], schema: pa.Schema, columns: list[str] | None) -> pa.Table:
    tables = [read.table(path, columns) for path in files]
    if not tables:
        return schema.empty_table() if columns is None else schema.empty_table().select(columns)
    table = pa.concat_tables(tables)
    return table.sort_by([("id", "ascending")]) if "id" in table.column_names else table


def _remove_rows(path: Path, gone: pa.ChunkedArray) -> None:
    """Write a part again without the rows that are marked; one that loses all of them goes."""
    if not pc.any(gone).as_py():
        return
    rest = read.table(path).filter(pc.invert(gone))
    if rest.num_rows:
        write_table(path, rest, values=value_leaf(path))
    else:
        path.unlink()
