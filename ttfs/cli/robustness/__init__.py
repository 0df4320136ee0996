"""``ttfs robustness``: what a chip costs, and what training in the loop recovers."""

from .command import register

__all__ = ["register"]
