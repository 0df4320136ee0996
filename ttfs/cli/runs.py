"""Many trainings: in one process or several, with the time that is left."""

from collections import defaultdict
from dataclasses import dataclass
from time import perf_counter

from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from .data import Data
from .terminal import duration, progress, thread_limit


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
