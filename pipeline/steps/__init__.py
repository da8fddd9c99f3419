"""The steps of a run: extract, fit, derive, index. Each does what is missing and says what it did.

They import Beam only when there is work for it, so that a run with nothing to do ends at once.
"""

from pipeline.steps.derive import derive
from pipeline.steps.extract import extract
from pipeline.steps.fit import fit, import_projection
from pipeline.steps.index import build_indexes
from pipeline.steps.report import Report, Say

__all__ = ["Report", "Say", "build_indexes", "derive", "extract", "fit", "import_projection"]
