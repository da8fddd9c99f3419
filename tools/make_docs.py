"""Writes the pages of docs/ that follow from the code: one for each feature card and one for each recipe.

Run it after a change to a card or a recipe: ``python tools/make_docs.py``. A test compares the pages with the code.
"""

from __future__ import annotations

from pathlib import Path

from models import backbones
from pipeline import recipes
from transforms import features
from transforms.card import Card, Parameter
from transforms.features import Feature, NetworkExtractor, ShotExtractor, SoundExtractor
from transforms.music.layout import BLOCKS, COMPONENT_ROWS, COMPONENTS, ROWS

DOCS = Path(__file__).resolve().parent.parent / "docs"
PICTURES = DOCS / "features" / "images"
_NOTE = "<!-- written by tools/make_docs.py; change the card, not this page -->\n"
#: Features made of the 380 rows, and the statistics that follow each other in a vector.
_STATISTICS = {
    "hpss380": [],
    "hpss380_1s": [],
    "hpss1140": ["mean", "variance", "maximum"],
    "hpss2660": ["mean", "standard deviation", "largest", "second", "third", "fourth", "fifth largest"],
}


def feature_page(name: str) -> str:
    """The page of a feature."""
    feature = features.get(name)
    card = feature.card
    lines = [_NOTE, f"# {card.name}", "", f"{card.about[0].upper()}{card.about[1:]}.", "", f"Source: {card.paper}.", ""]
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in _facts(feature)), ""]
    lines += ["## Parameters", "", "Set one with `--set " + f"{card.name}.PARAMETER=VALUE`.", ""]
    chooser = card.chooser[0]
    shared = card.known() if not card.contracts else {**card.parameters, chooser: card.known()[chooser]}
    lines += ["| parameter | default | from | meaning |", "|---|---|---|---|"]
    lines += [f"| `{key}` | `{known.value}` | {known.source} | {_meaning(known)} |" for key, known in shared.items()]
    lines += _contract_lines(card)
    lines += _column_lines(card)
    function = feature.view if isinstance(feature, NetworkExtractor) else feature.compute
    lines += ["", "## Computation", "", " ".join((function.__doc__ or "").split()), ""]
    if name in _STATISTICS:
        lines += _row_lines(name)
    return "\n".join([*lines, *_picture_lines(name)])


def _facts(feature: Feature) -> list[tuple[str, str]]:
    card = feature.card
    layout = "one vector a clip"
    if card.layout == "sequence":
        layout = f"a row every {card.hop_s:g} s" if card.hop_s is not None else f"a row is {card.row}"
    facts = [
        ("layout", layout),
        ("dimensions", str(card.dims or "as many as the projection has")),
        ("stored as", card.dtype),
        ("unit", card.unit),
        ("tolerance between backends", f"{card.tolerance:g} of the clip's largest value"),
        ("version", str(card.version)),
    ]
    if isinstance(feature, NetworkExtractor):
        network = backbones.get(feature.backbone)
        facts.append(("network", f"{network.name}, weights {network.checkpoint.filename} ({network.checkpoint.url})"))
    elif isinstance(feature, SoundExtractor):
        view = feature.view(card.defaults())
        part = f"{view.excerpt_s:g} s around the middle of the track" if view.excerpt_s else "the clip's timeline"
        facts.append(("listens to", f"{part}, one channel at {view.rate_hz:,} Hz"))
        if feature.dims is not None:
            facts[1] = ("dimensions", f"{feature.dims(card.defaults())} (follows from the parameters)")
    elif isinstance(feature, ShotExtractor):
        facts.append(("looks at", "every picture, in small; the pictures that stand for each shot"))
        if card.follows:
            links = ", ".join(f"[{name}]({name}.md)" for name in card.follows)
            facts.append(("follows", f"{links}: what is set there holds here"))
    else:
        facts.append(("derived from", f"[{card.input}]({card.input}.md)"))
        if feature.projection is not None:
            kind = "whitening" if feature.projection.whiten else "PCA without whitening"
            facts.append(("projection", f"{kind}, fitted on the training split"))
    return facts


