"""The sentence that describes a clip, so that text can be searched for as well."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sample.mood import SHAPES, Plan, blend

#: What each shape family looks like.
SHAPE_WORDS = {
    "waves": "rolling waves",
    "orbs": "bouncing balls",
    "rain": "falling rain",
    "shards": "jagged stripes",
    "rays": "turning sunbeams",
    "bokeh": "drifting soft lights",
}
COLOUR_WORDS = {
    "calm": "teal",
    "joyful": "orange and yellow",
    "melancholic": "grey-blue",
    "tense": "red and black",
    "epic": "gold and purple",
    "dreamy": "pink and violet",
}


def step(value: float, edges: Sequence[float], words: Sequence[str]) -> str:
    """The word of the interval that holds ``value``; there is one word more than edges."""
    return words[sum(value >= edge for edge in edges)]


def sentence(plan: Plan) -> str:
    """One sentence on the mood, colours, shapes, cuts, tempo, instrument and drums of a clip."""
    look, tune = plan.look, plan.tune
    parts = blend(plan.mood)
    nearest = max(parts, key=lambda name: parts[name])
    size = step(look.scale, (0.8, 1.3), ("small", "medium-sized", "large"))
    motion = step(look.speed, (0.6, 1.3), ("slow", "steady", "fast"))
    light = step(plan.mood.valence, (-0.3, 0.4), ("dark", "muted", "bright"))
    tempo = step(tune.bpm, (80.0, 120.0), ("slow", "unhurried", "quick"))
    drums = step(tune.drums, (0.15, 0.7), ("no drums", "light drums", "driving drums"))
    gains = {"pads": tune.pad, "plucked strings": tune.pluck, "bells": tune.bell, "brass": tune.brass}
    lead = max(gains, key=lambda name: gains[name])
    article = "An" if plan.mood.name[0] in "aeiou" else "A"
    shape = SHAPE_WORDS[SHAPES[nearest]]
    return (
        f"{article} {plan.mood.name} clip of {motion}, {size} {shape} in {light} {COLOUR_WORDS[nearest]}, "
        f"with {tempo} {lead} and {drums} at {tune.bpm:.0f} beats a minute."
    )
