"""Decimal arithmetic, which has the same digits on every platform."""

from decimal import ROUND_FLOOR, Decimal

DIGITS = 40
_EXACT = Decimal("1e-25")  # a number nearer to a fraction than this is that fraction


def snap(x):
    """A number without rounding errors, so that ties on paper are ties here."""
    return x.quantize(_EXACT)


def floor(x):
    """The greatest integer that is not above a number."""
    return int(snap(x).to_integral_value(ROUND_FLOOR))


def nearest(x):
    """A number rounded to the nearest integer, halves up."""
    return floor(x + Decimal("0.5"))


def log2(x):
    """The logarithm of a number to the base 2."""
    return x.ln() / Decimal(2).ln()
