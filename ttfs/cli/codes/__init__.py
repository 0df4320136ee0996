"""``ttfs codes``: codes and learning rules beside each other, on the user's data."""

from .command import register

__all__ = ["register"]
