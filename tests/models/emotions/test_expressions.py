"""Face networks end to end on small ONNX files: which face, what the network is fed, what is made of its answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_networks import FACE, SHAPES, make_expression, table

from models.emotions import emotieffnet, ferplus
from models.emotions._faces import Box, cut, finder, square
from models.weights import ScorerWeights, WeightsError, load_scorer

cv2 = pytest.importorskip("cv2")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def test_the_face_is_where_it_is(networks: Path, portrait: np.ndarray) -> None:
    find = finder(networks / "ferplus-face.onnx")
    face = find(portrait)
    assert face == pytest.approx((80 - FACE[0] / 2, 48 - FACE[1] / 2, *FACE), abs=1e-3)
    assert find(np.full((40, 30, 3), 120, np.uint8)) is None
    assert find(np.full((1, 1, 3), 0, np.uint8)) is None
    assert find(portrait) == face


def test_a_large_picture_is_searched_small_and_found_at_its_place(networks: Path, portrait: np.ndarray) -> None:
    large = np.zeros((4 * 360, 4 * 640, 3), np.uint8)
    large[4 * 96 : 4 * 128, 4 * 320 : 4 * 352] = (255, 0, 0)
    face = finder(networks / "ferplus-face.onnx")(large)
    assert face == pytest.approx((4 * (336 - FACE[0] / 2), 4 * (112 - FACE[1] / 2), 4 * FACE[0], 4 * FACE[1]), abs=0.1)


def test_of_equal_faces_the_upper_then_the_left_one(networks: Path) -> None:
    find = finder(networks / "ferplus-face.onnx")
    picture = np.zeros((320, 320, 3), np.uint8)
    picture[192:224, 32:64] = (255, 0, 0)
    assert find(picture)[:2] == pytest.approx((48 - FACE[0] / 2, 208 - FACE[1] / 2), abs=1e-3)
    picture[96:128, 224:256] = (255, 0, 0)
    assert find(picture)[:2] == pytest.approx((240 - FACE[0] / 2, 112 - FACE[1] / 2), abs=1e-3)
    picture[96:128, 64:96] = (255, 0, 0)
    assert find(picture)[:2] == pytest.approx((80 - FACE[0] / 2, 112 - FACE[1] / 2), abs=1e-3)


def test_of_several_faces_the_largest(monkeypatch: pytest.MonkeyPatch, networks: Path) -> None:
    class Detector:
        def setInputSize(self, size: tuple[int, int]) -> None:
            pass

        def detect(self, picture: np.ndarray) -> tuple[int, np.ndarray]:
            boxes = np.zeros((3, 15), np.float32)
            boxes[:, :4] = [(5, 5, 10, 10), (40, 30, 20, 12), (0, 0, 15, 15)]
            return 1, boxes

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *given: Detector())
    assert finder(networks / "ferplus-face.onnx")(np.zeros((64, 64, 3), np.uint8)) == (40, 30, 20, 12)


def test_square_and_box_stay_in_the_picture() -> None:
    picture = np.arange(60 * 80 * 3, dtype=np.uint32).reshape(60, 80, 3)
    assert (square(picture, Box(10, 20, 10, 20)) == picture[20:40, 5:25]).all()
    assert (square(picture, Box(70, -8, 20, 16)) == picture[0:20, 60:80]).all()
    assert square(picture, Box(-50, -50, 300, 200)).shape == (60, 60, 3)
    assert square(picture, Box(200, 200, 0.2, 0.2)).shape == (1, 1, 3)
    assert (cut(picture, Box(10, 20, 10, 20)) == picture[20:40, 10:20]).all()
    assert (cut(picture, Box(70, -8, 20, 16)) == picture[0:8, 70:80]).all()
    assert cut(picture, Box(200, 200, 5, 5)).shape == (1, 1, 3)
    assert cut(picture, Box(-20, -20, 5, 5)).shape == (1, 1, 3)


def test_ferplus_is_fed_grey_levels() -> None:
    picture = np.full((100, 100, 3), (200, 100, 50), np.uint8)
    fed = ferplus.prepare(picture, Box(10, 10, 40, 30))
    assert fed.shape == (1, 1, 64, 64)
    assert fed.dtype == np.float32
    np.testing.assert_array_equal(fed, round(0.299 * 200 + 0.587 * 100 + 0.114 * 50))


@pytest.mark.parametrize("side", [16, 256])
def test_ferplus_is_fed_smoothly_resized_faces(side: int) -> None:
    stripes = np.zeros((side, side, 3), np.uint8)
    stripes[:, 1::3] = 255
    fed = ferplus.prepare(stripes, Box(0, 0, side, side))
    assert ((fed > 0) & (fed < 255)).mean() > 0.3
    assert fed.mean() == pytest.approx(stripes.mean(), rel=0.1)


def test_emotieffnet_is_fed_normalised_rgb() -> None:
    picture = np.full((100, 100, 3), (200, 100, 50), np.uint8)
    fed = emotieffnet.prepare(picture, Box(10, 10, 40, 30))
    assert fed.shape == (1, 3, 224, 224)
    assert fed.dtype == np.float32
    for channel, (level, mean, spread) in enumerate([(200, 0.485, 0.229), (100, 0.456, 0.224), (50, 0.406, 0.225)]):
        np.testing.assert_allclose(fed[0, channel], (level / 255 - mean) / spread, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_score_is_one_minus_neutral(name: str, chosen: dict[str, ScorerWeights], portrait: np.ndarray) -> None:
    module = {"ferplus": ferplus, "emotieffnet": emotieffnet}[name]
    found = load_scorer(chosen[name])(portrait)
    fed = module.prepare(portrait, Box(80 - FACE[0] / 2, 48 - FACE[1] / 2, *FACE))
    expected = softmax(table(SHAPES[name][0]).astype(np.float64) @ fed[0].mean(axis=(1, 2), dtype=np.float64))
    assert found.seen
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, expected, rtol=1e-4)
    assert found.score == pytest.approx(1 - expected[module.LABELS.index("neutral")], rel=1e-4)
    assert found.values.sum() == pytest.approx(1)
    assert np.ptp(found.values) > 0.01, "a network that says the same of all classes shows nothing"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_without_a_face_there_is_nothing(name: str, chosen: dict[str, ScorerWeights]) -> None:
    found = load_scorer(chosen[name])(np.full((120, 200, 3), 90, np.uint8))
    assert found.values.tolist() == [0] * 8
    assert found.values.dtype == np.float32
    assert (found.score, found.seen) == (0.0, False)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_threads_and_order_change_nothing(name: str, chosen: dict[str, ScorerWeights], portrait: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    noisy = portrait.copy()
    noisy[40:60, 70:90] = rng.integers(0, 256, (20, 20, 3))
    noisy[..., 0] |= 128
    noisy[32:64, 64:96, 0] = 255
    before = cv2.getNumThreads()
    seen = set()
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            score = load_scorer(chosen[name])
            first = score(noisy)
            score(portrait)
            again = score(noisy)
            assert first.seen
            seen |= {(first.values.tobytes(), first.score), (again.values.tobytes(), again.score)}
    finally:
        cv2.setNumThreads(before)
    assert len(seen) == 1


def test_a_file_that_is_no_such_network(tmp_path: Path, networks: Path) -> None:
    load = ferplus.SCORER.load
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"<html>not found</html>")
    good = networks / "ferplus-face.onnx"
    with pytest.raises(WeightsError, match=r"bad\.onnx is no network that this OpenCV can run") as caught:
        load({"face": good, "expression": bad})
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match=r"bad\.onnx is no YuNet"):
        load({"face": bad, "expression": networks / "ferplus-expression.onnx"})
    with pytest.raises(WeightsError, match="is no YuNet"):
        load({"face": networks / "ferplus-expression.onnx", "expression": networks / "ferplus-expression.onnx"})
    seven = make_expression(tmp_path / "seven.onnx", 1, 64, classes=7)
    with pytest.raises(WeightsError, match=r"seven\.onnx gives 7 numbers for a face, expected 8"):
        load({"face": good, "expression": seven})


def test_loading_leaves_opencv_as_it_was(networks: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (cv2.getNumThreads(), cv2.utils.logging.getLogLevel())
    finder(networks / "ferplus-face.onnx")
    assert (cv2.getNumThreads(), cv2.utils.logging.getLogLevel()) == before
    assert capfd.readouterr().err == ""
