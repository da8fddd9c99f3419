"""Writes the pages of docs/ that follow from the code: one for each feature card and one for each recipe.

Run it after a change to a card or a recipe: ``python tools/make_docs.py``. A test compares the pages with the code.
"""

from __future__ import annotations

from pathlib import Path

from models import backbones
from pipeline import recipes
from transforms import features
from transforms.features import Derivation, Extractor

DOCS = Path(__file__).resolve().parent.parent / "docs"
_NOTE = "<!-- written by tools/make_docs.py; change the card, not this page -->\n"


def feature_page(name: str) -> str:
    """The page of a feature."""
    feature = features.get(name)
    card = feature.card
    lines = [_NOTE, f"# {card.name}", "", f"{card.about[0].upper()}{card.about[1:]}.", "", f"Source: {card.paper}.", ""]
    layout = f"a row every {card.hop_s:g} s" if card.layout == "sequence" else "one vector a clip"
    facts = [
        ("layout", layout),
        ("dimensions", str(card.dims or "as many as the projection has")),
        ("stored as", card.dtype),
        ("unit", card.unit),
        ("tolerance between backends", f"{card.tolerance:g} of the clip's largest value"),
        ("version", str(card.version)),
    ]
    if isinstance(feature, Extractor):
        network = backbones.get(feature.backbone)
        facts.append(("network", f"{network.name}, weights {network.checkpoint.filename} ({network.checkpoint.url})"))
    else:
        facts.append(("derived from", f"[{card.input}]({card.input}.md)"))
        if isinstance(feature, Derivation) and feature.projection is not None:
            kind = "whitening" if feature.projection.whiten else "PCA without whitening"
            facts.append(("projection", f"{kind}, fitted on the training split"))
    lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts), ""]
    lines += ["## Parameters", "", "Set one with `--set " + f"{card.name}.PARAMETER=VALUE`.", ""]
    lines += ["| parameter | default | from | meaning |", "|---|---|---|---|"]
    for key, known in card.parameters.items():
        choices = f" (one of {', '.join(map(str, known.choices))})" if len(known.choices) > 1 else ""
        lines.append(f"| `{key}` | `{known.value}` | {known.source} | {known.note}{choices} |")
    function = feature.compute if isinstance(feature, Derivation) else feature.view
    lines += ["", "## Computation", "", " ".join((function.__doc__ or "").split()), ""]
    return "\n".join(lines)


def recipe_page(name: str) -> str:
    """The page of a recipe."""
    recipe = recipes.load(name)
    lines = [_NOTE, f"# Recipe {recipe.name}", "", f"{recipe.about}.", "", f"Source: {recipe.paper}.", ""]
    lines += [
        f"    reelscore run {recipe.name} --input VIDEOS --output DATASET",
        "",
        "| feature | what it is |",
        "|---|---|",
    ]
    lines += [f"| [{f}](../features/{f}.md) | {features.get(f).card.about} |" for f in recipe.features]
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
