"""The jobs: reading input, extracting, fitting, deriving, indexing; the store, the recipes and the command line.

``pipeline.store`` and ``pipeline.indexing`` know nothing of Beam; only ``pipeline.jobs`` imports it.
"""

__version__ = "0.1.0"
