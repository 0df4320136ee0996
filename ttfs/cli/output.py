"""Files of results, .json, .csv or .md, and of figures, which need matplotlib."""

import csv
import io
import json
import tempfile
from pathlib import Path

from .._files import write_text
from .data import DataError

_SUFFIXES = (".json", ".csv", ".md")
FIGURES = (".png", ".svg", ".pdf")


def check_out(path):
    """The path of a file of results, which can be written: see `check_path`."""
    return check_path(path, _SUFFIXES)


def check_figure(path):
    """The path of a figure, which can be drawn."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise DataError(
            'a figure needs matplotlib: pip install "scikit-ttfs[plot]"'
        ) from None
    return check_path(path, FIGURES)


def check_path(path, suffixes):
    """The path of a file with one of the suffixes, which can be written.

    Nothing is written, so that a training that fails leaves old results as they are.
    """
    text, path = str(path), Path(path)
    if path.suffix.lower() not in suffixes:
        *first, last = suffixes
        raise DataError(f"{text!r} does not end in {', '.join(first)} or {last}")
    try:
        if path.exists():
            path.open("r+b").close()
        tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        message = f"{text!r} cannot be written: {error.strerror}"
        raise DataError(message) from error
    return path


def write_results(path, settings, results, table, notes, **others):
    """Write what a command found, in the format that the suffix of the path says.

    A .json file has the settings, on which the results depend, the results, the notes
    for a reader, and others by name; a .csv file the results, which are dicts with the
    same keys; a .md file the printed table, titles first, and the notes.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        content = {"settings": settings, "results": results, "notes": notes, **others}
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    elif suffix == ".csv":
        names = list(results[0]) if results else []
        text = csv_text([names, *([result[k] for k in names] for result in results)])
    else:
        titles, *rows = table
        width = len(titles)
        rule = ["---"] * min(2, width) + ["---:"] * (width - 2)
        rows = [[*row, *[""] * (width - len(row))] for row in rows]
        lines = [_markdown(row) for row in (titles, rule, *rows)]
        # What is indented goes on with the note before.
        items = [note if note.startswith("  ") else f"- {note}" for note in notes]
        text = "\n".join([*lines, "", *items]) + "\n"
    write_text(path, text)


def csv_text(lines):
    """Lines of values as the text of a .csv file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _markdown(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def panels(n, size, margin):
    """A figure, and axes (rows, columns) for n panels of a size beside a margin [inch].

    There are up to three columns; what is left over of the last row is not shown.
    """
    from matplotlib.figure import Figure

    n_columns = min(3, n)
    n_rows = -(-n // n_columns)
    width, height = size[0] * n_columns + margin[0], size[1] * n_rows + margin[1]
    figure = Figure((width, height), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
    for ax in grid.flat[n:]:
        ax.set_axis_off()
    return figure, grid


def save(figure, path):
    """Write a figure to a path; the same numbers make the same file."""
    from matplotlib import rc_context

    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "ttfs"}):
        figure.savefig(path, dpi=150, metadata=undated.get(path.suffix.lower()))
