"""``ttfs compare``: TTFSClassifier beside scikit-learn classifiers."""

import argparse
import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from ..estimators import TTFSClassifier
from ..plotting.figures import hide_spines
from .arguments import add_data, add_plot, add_run, load_all, reading_of
from .data import BUNDLED
from .output import panels
from .runs import Task, about_threads, attempt, run_comparison
from .terminal import Table, accuracy_text

_TABLE = Table(
    ("data", "model", "accuracy %", "fit s", "predict /s", "hidden spikes"),
    (14, 30, 12, 9, 11, 14),
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

# The figure.
_MINE, _OTHER = "#0072B2", "0.35"  # colours of the networks of this package, and others
_BELOW = 0.25  # a fold stands so much below the mean, in rows
_FOLD = {"linestyle": "none", "marker": "o", "markersize": 3.5, "alpha": 0.5}
_MEAN = "mean and standard deviation over folds"


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
    data = load_all(args, BUNDLED)
    return run_comparison(
        args,
        data,
        make_tasks(data, args.hidden, args.seed, args.models, args.max_iter),
        evaluate,
        _TABLE,
        lambda task, fits: [Row(*task.key, fits)],
        _notes,
        plot_accuracies,
        settings={
            "hidden": None if args.hidden is None else list(args.hidden),
            "seed": args.seed,
            "max_iter": args.max_iter,
            "cv": args.cv,
            **asdict(reading_of(args)),
        },
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
        values = {
            name: [getattr(fit, name) for fit in self.fits]
            for name in ("accuracy", "fit_seconds", "predict_rate", "hidden_spikes")
        }
        spikes, n_hidden = "-", self.fits[0].n_hidden
        if n_hidden is not None:
            spikes = f"{np.mean(values['hidden_spikes']):.1f}/{n_hidden}"
        return [
            self.data,
            self.model,
            accuracy_text(values["accuracy"]),
            f"{np.mean(values['fit_seconds']):.3f}",
            f"{np.mean(values['predict_rate']):,.0f}",
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


MODELS = tuple(make_models((100,), 0))


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


def evaluate(task):
    """Fit and score a model on a split."""
    return attempt(_evaluate, task, Fit)


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


def _notes(rows):
    """What a reader of the table must know."""
    warnings = [row for row in rows if row.warning]
    return [
        "accuracy of TTFSClassifier: by first spikes alone",
        "hidden spikes: mean per sample / number of hidden neurons",
        about_threads(),
        *(f"{row.data}, {row.model} warns: {row.warning}" for row in warnings),
    ]


def plot_accuracies(rows):
    """A figure of the accuracy of each model, a panel for each data set.

    A mark is the mean over folds, a bar a standard deviation to either side, as in the
    table; the small dots below are the folds. The rows, at least one, have no errors.
    """
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(row.data for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    figure, grid = panels(len(names), (2.7, 0.32 * len(models) + 1.0), (1.9, 0.0))
    for ax, name in zip(grid.flat, names, strict=False):
        for row in rows:
            if row.data == name:
                _draw(ax, models.index(row.model), row)
        ax.set_title(name, fontsize="medium")
        ax.set_xlabel("accuracy [%]")
        ax.set_yticks(range(len(models)), models)
        ax.set_ylim(len(models) - 0.5, -0.5)  # the first one on top
        ax.grid(axis="x", alpha=0.3)
        ax.margins(x=0.08)
        ax.tick_params(axis="y", length=0)
        hide_spines(ax, "top", "right", "left")
    if any(len(row.fits) > 1 for row in rows):
        figure.legend(
            handles=[
                Line2D([], [], color=_OTHER, marker="o", label=_MEAN),
                Line2D([], [], **_FOLD, color=_OTHER, label="one fold"),
            ],
            loc="outside lower center",
            ncols=2,
            frameon=False,
            fontsize="small",
        )
    return figure


def _draw(ax, place, row):
    """Draw the accuracies of a model at its place."""
    accuracies = 100 * np.array([fit.accuracy for fit in row.fits])
    color = _MINE if row.model.startswith("TTFS") else _OTHER
    if len(accuracies) > 1:
        below = np.full(len(accuracies), place + _BELOW)
        ax.plot(accuracies, below, color=color, **_FOLD)
    ax.errorbar(
        accuracies.mean(),
        place,
        xerr=accuracies.std() if len(accuracies) > 1 else None,
        color=color,
        marker="D" if row.model.startswith("TTFS") else "o",
        markersize=6,
        capsize=3,
        linewidth=1.5,
    )
