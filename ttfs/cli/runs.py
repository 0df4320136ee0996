"""Many trainings, with the time that is left, and the table of a comparison of them."""

import os
import warnings
from collections import defaultdict
from dataclasses import dataclass, replace
from time import perf_counter

from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from ..core import __version__
from .data import Data
from .output import save, write_results
from .terminal import duration, interrupts, one_line, progress, thread_limit


@dataclass(frozen=True)
class Task:
    """One model on one split of one data set.

    The model is what the function needs that carries out the task, such as an
    estimator.
    """

    data: Data
    name: str
    model: object
    split: int = 0

    @property
    def key(self):
        """What the splits of a row of the table have in common."""
        return self.data.name, self.name

    @property
    def size(self):
        """Number of values in the training samples, to which the time is related."""
        return len(self.data.splits[self.split][0]) * self.data.n_channels

    def __str__(self):
        n_splits = len(self.data.splits)
        return f"{self.data.name}: {self.name}, split {self.split + 1} of {n_splits}"


def run_comparison(
    args,
    data,
    tasks,
    evaluate,
    table,
    rows_of,
    notes_of,
    draw,
    *,
    settings,
    head=(),
    **others,
):
    """Carry out the tasks of a comparison, print its table and write its files.

    Rows are printed as soon as all splits are finished, and all again at the end.
    ``rows_of(task, results)`` makes them, each with a text `error` and the methods
    `cells` and `results`; ``notes_of(rows)`` makes the lines below the table, and
    ``draw(rows)`` a figure of the rows without errors. Lines of `head` stand above the
    table; the file has the settings, and others by name, too. The status is 0, or 1 if
    a model failed, or 130 after Ctrl-C.
    """
    about_data = [line for part in data for line in part.about]
    for line in (*about_data, *head):
        print(line)
    rows, results, is_cut = [], [], False
    table.print_head()
    with interrupts() as interrupted:
        try:
            for task, result in run_all(evaluate, tasks, args.jobs):
                if interrupted:
                    raise KeyboardInterrupt
                results += [result] if result is not None else []
                if task.split == len(task.data.splits) - 1:
                    made, results = rows_of(task, results), []
                    rows += made
                    for row in made:
                        table.print_row(row.cells())
        except KeyboardInterrupt:
            is_cut = True
        finally:
            progress("")
    cells = [row.cells() for row in rows]
    notes = [*_about_folds(data), *notes_of(rows)]
    if is_cut:
        notes.append(f"interrupted: the remaining {args.what} were not trained")
    table.print_all(cells)
    print("\n".join(notes), flush=True)
    if args.out is not None:
        content = {
            "ttfs": __version__,
            "data": [part.name for part in data],
            "splits": [len(part.splits) for part in data],
            **settings,
        }
        found = [result for row in rows for result in row.results()]
        lines = [list(table.columns), *cells]
        notes = [*about_data, *notes]
        write_results(args.out, content, found, lines, notes, **others)
        print(f"written: {args.out}", flush=True)
    good = [row for row in rows if not row.error]
    if args.plot is not None and good:
        save(draw(good), args.plot)
        print(f"drawn: {args.plot}", flush=True)
    return 130 if is_cut else int(len(good) < len(rows))


def attempt(function, task, failed):
    """The result of a task, or ``failed(error=...)``, with a warning that it gave.

    After an error the other tasks go on.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(task)
        except Exception as error:
            result = failed(error=one_line(error))
    return replace(result, warning=one_line(caught[0].message)) if caught else result


def _about_folds(data):
    for n_folds in {len(part.splits) for part in data} - {1}:
        yield f"accuracy: mean ± standard deviation over {n_folds} folds"


def about_threads():
    """The note that says how many threads a model has."""
    n_threads = os.environ.get("OMP_NUM_THREADS", "1 (set OMP_NUM_THREADS for more)")
    return f"threads per model: {n_threads}"


def run_all(function, tasks, n_jobs=1):
    """Carry out tasks, and show on a terminal which one it is and what is left.

    Yields pairs of a task and its result, ``function(task)``, in the order of the
    tasks, as soon as they are there. A result has a text ``error``, empty if all went
    well: after an error the other splits of a row are left out, with None as result,
    where they have not begun yet. Each of the processes takes one task at a time, with
    one thread unless OMP_NUM_THREADS is set.
    """
    clock = Clock(tasks, effective_n_jobs(n_jobs))
    failed = set()
    limit = thread_limit()

    def calls():
        for task in tasks:
            yield delayed(_timed)(function, None if task.key in failed else task, limit)

    progress(clock.line())
    outcomes = Parallel(n_jobs, return_as="generator", batch_size=1)(calls())
    for task, (result, seconds) in zip(tasks, outcomes, strict=True):
        clock.add(task, seconds)
        if result is not None and result.error:
            failed.add(task.key)
        progress("")
        yield task, result
        progress(clock.line())
    progress("")


def _timed(function, task, limit):
    """The result of a task, and how long it took."""
    if task is None:
        return None, 0.0
    start = perf_counter()
    with threadpool_limits(limit):
        result = function(task)
    return result, perf_counter() - start


class Clock:
    """Estimates the time that is left from the tasks that are done.

    A task takes as long as others of its row; without one, as long as others of its
    model, or of all models, by the number of training values.
    """

    def __init__(self, tasks, n_jobs):
        self._left, self._n_jobs = list(tasks), n_jobs
        self._n_tasks = len(self._left)
        self._seconds = defaultdict(float)
        self._sizes = defaultdict(int)

    def add(self, task, seconds):
        """Note that the next task is done."""
        self._left.pop(0)
        if seconds:
            for group in (task.key, task.name, None):
                self._seconds[group] += seconds
                self._sizes[group] += task.size

    def seconds_left(self):
        """The time that is left, or None as long as nothing is known."""
        if not self._sizes:
            return None
        total = 0.0
        for task in self._left:
            known = (task.key, task.name, None)
            group = next(group for group in known if group in self._sizes)
            total += self._seconds[group] / self._sizes[group] * task.size
        return total / min(self._n_jobs, max(1, len(self._left)))

    def line(self):
        """The line of progress: the next task that is awaited, and the time."""
        if not self._left:
            return ""
        n_done = self._n_tasks - len(self._left)
        seconds = self.seconds_left()
        left = "" if seconds is None else f", about {duration(seconds)} to go"
        return f"{self._left[0]} ({n_done} of {self._n_tasks} done{left})"
