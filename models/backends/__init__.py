"""The libraries that run a frozen network on this machine's processor or GPU."""

from models.backends.base import DeviceError, FrameEncoder
from models.backends.select import load_encoder

__all__ = ["DeviceError", "FrameEncoder", "load_encoder"]
