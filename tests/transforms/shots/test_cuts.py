"""Hard cuts, exact to the picture; and everything that looks like one and is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import (
    BARS,
    BLACK,
    CELLS,
    GRADIENT,
    LIFE,
    MANDELBROT,
    NOISE,
    RED,
    TEAL,
    TESTSRC,
    WHITE,
    cuts,
    detect,
    f1,
    pictures,
    render,
    sequence,
    source,
    starts,
    world,
)

from transforms.shots.detector import Picture
from transforms.shots.detectors import METHODS, make
from transforms.views import ShotView

VIEW = ShotView(method="histogram", threshold=0.08, ratio=3.5, window=3, min_length_s=0.6, flash_frames=3)
PARTS = [
    (TESTSRC, 40), (MANDELBROT, 33), (BARS, 20), (NOISE, 50), (RED, 18), (TEAL, 25), (LIFE, 40), (GRADIENT, 30),
    (CELLS, 3),
]  # fmt: skip
LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("worlds")
    return [world(folder / f"{seed}.png", seed) for seed in range(8)]


@pytest.fixture
def see(tmp_path: Path) -> Callable[..., list[Picture]]:
    return lambda graph, frames, **options: pictures(render(tmp_path / "clip.mp4", graph, frames, **options))


def still(one: str, x: int = 0) -> str:
    return f"{one},crop=w=320:h=180:x={x}:y=0"


def pan(one: str, speed: int) -> str:
    return f"{one},crop=w=320:h=180:x='n*{speed}':y='n*{speed // 3}'"


def zoom(one: str, path: str) -> str:
    return f"{one},zoompan=z='{path}':d=1:x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':s=320x180:fps={{r}}"


@pytest.mark.parametrize(("rate", "times"), [("25", 1.0), ("10", 0.5), ("24000/1001", 1.0), ("60", 3.0)])
def test_clean_cuts_are_found_to_the_picture(see: Callable[..., list[Picture]], rate: str, times: float) -> None:
    parts = [(one, max(8, int(count * times)) if count > 3 else count) for one, count in PARTS]
    seen = see(sequence(parts, rate), sum(count for _, count in parts))
    assert len(seen) == sum(count for _, count in parts)
    found = detect(seen, VIEW)
    assert cuts(found) == starts(parts)
    assert len(found) == len(parts) - 1


@pytest.mark.parametrize("strength", [30, 60])
def test_cuts_in_noise(see: Callable[..., list[Picture]], strength: int) -> None:
    graph = sequence(PARTS, after=f"noise=alls={strength}:allf=t:all_seed=1")
    found = cuts(detect(see(graph, sum(count for _, count in PARTS)), VIEW))
    assert f1(found, starts(PARTS)) >= 0.95


@pytest.mark.parametrize("speed", [2, 4, 8, 12])
def test_cuts_between_pans(see: Callable[..., list[Picture]], worlds: list[str], speed: int) -> None:
    parts = [(pan(one, speed), 40 + index) for index, one in enumerate(worlds)]
    found = cuts(detect(see(sequence(parts), sum(count for _, count in parts)), VIEW))
    assert f1(found, starts(parts)) >= 0.95


def test_cuts_between_zooms(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    paths = ["1+0.01*on", "1+0.02*on", "1+0.05*on", "4-0.05*on", "3-0.02*on", "1+0.1*on", "5-0.1*on", "1+0.004*on"]
    parts = [(zoom(one, path), 40) for one, path in zip(worlds, paths, strict=True)]
    found = cuts(detect(see(sequence(parts), 320), VIEW))
    assert f1(found, starts(parts)) >= 0.95


@pytest.mark.parametrize("after", ["", "noise=alls=50:allf=t:all_seed=1"])
def test_a_static_clip_has_no_cut(see: Callable[..., list[Picture]], worlds: list[str], after: str) -> None:
    assert detect(see(sequence([(still(worlds[3]), 100)], after=after), 100), VIEW) == []


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("kind", ["white", "black", "picture", "in a pan"])
def test_flashes_make_no_cut(see: Callable[..., list[Picture]], worlds: list[str], kind: str, length: int) -> None:
    under = pan(worlds[1], 4) if kind == "in a pan" else still(worlds[1])
    flash = {"black": BLACK, "picture": still(worlds[6])}.get(kind, WHITE)
    graph = (
        f"{source(under)},format=yuv420p,setsar=1[a];{source(flash)},format=yuv420p,setsar=1[b];"
        f"[a][b]overlay=enable='between(n\\,40\\,{39 + length})'[out]"
    )
    assert detect(see(graph, 80), VIEW) == []


def test_a_longer_flash_is_a_shot_if_it_is_long_enough(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    parts = [(still(worlds[1]), 30), (WHITE, 16), (still(worlds[1]), 30)]
    assert cuts(detect(see(sequence(parts), 76), VIEW)) == [30, 46]


@pytest.mark.parametrize("length", [4, 6, 12, 25, 60])
@pytest.mark.parametrize("what", ["picture", "colour", "red", "pan"])
def test_fades_from_and_to_black_make_no_cut(
    see: Callable[..., list[Picture]], worlds: list[str], what: str, length: int
) -> None:
    shown = {"picture": still(worlds[1]), "colour": TEAL, "red": RED, "pan": pan(worlds[6], 3)}[what]
    for fade in (f"in:0:{length}", f"in:25:{length}", f"out:40:{length}"):
        graph = f"{source(shown)},format=yuv420p,fade={fade}[out]"
        assert detect(see(graph, 80 + length), VIEW) == [], fade


def test_a_clip_that_begins_in_a_fade(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    graph = f"{source(pan(worlds[2], 3))},format=yuv420p,fade=in:0:40,trim=start_frame=12,setpts=PTS-STARTPTS[out]"
    assert detect(see(graph, 80), VIEW) == []


def test_a_cut_from_black_is_one(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    parts = [(BLACK, 30), (still(worlds[2]), 30)]
    assert cuts(detect(see(sequence(parts), 60), VIEW)) == [30]


def test_same_luma_other_hue(tmp_path: Path, worlds: list[str]) -> None:
    pytest.importorskip("scenedetect")
    shade = f"{still(worlds[4])},format=gray,format=yuv444p"
    parts = [(f"{shade},geq=lum='90+lum(X,Y)/4':cb={cb}:cr={cr}", 25) for cb, cr in ((108, 152), (148, 104))]
    graph = sequence(parts).replace("yuv420p", "yuv444p")
    seen = pictures(render(tmp_path / "clip.mp4", graph, 50, LOSSLESS), with_bgr=True)
    assert np.abs(seen[24].tiny[..., 0].astype(int) - seen[25].tiny[..., 0]).max() == 0
    assert cuts(detect(seen, VIEW)) == [25]
    assert detect(seen, ShotView(method="luma", threshold=0.05)) == []


def test_the_first_of_two_close_cuts_is_kept(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    parts = [(still(worlds[0]), 30), (still(worlds[1]), 14), (still(worlds[2]), 16), (still(worlds[3]), 20)]
    seen = see(sequence(parts), 80)
    assert cuts(detect(seen, VIEW)) == [30, 60]
    assert cuts(detect(seen, replace(VIEW, min_length_s=0.5))) == [30, 44, 60]


@pytest.mark.parametrize("left", [1, 2, 3, 5])
def test_a_cut_just_before_the_end(see: Callable[..., list[Picture]], worlds: list[str], left: int) -> None:
    parts = [(still(worlds[0]), 30), (still(worlds[1]), left)]
    assert cuts(detect(see(sequence(parts), 30 + left), VIEW)) == [30]


def test_a_cut_into_motion_and_a_flash_after_it(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    parts = [(still(worlds[0]), 30), (still(worlds[4]), 1), (WHITE, 2), (pan(worlds[4], 10), 30)]
    assert cuts(detect(see(sequence(parts), 63), VIEW)) == [30]


def test_the_minimum_length_is_in_seconds_of_pts(see: Callable[..., list[Picture]], worlds: list[str]) -> None:
    parts = [(still(worlds[0]), 20), (still(worlds[1]), 10), (still(worlds[2]), 10), (still(worlds[3]), 10)]
    # Slow pictures first, then quick ones: ten of them are 1 s, then 0.4 s.
    graph = sequence(parts).replace("[out]", ",setpts='if(lt(N,30),N*0.1,3+(N-30)*0.04)/TB'[out]")
    seen = see(graph, 50)
    assert seen[30].time_s == pytest.approx(3.0, abs=1e-3)
    assert seen[40].time_s == pytest.approx(3.4, abs=1e-3)
    assert cuts(detect(seen, VIEW)) == [20, 30]


def test_no_and_single_pictures() -> None:
    assert detect([], VIEW) == []
    flat = Picture(0, 0.0, np.full(128, 1 / 128, np.float32), 0.0, np.zeros((9, 16, 3), np.uint8))
    assert detect([flat], VIEW) == []
    assert detect([flat, flat._replace(frame=1, time_s=1.0)], VIEW) == []


def test_the_same_again(see: Callable[..., list[Picture]]) -> None:
    seen = see(sequence(PARTS), sum(count for _, count in PARTS))
    again = see(sequence(PARTS), sum(count for _, count in PARTS))
    assert all(
        (one.histogram == two.histogram).all() and (one.tiny == two.tiny).all()
        for one, two in zip(seen, again, strict=True)
    )
    assert detect(seen, VIEW) == detect(again, VIEW)


def test_methods() -> None:
    assert METHODS == ("adaptive", "content", "histogram", "luma")
    with pytest.raises(ValueError, match=r"unknown shot method 'guess'.*adaptive, content, histogram, luma"):
        make(ShotView(method="guess"))
