"""Tables, a line of progress, errors in one line, and what Ctrl-C does."""

import os
import signal
import sys
import threading
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits


class Table:
    """A table whose rows are printed as they come, and all together at the end.

    A row is a list of texts, one for each column; or the first two columns and a
    message, where an error has taken the place of the numbers. The first two columns
    are texts, the others numbers; widths hold as long as not all rows are known.
    """

    def __init__(self, columns, widths):
        self.columns, self.widths = columns, widths

    def print_head(self):
        """Print the titles."""
        self.print_row(self.columns)

    def print_row(self, cells):
        """Print a row at once."""
        print(self._line(cells, self.widths), flush=True)

    def print_all(self, rows):
        """Print the table of all rows; a rule parts rows of different first cells."""
        lines = [self.columns, *rows]
        n_columns = len(self.columns)
        widths = [
            max(len(cells[k]) for cells in lines if k < 2 or len(cells) == n_columns)
            for k in range(n_columns)
        ]
        rule = "-" * (sum(widths) + 2 * (n_columns - 1))
        print()
        print(self._line(self.columns, widths))
        previous = None
        for cells in rows:
            if cells[0] != previous:
                print(rule)
                previous = cells[0]
            print(self._line(cells, widths))
        print(rule)

    def _line(self, cells, widths):
        texts = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
        if len(cells) == len(self.columns):
            numbers = zip(cells[2:], widths[2:], strict=True)
            texts[2:] = [cell.rjust(width) for cell, width in numbers]
        return "  ".join(texts).rstrip()


def progress(text):
    """Replace the line of progress, which stands on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


@contextmanager
def interrupts():
    """Note Ctrl-C in a list, and raise KeyboardInterrupt as usual.

    Some estimators end their training on Ctrl-C without passing it on: the list tells
    the command that it must end too. Outside of the main thread, and where the program
    handles the signal in its own way, the list stays empty.
    """
    seen = []

    def remember(signum, frame):
        seen.append(signum)
        raise KeyboardInterrupt

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield seen
        return
    signal.signal(signal.SIGINT, remember)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def thread_limit():
    """How many threads a model gets: 1, or None if OMP_NUM_THREADS says it.

    Threads that wait for each other on a busy machine can make a fit a hundred times
    slower.
    """
    return None if "OMP_NUM_THREADS" in os.environ else 1


def one_thread():
    """A context in which every model gets one thread, unless OMP_NUM_THREADS is set."""
    return threadpool_limits(thread_limit())


def percent(mean, error=None, digits=1):
    """A fraction and its error as a text in percent."""
    if mean is None:
        return "-"
    text = f"{100 * mean:.{digits}f}"
    return text if error is None else f"{text} ± {100 * error:.{digits}f}"


def accuracy_text(accuracies):
    """The mean over splits in percent and, of several, the standard deviation."""
    is_one = len(accuracies) == 1
    return percent(np.mean(accuracies), None if is_one else np.std(accuracies))


def duration(seconds):
    """A time as a text of two or three digits and a unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def one_line(error):
    """The first line of a message, or the type where there is none."""
    lines = str(error).strip().splitlines()
    return cut(lines[0], 200) if lines else type(error).__name__


def cut(text, length=40):
    """A text for a message: in one line, shortened, without what moves the cursor."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= length else text[: length - 3] + "..."
