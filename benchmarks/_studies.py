"""What leak.py and mismatch.py share: tasks, results, statistics, figures."""

import argparse
import json
import platform
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import ttfs
from ttfs import TTFSClassifier
from ttfs.datasets import make_temporal_patterns
from ttfs.encoders import SpikeTimesEncoder

N_TRAINING, N_TEST = 1000, 2000
LATE = 3.0  # jitters by which a spike is late at most, up to one in a thousand

# Colours that colour-blind readers can tell apart (Okabe and Ito).
COLORS = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#56B4E9"


# -- Tasks and models --------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Parameters of `make_temporal_patterns`; times are in one unit."""

    n_distractors: int = 0
    window: float = 4.0
    lead: float = 1.0
    width: float | tuple = 1.0
    shift: float = 0.5
    jitter: float = 0.1
    balanced: bool = False

    @property
    def start(self):
        """The earliest start of a pattern."""
        return self.window + self.lead

    @property
    def end(self):
        """The end of the inputs, which is the same for all models."""
        longest = np.max(self.width)
        end = self.start + self.shift + longest * (1 + LATE * self.jitter)
        return max(end, self.window)

    def load(self, seed):
        """(X, y, X_test, y_test): patterns of their own for each seed."""
        X, y = make_temporal_patterns(
            N_TRAINING + N_TEST, random_state=seed, **vars(self)
        )
        n = N_TRAINING
        return X[:n], y[:n], X[n:], y[n:]

    def encoder(self):
        """Spike times as they are, in an experiment from time 0."""
        return SpikeTimesEncoder(begin=0.0, duration=self.end, may_drop=False)


def fit(X, y, *, gain=1.0, **parameters):
    """A TTFSClassifier whose initial hidden weights are `gain` times the default.

    With less gain neurons are silent until many spikes have come: they do not fire at
    distractors before they have learned anything.
    """
    clf = TTFSClassifier(**parameters)
    if gain == 1:
        return clf.fit(X, y)
    # An epoch whose steps are next to nothing draws the weights.
    clf.set_params(warm_start=True, max_iter=1, learning_rate_init=1e-12).fit(X, y)
    first, *others = clf.coefs_
    clf.coefs_ = [gain * first, *others]
    schedule = {key: parameters[key] for key in ("max_iter", "learning_rate_init")}
    return clf.set_params(**schedule).fit(X, y)


# -- Statistics --------------------------------------------------------------------


def half_width(values):
    """Half the 95 % confidence interval of the mean, by Student's t; nan for one."""
    n = len(values)
    if n < 2:
        return np.nan
    return stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)


def interval(values):
    """Mean and its 95 % confidence interval as a text."""
    return f"{np.mean(values):5.1f} ± {half_width(values):4.1f}"


def difference(values, others):
    """Mean difference of pairs, its interval, the p-value of a paired t-test."""
    gain = np.subtract(values, others)
    if len(gain) < 2 or np.ptp(gain) == 0:
        return f"{np.mean(gain):+5.1f}"
    p = stats.ttest_rel(values, others).pvalue
    return f"{np.mean(gain):+5.1f} ± {half_width(gain):4.1f}, p = {p:.2g}"


# -- The command -------------------------------------------------------------------


class Results:
    """What has been measured, by a text that says what; kept in a file.

    Parameters
    ----------
    path : str or None
        JSON file of what earlier calls have measured; None keeps nothing.
    """

    def __init__(self, path):
        self.path = path and Path(path)
        self.values = {}
        if self.path and self.path.exists():
            self.values = json.loads(self.path.read_text())

    def all(self, measure, seeds, *what):
        """What ``measure(seed, *what)`` returns for each seed.

        It is a dict of numbers; what is known is not measured again.
        """
        out = []
        for seed in seeds:
            key = f"{measure.__name__} {(seed, *what)}"
            if key not in self.values:
                self.values[key] = measure(seed, *what)
                if self.path:
                    self.path.write_text(json.dumps(self.values, indent=0))
            out.append(self.values[key])
        return {name: [each[name] for each in out] for name in out[0]}


def parse(doc):
    """Options of a study, with one thread and a heading printed."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds")
    parser.add_argument(
        "--quick", action="store_true", help="two seeds, and few points of each curve"
    )
    parser.add_argument(
        "--validation", action="store_true", help="seeds of validation, for choosing"
    )
    parser.add_argument(
        "--tune", action="store_true", help="how parameters were chosen"
    )
    parser.add_argument("--results", metavar="FILE", help="keep what is measured: JSON")
    parser.add_argument("--plot", metavar="FILE", help="the figure: .svg, .png, .pdf")
    options = parser.parse_args()
    if options.quick:
        options.seeds = min(options.seeds, 2)
    print(
        f"ttfs {ttfs.__version__}, {platform.machine()}, one thread; accuracy in % by"
    )
    print("first spikes, mean and its 95 % confidence interval over seeds", flush=True)
    # Some points of a study are beyond what can be learned.
    warnings.simplefilter("ignore", ConvergenceWarning)
    threadpool_limits(1)
    return options


# -- Figures -----------------------------------------------------------------------


STYLE = {
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "ttfs",  # the same file for the same numbers
}


def save(draw, path, n_rows, n_columns, *, height=2.4):
    """Write a figure.

    Parameters
    ----------
    draw : callable
        Draws on ``draw(axes)``, an array (n_rows, n_columns). What it labels in the
        first panel is the legend.
    path : str
        The file; its ending decides the format.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure((3.4 * n_columns, height * n_rows + 0.4), layout="constrained")
        axes = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
        draw(axes)
        legend = axes[0, 0].get_legend_handles_labels()
        figure.legend(*legend, loc="outside upper center", ncols=3)
        metadata = {"Date": None} if str(path).endswith(".svg") else None
        figure.savefig(path, dpi=150, metadata=metadata)
    print(f"figure: {path}")


def log_axis(ax, x):
    """An axis on which doubling is a step, with ticks at x."""
    ax.set_xscale("log", base=2)
    ax.set_xticks(x, [f"{each:g}" for each in x])
    ax.minorticks_off()


def curve(ax, x, values, label, *, color, marker="o", linestyle="-"):
    """Means over seeds with their confidence intervals.

    Parameters
    ----------
    x : sequence of float
    values : sequence of sequences of float
        The values of all seeds at each x.
    """
    ax.errorbar(
        x,
        [np.mean(part) for part in values],
        [half_width(part) for part in values],
        label=label,
        color=color,
        marker=marker,
        linestyle=linestyle,
        markersize=4,
        linewidth=1.4,
        capsize=2,
    )
