"""torch: folded and batched equals plain, a full GPU halves the batch, and bf16 stays within its tolerance."""

from __future__ import annotations

import numpy as np
import pytest

from models.backends import DeviceError, load_encoder
from models.weights import Weights

torch = pytest.importorskip("torch")

from models.backends import torch_backend  # noqa: E402 (needs torch)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_equals_plain_torch_in_any_batch(random_weights: Weights, pictures: np.ndarray, reference: np.ndarray) -> None:
    encoder = load_encoder("inception", random_weights, backend="torch", device="cpu", threads=1, batch=2)
    found = encoder.encode(pictures[3:])  # 2 + 2 + 1 and one of padding
    assert abs(found - reference[3:]).max() <= encoder.tolerance * abs(reference).max()
    assert np.array_equal(encoder.encode(pictures[6:7]), found[3:4]), "padding or neighbours changed a frame"
    assert encoder.encode(pictures[:0]).shape == (0, 2048)
    with pytest.raises(ValueError, match="takes uint8"):
        encoder.encode(pictures[:, :100])
    assert encoder.describe()["device"] == "cpu"
    encoder.close()


def test_batch_norm_is_folded(tiny: Weights) -> None:
    encoder = load_encoder("inception", tiny, backend="torch", device="cpu", threads=1)
    kinds = {type(module) for module in encoder._module.modules()}  # type: ignore[attr-defined]
    assert torch.nn.Conv2d in kinds
    assert torch.nn.BatchNorm2d not in kinds


@pytest.mark.parametrize("chosen", ["tf32", "ieee"])
def test_tf32_is_off_inside_and_as_it_was_outside(chosen: str) -> None:
    switches = torch_backend._tf32_switches()
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = chosen
        with torch_backend._exact():
            assert {switch.fp32_precision for switch in switches} == {"ieee"}
            assert torch.backends.cudnn.deterministic
        assert {switch.fp32_precision for switch in switches} == {chosen}
    finally:
        for switch, precision in zip(switches, before, strict=True):
            switch.fp32_precision = precision


def fits(limit: int, sizes: list[int]) -> torch_backend.Callable[[np.ndarray], torch.Tensor]:
    """A device that holds `limit` frames; notes the sizes that it was given."""

    def run(frames: np.ndarray) -> torch.Tensor:
        sizes.append(len(frames))
        if len(frames) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.from_numpy(frames.astype(np.float32))

    return run


def test_full_gpu_halves_the_batch_and_loses_no_frame() -> None:
    sizes: list[int] = []
    frames = np.arange(21, dtype=np.uint8)[:, None]
    rows, batch = torch_backend.run_in_batches(fits(5, sizes), frames, 16)
    assert batch == 4
    assert sizes == [16, 8, 4, 4, 4, 4, 4, 4]
    assert np.array_equal(torch.cat(rows).numpy(), frames)


def test_gpu_that_holds_not_one_frame() -> None:
    with pytest.raises(DeviceError, match="single frame"):
        torch_backend.run_in_batches(fits(0, []), np.zeros((3, 1), np.uint8), 4)


def test_bf16_of_the_processor_is_refused_where_it_would_be_emulated(
    random_weights: Weights, pictures: np.ndarray, reference: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        with pytest.raises(DeviceError, match="no bfloat16"):
            load_encoder("inception", random_weights, backend="torch", device="cpu", precision="bf16")
        monkeypatch.setattr(torch_backend, "_require_processor", lambda precision: None)
    options = {"backend": "torch", "device": "cpu", "precision": "bf16", "batch": 1, "threads": 1}
    encoder = load_encoder("inception", random_weights, **options)
    found = encoder.encode(pictures[:1])
    assert found.dtype == np.float32
    assert 1e-5 < abs(found - reference[:1]).max() / abs(reference).max() <= encoder.tolerance
    assert cosines(found, reference[:1]).min() > 0.98


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_gpu_equals_the_processor(
    random_weights: Weights, pictures: np.ndarray, reference: np.ndarray, precision: str
) -> None:
    encoder = load_encoder("inception", random_weights, device="cuda", precision=precision, batch=3)
    found = encoder.encode(pictures)
    assert abs(found - reference).max() <= encoder.tolerance * abs(reference).max()
    assert np.array_equal(found, encoder.encode(pictures)), "not repeatable"
    assert np.array_equal(found[5:6], encoder.encode(pictures[5:6])), "padding or neighbours changed a frame"
    assert encoder.describe()["device"].startswith("cuda: ")
    encoder.close()
