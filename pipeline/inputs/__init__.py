"""Reading the input: a folder, a glob, a manifest or one file becomes a list of clips with an id and a split."""

from pipeline.inputs.clip import InputClip
from pipeline.inputs.read import read_input
from pipeline.inputs.splits import DEFAULT_FRACTIONS, assign_split, parse_fractions

__all__ = ["DEFAULT_FRACTIONS", "InputClip", "assign_split", "parse_fractions", "read_input"]
