"""The sample corpus: short music videos whose picture and sound are both drawn from one hidden mood per clip."""

from pipeline.sample.corpus import make_corpus
from pipeline.sample.mood import MOODS, Mood, Plan, plan

__all__ = ["MOODS", "Mood", "Plan", "make_corpus", "plan"]
