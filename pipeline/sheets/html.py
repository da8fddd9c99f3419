"""The sheet as one HTML file that needs nothing else: pictures inside, no scripts, light and dark."""

from __future__ import annotations

import base64
from html import escape

from pipeline.sheets.data import KeyframeRow, SheetData, ShotRow, gate, number, stamp

# the policy makes sure that the file asks no one for anything, whatever a name in it says
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --page: #fff; --ink: #1c1c1c; --faint: #5c5c5c; --line: #c9c9c9; --card: #f3f3f3;
  --even: #9db7d5; --odd: #c3d3e6; --hatch: #33475f; --mark: #b3261e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --page: #161616; --ink: #ececec; --faint: #a6a6a6; --line: #474747;
  --card: #222; --even: #41618a; --odd: #2c4260; --hatch: #b9cbe2; --mark: #ff8a80; }} }}
body {{ margin: 1.5rem; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }}
h1 {{ font-size: 1.2rem; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: 1rem; margin: 1.8rem 0 .6rem; }}
p {{ margin: .2rem 0; color: var(--faint); overflow-wrap: anywhere; }}
.bar {{ position: relative; height: 2.2rem; margin-top: 1.6rem; }}
.bar * {{ position: absolute; top: 0; bottom: 0; }}
.shot {{ background: var(--even); }}
.shot.odd {{ background: var(--odd); }}
.fade {{ background: repeating-linear-gradient(45deg, var(--hatch) 0 2px, transparent 2px 6px); }}
.bar .mark {{ top: -.75rem; width: 0; border-left: 2px solid var(--mark); margin-left: -1px; }}
.bar .mark::before {{ content: ""; position: absolute; left: -6px; top: -2px; width: 10px; height: 10px;
  border-radius: 50%; background: var(--mark); }}
.ends {{ display: flex; justify-content: space-between; color: var(--faint); font-size: .85rem; }}
.grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem; }}
figure {{ margin: 0; padding: .6rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }}
figure:target {{ outline: 2px solid var(--mark); }}
figure img {{ display: block; width: 100%; height: 11rem; object-fit: contain; background: #000; }}
figcaption {{ margin-top: .4rem; font-variant-numeric: tabular-nums; }}
figcaption span {{ color: var(--faint); }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }}
th {{ font-weight: 600; color: var(--faint); }}
</style>
</head>
"""


def page(data: SheetData) -> str:
    """The whole file."""
    parts = [
        _HEAD.format(title=escape(f"Contact sheet of {data.clip_id}")),
        "<body>\n",
        f"<h1>{escape(data.clip_id)}</h1>\n<p>{escape(data.uri)}</p>\n<p>{escape(data.headline)}</p>\n",
        f"<p>Scored by {escape(data.scorer)}.</p>\n" if data.scorer else "",
        *(f"<p>{escape(line)}</p>\n" for line in data.missing),
        _bar(data),
    ]
    if data.keyframes is not None:
        cards = "".join(_card(i, keyframe) for i, keyframe in enumerate(data.keyframes))
        parts.append("<h2>Keyframes</h2>\n" + (f'<div class="grid">\n{cards}</div>\n' if cards else "<p>None.</p>\n"))
    if data.shots is not None:
        parts.append("<h2>Shots</h2>\n" + (_shots(data) if data.shots else "<p>None.</p>\n"))
    return "".join(parts) + "</body>\n</html>\n"


def _bar(data: SheetData) -> str:
    if not data.shots and not data.keyframes:
        return ""
    shots = "".join(_shot(data, s) for s in data.shots or ())
    fades = "".join(
        f'<i class="fade" style="{_place(data, s.gradual_start_s, s.gradual_end_s)}"></i>\n'
        for s in data.shots or ()
        if s.gradual
    )
    marks = "".join(
        f'<a class="mark" href="#k{i}" title="keyframe {stamp(k.time_s)}" style="{_place(data, k.time_s)}"></a>\n'
        for i, k in enumerate(data.keyframes or ())
    )
    about = "Timeline: shots to scale; hatched: dissolves; marked: keyframes"
    ends = f'<div class="ends"><span>0:00.000</span><span>{about}</span><span>{stamp(data.span_s)}</span></div>\n'
    return f'<div class="bar" role="group" aria-label="{about}">\n{shots}{fades}{marks}</div>\n{ends}'


def _shot(data: SheetData, shot: ShotRow) -> str:
    odd = " odd" if shot.number % 2 else ""
    tip = f"shot {shot.number}: {stamp(shot.start_s)}-{stamp(shot.end_s)}, {shot.begins}, score {number(shot.score)}"
    return f'<i class="shot{odd}" title="{tip}" style="{_place(data, shot.start_s, shot.end_s)}"></i>\n'


def _place(data: SheetData, start_s: float, end_s: float | None = None) -> str:
    scale = 100 / data.span_s if data.span_s > 0 else 0.0
    width = "" if end_s is None else f";width:{(end_s - start_s) * scale:.4f}%"
    return f"left:{start_s * scale:.4f}%{width}"


def _card(index: int, keyframe: KeyframeRow) -> str:
    picture = base64.b64encode(keyframe.thumbnail).decode("ascii")
    about = f"shot {keyframe.shot}, frame {keyframe.frame}"
    return (
        f'<figure id="k{index}">\n'
        f'<img alt="{about} at {stamp(keyframe.time_s)}" src="data:image/jpeg;base64,{picture}">\n'
        f"<figcaption><b>{stamp(keyframe.time_s)}</b> {about}<br>score {number(keyframe.score)} "
        f"<span>({gate(keyframe)} the gate)</span>, difference {number(keyframe.difference)}</figcaption>\n</figure>\n"
    )


def _shots(data: SheetData) -> str:
    keys = {k.shot for k in data.keyframes or ()}
    header = ("shot", "start", "end", "length", "frame", "frames", "begins", "jump", "score", "of key", "keyframe")
    rows = [
        [*s.cells(), number(s.jump), number(s.score), number(s.key_score), "yes" if s.number in keys else ""]
        for s in data.shots or ()
    ]
    head = "".join(f"<th>{name}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{body}</table></div>\n'
