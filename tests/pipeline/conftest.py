"""A small dataset for the tests of the pipeline, and a place to plan in; :mod:`building` has what it is made of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from building import small_dataset
from places import Place

from pipeline.cli.main import main
from pipeline.sample import make_corpus
from pipeline.store import Dataset

IDS = [f"clip{number:02d}" for number in range(12)]


@pytest.fixture
def ids() -> list[str]:
    """Ids of the clips in ``dataset``."""
    return list(IDS)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Twelve clips in four shards with ``inception`` and ``wpca_video``."""
    return small_dataset(tmp_path / "dataset", IDS)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A folder for stand-ins of videos, and an empty dataset."""
    return Place(tmp_path)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine clips of about two seconds; the last one is not in ``first``, a folder with the other eight."""
    folder = tmp_path_factory.mktemp("corpus")
    clips = make_corpus(folder / "all", clips=9, seconds=2.0)
    (folder / "first").mkdir()
    for clip in clips[:8]:
        os.link(clip, folder / "first" / clip.name)
    return folder


@pytest.fixture(scope="session")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of the eight clips, made in one go by two workers."""
    output = tmp_path_factory.mktemp("undisturbed") / "dataset"
    arguments = ["run", "vmnet", "--input", str(corpus / "first"), "--output", str(output), "--weights", "random"]
    assert main([*arguments, "--workers", "2"]) == 0
    return output


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """``reelscore run vmnet`` in this process; gives the summary."""

    def call(source: Path, output: Path, *options: str) -> dict[str, Any]:
        capsys.readouterr()
        arguments = ["run", "vmnet", "--input", str(source), "--output", str(output), "--weights", "random", "--json"]
        code = main([*arguments, *options])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        summary: dict[str, Any] = json.loads(captured.out)
        return summary

    return call
