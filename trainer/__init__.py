"""The separate stage that learns from a dataset. Imports neither Beam nor TensorFlow.

So far it reads: :func:`clip_arrays` gives the clip-level features of a split as matrices.
"""

from trainer.arrays import ClipArrays, clip_arrays

__all__ = ["ClipArrays", "clip_arrays"]
