"""The contact sheet of a clip: its shots and keyframes as plain records, and three ways to show them."""

from pipeline.sheets.data import KeyframeRow, SheetData, ShotRow

__all__ = ["KeyframeRow", "SheetData", "ShotRow"]
