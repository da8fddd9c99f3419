"""The 380 rows of the fast path: against the reference, their order, and what must not change them."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import librosa
import numpy as np
import pytest

from transforms.music import reference
from transforms.music.contract import CONTRACTS, contract
from transforms.music.layout import BLOCKS, COMPONENT_ROWS, EXCERPT_FRAMES, EXCERPT_SAMPLES, RATE_HZ, ROWS
from transforms.music.rows import frames, mfcc_and_tuning, raw_blocks
from transforms.music.separation import separate
from transforms.music.tuning import tuning_of_signal

#: Largest difference to the reference, as a share of the block's range before scaling.
CLOSE = 3e-6
#: Blocks whose logarithm magnifies the reference's own float32 rounding where a value passes through zero.
SIGNED = ("mfcc", "mfcc_delta", "mfcc_delta2")


@functools.cache
def _music() -> np.ndarray:
    """Chords, beats and some noise."""
    generator = np.random.default_rng(5)
    t = np.arange(EXCERPT_SAMPLES) / RATE_HZ
    y = 0.02 * generator.standard_normal(EXCERPT_SAMPLES)
    for chord, notes in enumerate(([60, 64, 67], [57, 60, 64], [53, 57, 60], [55, 59, 62])):
        playing = (t // 2 % 4) == chord
        for note in notes:
            y += playing * 0.15 * np.sin(2 * np.pi * librosa.midi_to_hz(note) * t)
    y += (t % 0.5 < 0.03) * generator.standard_normal(EXCERPT_SAMPLES) * 0.4
    return y.astype(np.float32)


def _edge_cases() -> dict[str, np.ndarray]:
    silence = np.zeros(EXCERPT_SAMPLES, dtype=np.float32)
    impulse = silence.copy()
    impulse[EXCERPT_SAMPLES // 2] = 1
    square = np.where(np.arange(EXCERPT_SAMPLES) // 30 % 2, 1, -1).astype(np.float32)
    return {"silence": silence, "impulse": impulse, "square": square, "denormals": (square * 1e-40).astype(np.float32)}


def _compare_raw(y: np.ndarray, name: str) -> None:
    """Hold each block of a component to the reference, before scaling."""
    agreed = contract(name)
    for block, raw in zip(BLOCKS, raw_blocks(y, agreed), strict=True):
        expected = reference.raw_block(block.name, y, agreed).T
        assert raw.shape == expected.shape == (1 + len(y) // 256, block.rows), block.name
        assert np.isfinite(raw).all(), block.name
        found = raw
        if block.name == "rolloff":
            moved = found != expected
            assert moved.mean() <= 0.002
            assert np.abs(found - expected).max() <= RATE_HZ / 512 + 1e-9
        else:
            size = max(np.ptp(expected), np.abs(expected).max())
            tolerance = CLOSE * size
            if block.name in SIGNED and size < 1e-3:
                # the slope of a constant is 0; librosa's float32 leaves rounding of the constant -1131 there
                tolerance = 1e-4
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=block.name)


@pytest.mark.parametrize("name", CONTRACTS)
def test_blocks_are_those_of_the_reference(name: str) -> None:
    for component in separate(_music(), contract(name)):
        _compare_raw(component, name)


@pytest.mark.parametrize("name", CONTRACTS)
def test_frames_are_those_of_the_reference(name: str) -> None:
    y = _music()
    found, expected = frames(y, contract(name)), reference.frames(y, contract(name)).T
    assert found.shape == expected.shape == (EXCERPT_FRAMES, ROWS)
    assert found.dtype == np.float32
    for start in (0, COMPONENT_ROWS):
        for block in BLOCKS:
            rows = slice(start + block.slice.start, start + block.slice.stop)
            apart = np.abs(found[:, rows] - expected[:, rows])
            # near 0 the logarithm magnifies rounding; a rolloff or a quantised pitch may lie on an edge
            allowed = 2e-3 if block.name in (*SIGNED, "rolloff", "chroma_cens") else 5e-4
            close = 1e-3 + CLOSE * np.ptp(expected[:, rows])
            assert (apart > close).mean() <= allowed, (start, block.name)


@pytest.mark.parametrize("name", CONTRACTS)
@pytest.mark.parametrize("case", ["silence", "impulse", "square", "denormals"])
def test_edge_cases_are_finite_and_those_of_the_reference(case: str, name: str) -> None:
    y = _edge_cases()[case]
    assert np.isfinite(frames(y, contract(name))).all()
    _compare_raw(y, name)


def test_silence_is_zero_in_the_code_contract() -> None:
    found = frames(_edge_cases()["silence"], contract("code"))
    varying = {"mfcc", "mfcc_delta2"}  # the dB floor of silence is a constant of its own, and so is the swing it causes
    for start in (0, COMPONENT_ROWS):
        for block in BLOCKS:
            if block.name not in varying:
                assert not found[:, start + block.slice.start : start + block.slice.stop].any(), block.name


def test_blocks_of_one_row_have_their_maximum_at_0_db_in_the_code_contract() -> None:
    top = frames(_music(), contract("code")).max(axis=0)
    single = [block.start for block in BLOCKS if block.rows == 1]
    assert single == [180, 181, 182, 183, 189]
    np.testing.assert_array_equal(top[[start + row for start in (0, COMPONENT_ROWS) for row in single]], 0)


def test_gain_changes_only_cepstra_in_the_code_contract() -> None:
    noise = (0.3 * np.random.default_rng(6).standard_normal(EXCERPT_SAMPLES)).astype(np.float32)
    loud, soft = frames(noise, contract("code")), frames(noise / 2, contract("code"))
    for start in (0, COMPONENT_ROWS):
        for block in BLOCKS:
            if block.name not in (*SIGNED, "chroma_cens"):
                rows = slice(start + block.slice.start, start + block.slice.stop)
                np.testing.assert_allclose(soft[:, rows], loud[:, rows], atol=2e-5, err_msg=block.name)


def test_a_signal_twice_as_long_begins_with_the_same_raw_rows() -> None:
    y = separate(_music(), contract("paper"))[0]
    once = list(raw_blocks(y, contract("paper")))
    twice = list(raw_blocks(np.concatenate([y, y]), contract("paper")))
    for block, short, long in zip(BLOCKS, once, twice, strict=True):
        assert len(long) == 2 * EXCERPT_FRAMES - 1
        # chroma depend on the tuning of the whole; the cepstra's floor on its loudest frame, which is the same here
        if not block.name.startswith("chroma"):
            np.testing.assert_array_equal(long[: EXCERPT_FRAMES - 20], short[:-20], err_msg=block.name)


def _digest() -> str:
    return hashlib.sha256(frames(_music(), contract("code")).tobytes()).hexdigest()


def test_same_bytes_again_in_threads_and_in_another_process() -> None:
    first = _digest()
    with ThreadPoolExecutor(2) as pool:
        assert {future.result() for future in [pool.submit(_digest) for _ in range(3)]} == {first}
    root = Path(__file__).parents[3]
    other = subprocess.run(
        [sys.executable, "-c", f"import runpy; print(runpy.run_path({__file__!r})['_digest']())"],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == first


@pytest.mark.parametrize("name", CONTRACTS)
def test_real_music_is_that_of_the_reference(media: Path, name: str) -> None:
    track = next(path for path in sorted((media / "audio").rglob("*.ogg")) if path.is_file())
    y = librosa.load(track, sr=RATE_HZ)[0][:EXCERPT_SAMPLES]
    y = np.pad(y, (0, EXCERPT_SAMPLES - len(y)))
    for component in separate(y, contract(name)):
        _compare_raw(component, name)


@pytest.mark.parametrize("length", [1 << 15, 100_096, EXCERPT_SAMPLES])
def test_the_tuning_found_beside_the_mfcc_is_the_signals_own(length: int) -> None:
    for component in separate(_music()[:length], contract("code")):
        power = np.zeros((1 + length // 256, 257), np.float32)
        _, tuning = mfcc_and_tuning(component, power, contract("code"))
        assert tuning == tuning_of_signal(component, 12)
