"""Emulated chips from settings that a user types."""

from .analog import AnalogChip


def make_chip(preset, settings):
    """An emulated chip from the name of a preset, or None, and texts ``NAME=VALUE``."""
    values = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not of the form NAME=VALUE")
        values[name.strip()] = read_value(value.strip())
    try:
        if preset is None:
            return AnalogChip(**values)
        return AnalogChip.preset(preset, **values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def read_value(text):
    """The number that a text stands for; None for the text "none"."""
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    raise ValueError(f"{text!r} is not a number")
