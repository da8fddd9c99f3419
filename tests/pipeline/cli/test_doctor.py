"""The doctor on a machine that can do everything."""

from __future__ import annotations

import json

import pytest

from pipeline.cli.main import main


def test_a_machine_that_runs_the_tests_is_fit(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--json", "--output", str(tmp_path_factory.getbasetemp())])
    found = {row["check"]: (row["state"], row["found"]) for row in json.loads(capsys.readouterr().out)}
    assert {"python", "ffmpeg", "codecs", "networks", "kernels", "weights", "trial"} <= set(found)
    # a full disk is the machine's trouble, not the program's
    assert {name: row for name, row in found.items() if row[0] != "ok" and name != "disk"} == {}
    assert code == (0 if found["disk"][0] == "ok" else 1)
    assert "2048 values" in found["trial"][1]
