"""The dataset on disk: layout, schemas, writing of parts, reading. Free of Beam, so that trainers can import it."""

from pipeline.store.dataset import Dataset
from pipeline.store.layout import FORMAT_VERSION, shard_of
from pipeline.store.read import FeatureRows

__all__ = ["FORMAT_VERSION", "Dataset", "FeatureRows", "shard_of"]
