"""``ttfs compare``: TTFSClassifier beside scikit-learn classifiers."""

import argparse
import os
import time
import warnings
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from ..core import __version__
from ..estimators import TTFSClassifier
from .arguments import add_data, add_plot, add_run, load_all, reading_of
from .compare_plot import plot_accuracies
from .data import BUNDLED, DataError
from .figures import save
from .output import write_results
from .runs import Task, run_all
from .terminal import Table, interrupts, one_line, progress

_TABLE = Table(
    ("data", "model", "accuracy %", "fit s", "predict /s", "hidden spikes"),
    (14, 30, 12, 9, 11, 14),
)


MODELS = (
    "LogisticRegression",
    "KNeighborsClassifier",
    "SVC",
    "HistGradientBoostingClassifier",
    "MLPClassifier",
    "TTFSClassifier",
)

_DESCRIPTION = """\
Train TTFSClassifier beside scikit-learn classifiers and print one table of
accuracy, speed and spike counts. Yin-Yang has its own test set, all other
data are cross-validated. Pixels of digits are scaled to [0, 1], all other
features but those of Yin-Yang to unit variance, for all models alike; texts
become features that are 0 or 1. All of that, and values for missing ones, is
learned from the training samples alone."""

_EPILOG = """\
examples:
  ttfs compare                                 all named data sets
  ttfs compare digits --jobs 2                 one of them, in two processes
  ttfs compare people.csv --target income --drop id,name --missing impute
  ttfs compare a.parquet b.tsv.gz --models SVC,TTFSClassifier --out all.json

A column is given by its name in the first line, or by its number: 1 is the
first one, -1 the last one."""


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "compare",
        help="train TTFSClassifier beside scikit-learn classifiers",
        usage="ttfs compare [DATA ...] [options]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data(parser, default="all named ones")
    add_run(parser, MODELS)
    add_plot(parser, "accuracies, with their spread over folds")
    parser.set_defaults(
        run=run,
        parser=parser,
        hint="data sets are given with --dataset, or as they are",
    )


def run(args):
    """Compare the models as the arguments say; returns the exit status."""
    try:
        data = load_all(args, BUNDLED)
    except DataError as error:
        args.parser.error(str(error))
    return compare(
        data,
        args.hidden,
        args.seed,
        models=args.models,
        max_iter=args.max_iter,
        n_jobs=args.jobs,
        out=args.out,
        figure=args.plot,
        settings={"cv": args.cv, **asdict(reading_of(args))},
    )


@dataclass(frozen=True)
class Fit:
    """Results of one model on one split; None where an error came before."""

    accuracy: float | None = None
    fit_seconds: float | None = None
    predict_rate: float | None = None  # samples per second
    hidden_spikes: float | None = None  # per sample
    n_hidden: int | None = None
    error: str = ""
    warning: str = ""


@dataclass
class Row:
    """Results of one model on one data set, one for each split."""

    data: str
    model: str
    fits: list = field(default_factory=list)

    @property
    def error(self):
        """The first error, or an empty text."""
        return next((fit.error for fit in self.fits if fit.error), "")

    @property
    def warning(self):
        """The first warning, or an empty text."""
        return next((fit.warning for fit in self.fits if fit.warning), "")

    def cells(self):
        """The columns of the table as strings."""
        if self.error:
            return [self.data, self.model, f"error: {self.error}"]

        def values(name):
            return [getattr(fit, name) for fit in self.fits]

        scores = values("accuracy")
        accuracy = f"{100 * np.mean(scores):.1f}"
        if len(scores) > 1:
            accuracy += f" ± {100 * np.std(scores):.1f}"
        spikes, n_hidden = "-", self.fits[0].n_hidden
        if n_hidden is not None:
            spikes = f"{np.mean(values('hidden_spikes')):.1f}/{n_hidden}"
        return [
            self.data,
            self.model,
            accuracy,
            f"{np.mean(values('fit_seconds')):.3f}",
            f"{np.mean(values('predict_rate')):,.0f}",
            spikes,
        ]

    def results(self):
        """The results as dictionaries, one for each split."""
        return [
            {"data": self.data, "model": self.model, "split": k + 1, **asdict(fit)}
            for k, fit in enumerate(self.fits)
        ]


def make_models(hidden, seed):
    """The models that are compared, by name."""
    return {
        "LogisticRegression": LogisticRegression(max_iter=1000),
        "KNeighborsClassifier": KNeighborsClassifier(),
        "SVC": SVC(kernel="rbf"),
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier(
            random_state=seed
        ),
        "MLPClassifier": MLPClassifier((100,), max_iter=1000, random_state=seed),
        "TTFSClassifier": TTFSClassifier(hidden_layer_sizes=hidden, random_state=seed),
    }


def make_tasks(data, hidden, seed, models=None, max_iter=None):
    """The trainings of a comparison, in the order of the table.

    The solver of SVC ends by itself, after steps that are no passes over the data: it
    takes no `max_iter`.
    """
    tasks = []
    for part in data:
        for name, model in make_models(hidden or part.hidden, seed).items():
            if models is not None and name not in models:
                continue
            is_iterative = "max_iter" in model.get_params() and name != "SVC"
            if max_iter is not None and is_iterative:
                model.set_params(max_iter=max_iter)
            tasks += [Task(part, name, model, k) for k in range(len(part.splits))]
    return tasks


