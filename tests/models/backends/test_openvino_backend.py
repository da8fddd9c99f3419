"""OpenVINO equals torch, its bits depend on the frame alone, and a cached start is light."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.backends import DeviceError, load_encoder
from models.weights import Weights, resolve

# Not importorskip: an import that is not the backend's own would switch OpenVINO's usage statistics on.
if importlib.util.find_spec("openvino") is None:
    pytest.skip("openvino is not installed", allow_module_level=True)


@pytest.fixture(autouse=True)
def _converted(warm_cache: Path, _own_places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSCORE_CACHE", str(warm_cache))


def test_equals_torch(random_weights: Weights, pictures: np.ndarray, reference: np.ndarray) -> None:
    encoder = load_encoder("inception", random_weights, backend="openvino", threads=2)
    found = encoder.encode(pictures)
    assert found.dtype == np.float32
    assert abs(found - reference).max() <= encoder.tolerance * abs(reference).max()
    assert encoder.tolerance == 1e-5
    encoder.close()


def test_bits_do_not_depend_on_batch_order_or_threads(random_weights: Weights, pictures: np.ndarray) -> None:
    one = load_encoder("inception", random_weights, backend="openvino", threads=1, batch=1)
    two = load_encoder("inception", random_weights, backend="openvino", threads=2, batch=32)
    alone = np.concatenate([one.encode(picture[None]) for picture in pictures])
    assert np.array_equal(alone, two.encode(pictures))
    order = np.random.default_rng(0).permutation(len(pictures))
    assert np.array_equal(alone[order], two.encode(pictures[order]))
    assert np.array_equal(alone[::2], one.encode(pictures[::2])), "a view with strides"


def test_empty_and_wrong_input(random_weights: Weights, pictures: np.ndarray) -> None:
    encoder = load_encoder("inception", random_weights, backend="openvino", threads=1)
    assert encoder.encode(pictures[:0]).shape == (0, 2048)
    with pytest.raises(ValueError, match=r"takes uint8 \[n, 299, 299, 3\], found float32 \[8, 299, 299, 3\]"):
        encoder.encode(pictures.astype(np.float32))
    with pytest.raises(ValueError, match=r"found uint8 \[299, 299, 3\]"):
        encoder.encode(pictures[0])


def test_describes_itself_as_plain_data(random_weights: Weights) -> None:
    encoder = load_encoder("inception", random_weights, backend="openvino", threads=2)
    said = json.loads(json.dumps(encoder.describe()))
    assert (said["backend"], said["precision"], said["threads"]) == ("openvino", "f32", 2)
    assert said["versions"]["openvino"][:4].isdigit()


def test_precision_is_set_and_not_guessed(random_weights: Weights, pictures: np.ndarray, reference: np.ndarray) -> None:
    from models.backends import openvino_backend

    if "BF16" not in openvino_backend._openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(DeviceError, match="no bfloat16"):
            load_encoder("inception", random_weights, backend="openvino", precision="bf16")
        return
    encoder = load_encoder("inception", random_weights, backend="openvino", precision="bf16")
    found = encoder.encode(pictures)
    assert 1e-5 < abs(found - reference).max() / abs(reference).max() <= encoder.tolerance
    cosine = (found * reference).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(reference, axis=1)
    assert cosine.min() > 0.98


def test_cached_start_needs_no_torch_and_no_network(random_weights: Weights) -> None:
    code = (
        "import sys, json, socket\n"
        "def refuse(*_, **__): print('network', file=sys.stderr); sys.exit(3)\n"
        "socket.getaddrinfo = refuse; socket.socket.connect = refuse\n"
        "from models.weights import Weights\n"
        "from models.backends import load_encoder\n"
        "encoder = load_encoder('inception', Weights.from_dict(json.loads(sys.argv[1])), backend='openvino')\n"
        "sys.exit('torch' in sys.modules or bool(sys.modules.get('openvino_telemetry')))\n"
    )
    home = Path(os.environ["REELSCORE_CACHE"])
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(random_weights.to_dict())],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not (home / "intel").exists(), "the usage statistics were set up"


def test_conversion_is_kept_whole_and_in_float32(random_weights: Weights, warm_cache: Path) -> None:
    kept = list((warm_cache / "openvino").iterdir())
    assert [path.name.split("-")[:3] for path in kept] == [["inception", "1", random_weights.digest[:16]]]
    # four bytes for each of Inception's 21.8 million values, and not two
    assert (kept[0] / "model.bin").stat().st_size > 80e6


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REELSCORE_CACHE", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.mark.parametrize("file", ["model.xml", "model.bin"])
def test_damaged_conversion_is_made_again(
    tiny: Weights, small_pictures: np.ndarray, own_cache: Path, file: str
) -> None:
    expected = load_encoder("inception", tiny, backend="openvino", threads=1).encode(small_pictures)
    home = next((own_cache / "openvino").iterdir())
    whole = (home / file).read_bytes()
    (home / file).unlink()  # not in place: the network above has the file mapped
    (home / file).write_bytes(whole[: len(whole) // 2])
    again = load_encoder("inception", tiny, backend="openvino", threads=1)
    assert np.array_equal(again.encode(small_pictures), expected)
    # The names in model.xml hold a counter of the process, so that its length may change by a few digits.
    assert abs((home / file).stat().st_size - len(whole)) < 100
    assert list(home.parent.iterdir()) == [home]


def test_other_weights_are_another_conversion(tiny: Weights, small_pictures: np.ndarray, own_cache: Path) -> None:
    first = load_encoder("inception", tiny, backend="openvino", threads=1)
    other = load_encoder("inception", resolve("inception", "random", seed=1), backend="openvino", threads=1)
    assert len(list((own_cache / "openvino").iterdir())) == 2
    assert not np.allclose(first.encode(small_pictures), other.encode(small_pictures), rtol=0.1)


def test_cache_that_cannot_be_written_is_no_obstacle(
    tiny: Weights, small_pictures: np.ndarray, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_cache.write_bytes(b"")
    encoder = load_encoder("inception", tiny, backend="openvino", threads=1)
    assert np.isfinite(encoder.encode(small_pictures)).all()
    assert "cannot be kept" in caplog.text


def test_many_threads_may_be_the_first_to_use_it() -> None:
    # bug: every so manyth job stood still for ever at its first frames, two threads each holding what the other wanted
    code = """
import sys, threading
import numpy as np
from models.backends.openvino_backend import _openvino
openvino = _openvino()
from openvino import opset13
node = opset13.parameter([1, 4], np.float32)
compiled = openvino.Core().compile_model(openvino.Model([opset13.relu(node)], [node]), "CPU", {"NUM_STREAMS": 8})
requests = [compiled.create_infer_request() for _ in range(8)]
together = threading.Barrier(len(requests))
sys.setswitchinterval(1e-5)
def infer(request):
    together.wait()
    request.infer({0: np.ones((1, 4), np.float32)})
threads = [threading.Thread(target=infer, args=[request]) for request in requests]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    for _ in range(3):  # without the cure four of five stand still
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
