"""``ttfs compare``: TTFSClassifier beside scikit-learn classifiers."""

import os
import sys
import time
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from .. import TTFSClassifier
from .arguments import DATASETS, add_folds, add_hidden, whole_number
from .data import BUNDLED, DataError, data_names, load_data
from .terminal import Table, interrupts, one_line, one_thread, progress

_TABLE = Table(
    ("data", "model", "accuracy %", "fit s", "predict /s", "hidden spikes"),
    (14, 30, 12, 9, 11, 14),
)


def register(commands):
    """Add the subcommand to a parser: see `ttfs.cli.main`."""
    parser = commands.add_parser(
        "compare",
        help="train TTFSClassifier beside scikit-learn classifiers",
        description=(
            "Train TTFSClassifier beside scikit-learn classifiers and print one "
            "table of accuracy, speed and spike counts. Yin-Yang has its own test "
            "set, all other data are cross-validated. Pixels of digits are scaled "
            "to [0, 1], all other features but those of Yin-Yang to unit variance, "
            "for all models alike."
        ),
    )
    parser.add_argument(
        "--dataset",
        action="append",
        metavar="NAME|FILE",
        help=(
            "data sets, separated by commas or by repeating the option: "
            f"{DATASETS} (default: all named ones)"
        ),
    )
    add_folds(parser)
    add_hidden(parser)
    parser.add_argument(
        "--seed",
        type=whole_number(
            "a whole number from 0 to 2**32 - 1", lambda number: 0 <= number < 2**32
        ),
        default=0,
        metavar="N",
        help="seed of folds and models (default: %(default)s)",
    )
    parser.set_defaults(
        run=run, parser=parser, hint="data sets are given with --dataset"
    )


def run(args):
    """Compare the models as the arguments say; returns the exit status."""
    try:
        names = data_names(args.dataset) if args.dataset else BUNDLED
        data = [load_data(name, args.cv, args.seed) for name in names]
        return compare(data, args.hidden, args.seed)
    except DataError as error:
        args.parser.error(str(error))


@dataclass
class Row:
    """Results of one model on one data set: each list has an element per split."""

    data: str
    model: str
    scores: list = field(default_factory=list)
    fit_seconds: list = field(default_factory=list)
    predict_rates: list = field(default_factory=list)  # samples per second
    spikes: list = field(default_factory=list)  # hidden spikes per sample
    n_hidden: int = 0
    error: str = ""
    warning: str = ""

    def cells(self):
        """The columns of the table as strings."""
        if self.error:
            return [self.data, self.model, f"error: {self.error}"]
        accuracy = f"{100 * np.mean(self.scores):.1f}"
        if len(self.scores) > 1:
            accuracy += f" ± {100 * np.std(self.scores):.1f}"
        spikes = f"{np.mean(self.spikes):.1f}/{self.n_hidden}" if self.spikes else "-"
        return [
            self.data,
            self.model,
            accuracy,
            f"{np.mean(self.fit_seconds):.3f}",
            f"{np.mean(self.predict_rates):,.0f}",
            spikes,
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


def compare(data, hidden, seed):
    """Train all models on all data sets and print the results.

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

    Returns
    -------
    status : int
        0, or 1 if a model failed, or 130 after Ctrl-C.
    """
    rows = []
    status = 0
    _TABLE.print_head()
    with interrupts() as interrupted, one_thread():
        try:
            for part in data:
                for name, model in make_models(hidden or part.hidden, seed).items():
                    row = _evaluate(part, name, model)
                    if interrupted:
                        raise KeyboardInterrupt
                    rows.append(row)
                    _TABLE.print_row(row.cells())
        except KeyboardInterrupt:
            status = 130
        finally:
            progress("")
    _TABLE.print_all([row.cells() for row in rows])
    _print_notes(rows, data, interrupted=status == 130)
    if status == 0 and any(row.error for row in rows):
        status = 1
    return status


def _evaluate(data, name, model):
    """Fit and score one model on every split of one data set."""
    row = Row(data.name, name)
    pipeline = make_pipeline(data.scaler() if data.scaler else "passthrough", model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k, (train, test) in enumerate(data.splits):
            progress(f"{data.name}: {name}, split {k + 1} of {len(data.splits)}")
            try:
                _evaluate_split(row, pipeline, data, train, test)
            except Exception as error:  # the other models are still compared
                row.error = one_line(error)
                break
    progress("")
    if caught:
        row.warning = one_line(caught[0].message)
    return row


def _evaluate_split(row, pipeline, data, train, test):
    """Append the results of one split to a row."""
    X, y = data.X[test], data.y[test]
    start = time.perf_counter()
    pipeline.fit(data.X[train], data.y[train])
    fitted = time.perf_counter()
    predicted = pipeline.predict(X)
    end = time.perf_counter()
    score = np.mean(predicted == y)
    row.fit_seconds.append(fitted - start)
    row.predict_rates.append(len(test) / (end - fitted))
    if isinstance(pipeline[-1], TTFSClassifier):
        scaled = pipeline[:-1].transform(X)
        score = pipeline[-1].first_spike_score(scaled, y)
        activity = pipeline[-1].activity(scaled)
        row.spikes.append(activity.summary()["hidden spikes"])
        row.n_hidden = sum(activity.sizes[1:-1])
    row.scores.append(score)


def _print_notes(rows, data, interrupted):
    """Print what a reader of the table must know."""
    n_folds = {len(part.splits) for part in data} - {1}
    if n_folds:
        print(f"accuracy: mean ± standard deviation over {n_folds.pop()} folds")
    print("accuracy of TTFSClassifier: by first spikes alone")
    print("hidden spikes: mean per sample / number of hidden neurons")
    n_threads = os.environ.get("OMP_NUM_THREADS", "1 (set OMP_NUM_THREADS for more)")
    print(f"threads per model: {n_threads}")
    for row in rows:
        if row.warning:
            print(f"{row.data}, {row.model} warns: {row.warning}")
    if interrupted:
        print("interrupted: the remaining models were not trained")
    sys.stdout.flush()