def compare(
    data,
    hidden,
    seed,
    *,
    models=None,
    max_iter=None,
    n_jobs=1,
    out=None,
    figure=None,
    settings=None,
):
    """Train models on all data sets, print the results and write them to a file.

    Each row is printed as soon as it is finished, and all rows again at the end. On a
    terminal a line of progress goes to the standard error. Every model gets one thread
    unless OMP_NUM_THREADS is set.

    Parameters
    ----------
    data : list of Data

    hidden : tuple of int or None
        Hidden layers of TTFSClassifier; None stands for each data set's own.

    seed : int
        Seed of the models.

    models : list of str or None, default=None
        Names of the models; None stands for all.

    max_iter : int or None, default=None
        Epochs or iterations of iterative models; None stands for each model's own.

    n_jobs : int, default=1
        Number of processes, as in joblib.

    out : pathlib.Path or None, default=None
        File of the results, see `ttfs.cli.output`.

    figure : pathlib.Path or None, default=None
        File of a figure, see `ttfs.cli.figures`.

    settings : dict or None, default=None
        What else the results depend on; for the file.

    Returns
    -------
    status : int
        0, or 1 if a model failed, or 130 after Ctrl-C.
    """
    tasks = make_tasks(data, hidden, seed, models, max_iter)
    rows = []
    status = 0
    about_data = [line for part in data for line in part.about]
    for note in about_data:
        print(note)
    _TABLE.print_head()
    with interrupts() as interrupted:
        try:
            for row in _rows(tasks, n_jobs, interrupted):
                rows.append(row)
                _TABLE.print_row(row.cells())
        except KeyboardInterrupt:
            status = 130
        finally:
            progress("")
    cells = [row.cells() for row in rows]
    notes = _notes(rows, data)
    if status == 130:
        notes.append("interrupted: the remaining models were not trained")
    _TABLE.print_all(cells)
    print("\n".join(notes))
    if out is not None:
        content = {
            "ttfs": __version__,
            "data": [part.name for part in data],
            "splits": [len(part.splits) for part in data],
            "hidden": None if hidden is None else list(hidden),
            "seed": seed,
            "max_iter": max_iter,
            **(settings or {}),
        }
        results = [result for row in rows for result in row.results()]
        table = [list(_TABLE.columns), *cells]
        write_results(out, content, results, table, [*about_data, *notes])
        print(f"written: {out}")
    good = [row for row in rows if not row.error]
    if figure is not None and good:
        save(plot_accuracies(good), figure)
        print(f"drawn: {figure}")
    if status == 0 and any(row.error for row in rows):
        status = 1
    return status


def _rows(tasks, n_jobs, interrupted):
    """Yield the rows of the table as they are finished."""
    row = None
    for task, fit in run_all(evaluate, tasks, n_jobs):
        if interrupted:
            raise KeyboardInterrupt
        if task.split == 0:
            row = Row(*task.key)
        if fit is not None:
            row.fits.append(fit)
        if task.split == len(task.data.splits) - 1:
            yield row


def evaluate(task):
    """Fit and score a model on a split."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = _evaluate(task)
        except Exception as error:  # the other models are still compared
            fit = Fit(error=one_line(error))
    if not caught:
        return fit
    return replace(fit, warning=one_line(caught[0].message))


def _evaluate(task):
    data = task.data
    train, test = data.splits[task.split]
    X, y = data.X[test], data.y[test]
    pipeline = make_pipeline(data.preprocessor(), task.model)
    start = time.perf_counter()
    pipeline.fit(data.X[train], data.y[train])
    fitted = time.perf_counter()
    predicted = pipeline.predict(X)
    end = time.perf_counter()
    fit = Fit(
        accuracy=float(np.mean(predicted == y)),
        fit_seconds=fitted - start,
        predict_rate=len(test) / (end - fitted),
    )
    if not isinstance(pipeline[-1], TTFSClassifier):
        return fit
    prepared = pipeline[:-1].transform(X)
    activity = pipeline[-1].activity(prepared)
    return replace(
        fit,
        accuracy=float(pipeline[-1].first_spike_score(prepared, y)),
        hidden_spikes=float(activity.summary()["hidden spikes"]),
        n_hidden=sum(activity.sizes[1:-1]),
    )


def _notes(rows, data):
    """What a reader of the table must know."""
    notes = []
    n_folds = {len(part.splits) for part in data} - {1}
    if n_folds:
        notes.append(f"accuracy: mean ± standard deviation over {n_folds.pop()} folds")
    notes += [
        "accuracy of TTFSClassifier: by first spikes alone",
        "hidden spikes: mean per sample / number of hidden neurons",
    ]
    n_threads = os.environ.get("OMP_NUM_THREADS", "1 (set OMP_NUM_THREADS for more)")
    notes.append(f"threads per model: {n_threads}")
    notes += [
        f"{row.data}, {row.model} warns: {row.warning}" for row in rows if row.warning
    ]
    return notes