def _meaning(known: Parameter) -> str:
    choices = f" (one of {', '.join(map(str, known.choices))})" if len(known.choices) > 1 else ""
    return f"{known.note}{choices}"


def _contract_lines(card: Card) -> list[str]:
    """A table with a column for each contract."""
    if not card.contracts:
        return []
    names = list(card.contracts)
    chooser, meaning = card.chooser
    lines = ["", f"## {chooser.capitalize()}s: {', '.join(names)}", ""]
    lines += [f"`{chooser}`: {meaning}.", ""]
    lines += [f"| parameter | {' | '.join(names)} | choices |", "|---|" + "---|" * (len(names) + 1)]
    for key in card.contracts[names[0]]:
        each = [card.contracts[name][key] for name in names]
        cells = [f"`{known.value}` ({known.source}: {known.note})" for known in each]
        if len({known.value for known in each}) == 1:
            cells[1:] = ["the same"] * (len(each) - 1)
        lines.append(f"| `{key}` | {' | '.join(cells)} | {', '.join(map(str, each[0].choices))} |")
    return lines


def _column_lines(card: Card) -> list[str]:
    """What stands beside the values."""
    if not card.columns:
        return []
    lines = ["", "## Columns", "", "Beside `values`, `times_s` and `mask`, one for each row.", ""]
    lines += ["| column | type | |", "|---|---|---|"]
    return lines + [f"| `{name}` | {column.type} | {column.about} |" for name, column in card.columns.items()]


def _row_lines(name: str) -> list[str]:
    """Which number stands where in the 380 rows."""
    statistics = _STATISTICS[name]
    lines = ["## Rows", ""]
    if statistics:
        spans = [f"{i * ROWS}-{(i + 1) * ROWS - 1} {statistic}" for i, statistic in enumerate(statistics)]
        lines += [f"Statistics over the frames, each of the 380 rows below: {', '.join(spans)}.", ""]
    lines += [f"| {' | '.join(COMPONENTS)} | block | what it is before scaling |", "|---|---|---|---|"]
    for block in BLOCKS:
        spans = []
        for component in range(len(COMPONENTS)):
            first = component * COMPONENT_ROWS + block.start
            spans.append(f"{first}-{first + block.rows - 1}" if block.rows > 1 else f"{first}")
        lines.append(f"| {' | '.join(spans)} | `{block.name}` | {block.meaning} |")
    return [*lines, ""]


def _picture_lines(name: str) -> list[str]:
    """The pictures that tools/make_pictures.py has drawn of the feature."""
    order = {f"{name}-{block.name}": number for number, block in enumerate(BLOCKS)}
    found = sorted(PICTURES.glob(f"{name}-*.png"), key=lambda path: (order.get(path.stem, 0), path.stem))
    if not found:
        return []
    lines = ["## Pictures", "", "Of a clip of the sample corpus, under the default parameters.", ""]
    for path in found:
        lines += [f"![{path.stem.removeprefix(name + '-')}](images/{path.name})", ""]
    return lines


def recipe_page(name: str) -> str:
    """The page of a recipe."""
    recipe = recipes.load(name)
    lines = [_NOTE, f"# Recipe {recipe.name}", "", f"{recipe.about}.", "", f"Source: {recipe.paper}.", ""]
    lines += [
        f"    reelscore run {recipe.name} --input VIDEOS --output DATASET",
        "",
        "| feature | what it is | set by the recipe |",
        "|---|---|---|",
    ]
    for feature in recipe.features:
        given = ", ".join(f"`{key}={value}`" for key, value in recipe.parameters.get(feature, {}).items())
        lines.append(f"| [{feature}](../features/{feature}.md) | {features.get(feature).card.about} | {given} |")
    lines += ["", "| index | feature | metric |", "|---|---|---|"]
    lines += [f"| `{i.name}` | [{i.feature}](../features/{i.feature}.md) | {i.metric} |" for i in recipe.indexes]
    return "\n".join([*lines, ""])


def pages() -> dict[Path, str]:
    """Every generated page: path -> text."""
    found = {DOCS / "features" / f"{name}.md": feature_page(name) for name in features.names()}
    return found | {DOCS / "recipes" / f"{name}.md": recipe_page(name) for name in recipes.names()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(DOCS.parent))
