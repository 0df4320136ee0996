"""Networks whose neurons fire several times, or whose outputs do not fire."""

from .engine import TrainsEngine

__all__ = ["TrainsEngine"]
