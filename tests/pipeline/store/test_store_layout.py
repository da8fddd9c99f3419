"""Names and places: the shard of a clip and the name of a part follow from what is in them."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

from pipeline.store import shard_of
from pipeline.store.layout import part_name, part_shard, parts


def test_shard_is_crc32_of_the_id() -> None:
    for clip_id in ("a", "clip é 音", "0" * 64):
        assert shard_of(clip_id, 7) == zlib.crc32(clip_id.encode("utf-8")) % 7
    # pinned: another assignment would look for every clip in the wrong shard of existing datasets
    assert [shard_of(clip_id, 4) for clip_id in ("a", "b", "c", "é")] == [3, 1, 3, 2]


def test_shards_are_even() -> None:
    counts = Counter(shard_of(f"clip {number}", 8) for number in range(8000))
    assert min(counts.values()) > 850
    assert max(counts.values()) < 1150


def test_part_name_follows_from_its_content() -> None:
    name = part_name(3, 16, ["fingerprint", "a", "b"])
    assert name == part_name(3, 16, iter(["fingerprint", "a", "b"]))
    others = [
        part_name(3, 16, ["fingerprint", "b", "a"]),
        part_name(3, 16, ["other", "a", "b"]),
        part_name(4, 16, ["fingerprint", "a", "b"]),
        part_name(3, 17, ["fingerprint", "a", "b"]),
    ]
    assert len({name, *others}) == 5
    assert part_shard(Path(name)) == 3
    assert name.endswith("-00003-of-00016.parquet")


def test_parts_are_listed_by_shard_and_strangers_are_passed_over(tmp_path: Path) -> None:
    names = [part_name(shard, 16, [str(salt)]) for shard in (10, 2, 0) for salt in range(3)]
    for name in [*names, ".writing-1-" + names[0], "notes.txt", "part-1.parquet", names[0] + ".bak"]:
        (tmp_path / name).touch()
    found = parts(tmp_path)
    assert sorted(path.name for path in found) == sorted(names)
    assert [part_shard(path) for path in found] == sorted(part_shard(Path(name)) or 0 for name in names)
    assert found == parts(tmp_path)
    assert [part_shard(path) for path in parts(tmp_path, 2)] == [2, 2, 2]
    assert parts(tmp_path / "nowhere") == []


def test_the_store_brings_neither_beam_nor_networks() -> None:
    code = (
        "import sys, pipeline.store, pipeline.store.write, pipeline.store.read, pipeline.store.compact\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'apache_beam', 'torch', 'faiss', 'openvino', 'av'}))"
    )
    root = Path(__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert found.stdout.strip() == "[]"
