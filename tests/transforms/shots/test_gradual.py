"""Dissolves and fades through black, within their span; and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from clips import BLACK, RED, TEAL, TESTSRC, WHITE, detect, pictures, render, sequence, source, world

from transforms.shots.detector import Boundary
from transforms.views import ShotView

VIEW = ShotView(method="histogram", threshold=0.08)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("sources")
    worlds = [world(folder / f"{seed}.png", seed) for seed in range(8)]
    window = "crop=w=320:h=180"
    zoomed = "zoompan=z='1+0.02*on':d=1:x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':s=320x180:fps={r}"
    return {
        "still 1": f"{worlds[1]},{window}:x=0:y=0",
        "still 2": f"{worlds[2]},{window}:x=0:y=0",
        "still 5": f"{worlds[5]},{window}:x=0:y=0",
        "pan 3": f"{worlds[3]},{window}:x='n*3':y=n",
        "pan 4": f"{worlds[4]},{window}:x='n*4':y=n",
        "pan 7": f"{worlds[7]},{window}:x='n*2':y=n",
        "zoom 6": f"{worlds[6]},{zoomed}",
        "grey 1": f"{worlds[1]},{window}:x=0:y=0,hue=s=0",
        "grey 2": f"{worlds[2]},{window}:x=0:y=0,hue=s=0",
        "dull 5": f"{worlds[5]},{window}:x=0:y=0,hue=s=0.15,lutyuv=y=val*0.6+50",
        "dull 6": f"{worlds[6]},{window}:x=0:y=0,hue=s=0.15,lutyuv=y=val*0.6+50",
        "tests": TESTSRC,
        "teal": TEAL,
        "red": RED,
    }


def dissolve(one: str, other: str, length_s: float, rate: int = 25, offset: float = 1.52) -> tuple[str, int]:
    """A graph, and how many pictures it makes."""
    frames = round((offset + length_s + 1.6) * rate)
    even = f"format=yuv420p,setsar=1,settb=1/90000,fps={rate}"
    first, second = (f"{source(name, str(rate))},{even},trim=duration={offset + length_s + 2}" for name in (one, other))
    graph = f"{first}[a];{second}[b];[a][b]xfade=transition=fade:duration={length_s}:offset={offset}[out]"
    return graph, frames


@pytest.mark.parametrize("length_s", [0.4, 0.6, 1.0, 1.4, 2.0])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("still 1", "still 2"),
        ("pan 3", "pan 4"),
        ("tests", "still 5"),
        ("zoom 6", "pan 7"),
        ("teal", "red"),
        # bug: black and white films, and scenes of like colours, were taken for one scene in another light
        ("grey 1", "grey 2"),
        ("dull 5", "dull 6"),
    ],
)
def test_dissolves(tmp_path: Path, sources: dict[str, str], one: str, other: str, length_s: float) -> None:
    graph, frames = dissolve(sources[one], sources[other], length_s)
    (found,) = detect(pictures(render(tmp_path / "clip.mp4", graph, frames)), VIEW)
    begin, end = 38, 38 + length_s * 25
    middle = (begin + end) / 2
    assert begin <= found.frame < end
    assert found.frame == pytest.approx(middle, abs=2 + 0.1 * length_s * 25)
    assert found.span[0] <= middle <= found.span[1]
    assert found.span[0] == pytest.approx(begin, abs=3 + 0.15 * length_s * 25)
    assert found.span[1] == pytest.approx(end, abs=3 + 0.15 * length_s * 25)


@pytest.mark.parametrize("rate", [12, 60])
def test_dissolves_at_other_rates(tmp_path: Path, sources: dict[str, str], rate: int) -> None:
    graph, frames = dissolve(sources["still 1"], sources["still 2"], 1.0, rate, offset=2.0)
    (found,) = detect(pictures(render(tmp_path / "clip.mp4", graph, frames)), VIEW)
    assert found.frame == pytest.approx(2.5 * rate, abs=3)
    assert found.span == pytest.approx((2 * rate, 3 * rate), abs=4)


def test_none_where_they_are_not_looked_for(tmp_path: Path, sources: dict[str, str]) -> None:
    graph, frames = dissolve(sources["still 1"], sources["still 2"], 1.0)
    seen = pictures(render(tmp_path / "clip.mp4", graph, frames))
    assert detect(seen, ShotView(threshold=0.08, gradual=False)) == []


@pytest.mark.parametrize("length_s", [0.4, 1.0, 2.0])
@pytest.mark.parametrize("colour", ["black", "white"])
def test_one_boundary_in_a_fade_through_black(
    tmp_path: Path, sources: dict[str, str], colour: str, length_s: float
) -> None:
    half = round(length_s * 25 / 2)
    parts = [
        (f"{sources['still 1']},format=yuv420p,fade=out:40:{half}:color={colour}", 40 + half + 3),
        (f"{sources['pan 4']},format=yuv420p,fade=in:0:{half}:color={colour}", 40 + half),
    ]
    (found,) = detect(pictures(render(tmp_path / "clip.mp4", sequence(parts), 83 + 2 * half)), VIEW)
    assert 40 + half - 2 <= found.frame <= 40 + half + 5
    assert found.span[0] == pytest.approx(40, abs=3)
    assert 43 + 2 * half - 3 <= found.span[1] <= 43 + 2 * half + 6


def test_no_boundary_where_the_same_scene_comes_back(tmp_path: Path, sources: dict[str, str]) -> None:
    shown = f"{sources['still 1']},format=yuv420p"
    parts = [(f"{shown},fade=out:40:12", 55), (f"{shown},fade=in:0:12", 50)]
    assert detect(pictures(render(tmp_path / "clip.mp4", sequence(parts), 105)), VIEW) == []


def test_a_cut_to_black_and_a_fade_in_are_one_boundary(tmp_path: Path, sources: dict[str, str]) -> None:
    parts = [(sources["still 1"], 30), (BLACK, 25), (f"{sources['still 2']},format=yuv420p,fade=in:0:20", 50)]
    found = detect(pictures(render(tmp_path / "clip.mp4", sequence(parts), 105)), VIEW)
    assert found == [Boundary(30, (30, 30))]


@pytest.mark.parametrize("shown", ["pan 3", "pan 7", "zoom 6"])
def test_motion_is_no_dissolve(tmp_path: Path, sources: dict[str, str], shown: str) -> None:
    graph = f"{source(sources[shown])},format=yuv420p[out]"
    assert detect(pictures(render(tmp_path / "clip.mp4", graph, 150)), VIEW) == []


def test_a_change_of_light_is_none(tmp_path: Path, sources: dict[str, str]) -> None:
    shown = f"{source(sources['still 1'])},format=yuv420p,eq=eval=frame:brightness='-0.4+0.4*min(1,max(0,(n-30)/20))'"
    assert detect(pictures(render(tmp_path / "clip.mp4", f"{shown}[out]", 90)), VIEW) == []


def test_a_cut_within_the_window_is_a_cut(tmp_path: Path, sources: dict[str, str]) -> None:
    parts = [(sources["pan 3"], 40), (sources["pan 4"], 20), (WHITE, 2), (sources["pan 4"], 30)]
    found = detect(pictures(render(tmp_path / "clip.mp4", sequence(parts), 92)), VIEW)
    assert found == [Boundary(40, (40, 40))]


def test_a_dissolve_leaves_no_shot_too_short(tmp_path: Path, sources: dict[str, str]) -> None:
    graph, frames = dissolve(sources["still 1"], sources["still 2"], 0.4)
    seen = pictures(render(tmp_path / "clip.mp4", graph, frames))
    (found,) = detect(seen, VIEW)
    assert detect(seen, ShotView(threshold=0.08, min_length_s=seen[found.frame].time_s + 0.1)) == []


def test_a_cut_soon_after_a_dissolve_is_the_surer_one(tmp_path: Path, sources: dict[str, str]) -> None:
    graph, _ = dissolve(sources["still 1"], sources["still 2"], 0.4)
    graph = graph.replace("[out]", f",trim=end_frame=50,setpts=N/25/TB[x];{source(sources['still 5'])},format=yuv420p,"
                          "setsar=1,settb=1/90000,trim=end_frame=30[y];[x][y]concat=n=2:v=1:a=0,settb=1/90000,"
                          "setpts=N/25/TB[out]")  # fmt: skip
    found = detect(pictures(render(tmp_path / "clip.mp4", graph, 80)), VIEW)
    assert found == [Boundary(50, (50, 50))]
