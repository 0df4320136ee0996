"""Files of figures; they need matplotlib."""

from .data import DataError
from .output import check_path

FORMATS = (".png", ".svg", ".pdf")


def check_figure(path):
    """The path of a figure, which can be drawn.

    Raises DataError if matplotlib is missing, the ending of the file is no known
    format, or the file cannot be written.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise DataError(
            'a figure needs matplotlib: pip install "scikit-ttfs[plot]"'
        ) from None
    return check_path(path, FORMATS)


def save(figure, path):
    """Write a figure to a path; the same numbers make the same file."""
    from matplotlib import rc_context

    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "ttfs"}):
        figure.savefig(path, dpi=150, metadata=undated.get(path.suffix.lower()))
