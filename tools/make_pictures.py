"""Draws the pictures of docs/features: what each feature of the sound looks like for one clip of the sample corpus.

Run it after a change of the numbers: ``pip install -e '.[docs]'``, ``python tools/make_pictures.py``, then
``python tools/make_docs.py``. The clip is made on the spot, so anybody gets the same pictures.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from pipeline.sample import make_corpus
from transforms import features
from transforms.decoding import decode_clip
from transforms.features import SoundExtractor
from transforms.features.base import Rows
from transforms.music.layout import BLOCKS, COMPONENT_ROWS, COMPONENTS
from transforms.views import Sound

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "features" / "images"
#: Length of the clip in seconds: longer than the excerpt of 29.12 s.
_CLIP_S = 32.0
_DPI, _COLOURS = 72, 128


def compute(clip: Path, name: str) -> Rows:
    """A feature of the clip under its default parameters."""
    feature = features.get(name)
    assert isinstance(feature, SoundExtractor)
    parameters = feature.card.defaults()
    view = feature.view(parameters)
    decoded = decode_clip(clip, [view])
    sound = decoded.views[view]
    assert isinstance(sound, Sound)
    return feature.compute(sound, decoded.info.duration_s, parameters)


def save(figure: plt.Figure, stem: str) -> None:
    """Write one picture with a palette, which takes a third of the bytes."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    whole = io.BytesIO()
    figure.savefig(whole, dpi=_DPI)
    plt.close(figure)
    picture = Image.open(whole).convert("RGB").quantize(_COLOURS)
    picture.save(PICTURES / f"{stem}.png", optimize=True)
    print(f"{stem}.png")


def draw_blocks(rows: Rows) -> None:
    """One picture for each block of ``hpss380``: both components side by side."""
    assert rows.times_s is not None
    span = (rows.times_s[0], rows.times_s[-1])
    for block in BLOCKS:
        high = 2.6 if block.rows > 3 else 2.0
        figure, axes = plt.subplots(1, 2, figsize=(11, high), sharey=True, layout="constrained")
        for number, (axis, component) in enumerate(zip(axes, COMPONENTS, strict=True)):
            first = number * COMPONENT_ROWS + block.start
            values = rows.values[:, first : first + block.rows].T
            axis.set_title(f"{block.name}, {component}", fontsize=10)
            axis.set_xlabel("s on the clip's timeline")
            if block.rows > 3:
                extent = (*span, -0.5, block.rows - 0.5)
                image = axis.imshow(values, aspect="auto", origin="lower", vmin=-80, vmax=0, extent=extent)
            else:
                for row, line in enumerate(values):
                    axis.plot(rows.times_s, line, linewidth=0.6, label=f"row {first + row}")
                axis.set_ylim(-82, 2)
                axis.legend(fontsize=7, loc="lower left")
        axes[0].set_ylabel("row of the block" if block.rows > 3 else "dB")
        if block.rows > 3:
            figure.colorbar(image, ax=axes, label="dB", shrink=0.9)
        save(figure, f"hpss380-{block.name}")


def draw_matrix(name: str, rows: Rows, label: str, most: int = 400) -> None:
    """A sequence as a picture, at most so many rows of it."""
    assert rows.times_s is not None
    values, times = rows.values[:most].T, rows.times_s[:most]
    figure, axis = plt.subplots(figsize=(11, 3), layout="constrained")
    extent = (times[0], times[-1], -0.5, len(values) - 0.5)
    image = axis.imshow(values, aspect="auto", origin="lower", interpolation="nearest", extent=extent)
    axis.set_xlabel("s on the clip's timeline")
    axis.set_ylabel(label)
    figure.colorbar(image, ax=axis, label=features.get(name).card.unit[:30])
    save(figure, f"{name}-{name}")


def draw_vector(name: str, rows: Rows, statistics: list[str]) -> None:
    """A vector as one line for each statistic over the 380 rows."""
    figure, axes = plt.subplots(
        len(statistics), 1, figsize=(11, 1.4 * len(statistics)), sharex=True, layout="constrained"
    )
    for axis, statistic, line in zip(axes, statistics, np.split(rows.values, len(statistics)), strict=True):
        axis.plot(line, linewidth=0.8)
        axis.set_ylabel(statistic, fontsize=8)
        axis.axvline(COMPONENT_ROWS - 0.5, color="grey", linewidth=0.5)
    axes[-1].set_xlabel("row: harmonic 0-189, percussive 190-379")
    save(figure, f"{name}-{name}")


def draw_patches(rows: Rows) -> None:
    """The log-mel patches of VGGish beside each other, as the spectrogram that they were cut from."""
    patches = rows.values[:12].reshape(-1, 64)
    figure, axis = plt.subplots(figsize=(11, 2.6), layout="constrained")
    image = axis.imshow(patches.T, aspect="auto", origin="lower", interpolation="nearest")
    for border in range(96, len(patches), 96):
        axis.axvline(border - 0.5, color="white", linewidth=0.6)
    axis.set_xlabel("frame of 10 ms; a white line between two patches")
    axis.set_ylabel("mel band")
    figure.colorbar(image, ax=axis, label="log")
    save(figure, "logmel96-logmel96")


def main() -> None:
    """Draw all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        (clip,) = make_corpus(Path(folder) / "clips", 1, 0, _CLIP_S)
        draw_blocks(compute(clip, "hpss380"))
        draw_vector("hpss1140", compute(clip, "hpss1140"), ["mean", "variance", "maximum"])
        draw_vector("hpss2660", compute(clip, "hpss2660"), ["mean", "std", *(f"top {n}" for n in range(1, 6))])
        draw_matrix("hpss380_1s", compute(clip, "hpss380_1s"), "row")
        draw_matrix("mfcc32", compute(clip, "mfcc32"), "coefficient")
        draw_matrix("speech_spectrogram", compute(clip, "speech_spectrogram"), "bin of 10 Hz")
        draw_patches(compute(clip, "logmel96"))


if __name__ == "__main__":
    main()
