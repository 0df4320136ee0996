"""The error of all readers."""


class DataError(ValueError):
    """A data set that cannot be used; the message is one line."""
