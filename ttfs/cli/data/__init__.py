"""Data sets of the command line: bundled ones by name, and files."""

from .reading import DataError, Reading
from .sets import BUNDLED, FILES, Data, data_names, load_data, read_data

__all__ = [
    "BUNDLED",
    "FILES",
    "Data",
    "DataError",
    "Reading",
    "data_names",
    "load_data",
    "read_data",
]
