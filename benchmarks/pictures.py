"""The displays of ttfs.plotting, drawn of small networks: for docs/guide/pictures.md.

    python benchmarks/pictures.py [--out FOLDER] [--sheet FILE]

`--out` writes the pictures of the page, as SVG, and `--sheet` all pictures in one: of
one spike and several, of floats and integers, of classes and a regression. Half a
minute; needs matplotlib.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from ttfs import SpikeTrains, TTFSClassifier, TTFSRegressor
from ttfs.cli.compare import Row, evaluate, make_tasks, plot_accuracies
from ttfs.cli.data import load_data
from ttfs.cli.show import plot_sample
from ttfs.datasets import make_yin_yang
from ttfs.plotting import (
    AnytimeDisplay,
    DecisionTimeDisplay,
    LossCurveDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    WeightImagesDisplay,
)


def bursts(n_samples, seed):
    """Spike trains of 12 channels: the class is how many bursts there are, 1 to 3."""
    rng = np.random.default_rng(seed)
    y = rng.integers(1, 4, n_samples)
    samples, channels, times = [], [], []
    for sample, n in enumerate(y):
        starts = rng.permutation(np.arange(0.5, 9.0, 1.7))[:n]
        for start in starts:
            at = start + np.arange(12) * 0.08 + rng.normal(0, 0.05, 12)
            samples += [sample] * 12
            channels += list(range(12))
            times += list(np.maximum(at, 0))
    return SpikeTrains(samples, channels, times, (n_samples, 12)), y


class Networks:
    """The fitted networks, and data that they have not seen."""

    def __init__(self):
        X, y = load_digits(return_X_y=True)
        X, self.digits, y, self.classes = train_test_split(X, y, random_state=0)
        self.digit_classifier = make_pipeline(
            MinMaxScaler(),
            TTFSClassifier((64,), max_iter=40, early_stopping=True, random_state=0),
        ).fit(X, y)
        self.undriven = TTFSClassifier(
            (64,), read_out=None, max_iter=20, random_state=0
        ).fit(X, y)
        X, y = make_yin_yang(1500, random_state=0)
        self.yin_yang = make_yin_yang(1000, random_state=1)
        self.two_layers = TTFSClassifier(
            (30, 20), tau_mem=2.0, delays="axonal", max_iter=40, random_state=0
        ).fit(X, y)
        self.integers = TTFSClassifier(
            (40,), arithmetic="fixed", max_iter=40, random_state=0
        ).fit(X, y)
        self.trains = bursts(60, 1)
        self.several = TTFSClassifier(
            (20,), max_spikes=10, max_iter=60, random_state=0
        ).fit(*bursts(300, 0))
        X, y = load_diabetes(return_X_y=True)
        X, self.patients, y, self.progressions = train_test_split(X, y, random_state=0)
        self.regressor = TTFSRegressor((40,), max_iter=40, random_state=0).fit(X, y)


def pictures_of_page(nets):
    """The figures of the page, by the name of the file."""
    digits = nets.digit_classifier, nets.digits, nets.classes
    yin_yang = nets.integers, *nets.yin_yang
    return {
        "raster": SpikeRasterDisplay.from_estimator(*digits, samples=0).figure_,
        "membranes": MembraneDisplay.from_estimator(*digits, sample=0).figure_,
        "decision-times": DecisionTimeDisplay.from_estimator(*yin_yang).figure_,
        "anytime": AnytimeDisplay.from_estimator(*yin_yang).figure_,
        "loss-curve": LossCurveDisplay.from_estimator(nets.digit_classifier).figure_,
        "weight-images": WeightImagesDisplay.from_estimator(
            nets.digit_classifier, (8, 8)
        ).figure_,
        "several-spikes": MembraneDisplay.from_estimator(
            nets.several, *nets.trains, sample=1, layer=0, neurons=bursting(nets)
        ).figure_,
    }


def bursting(nets):
    """The two hidden neurons whose spikes are spread most in the sample of the page."""
    X, _ = nets.trains
    spikes = nets.several.spike_times(X[1:2])[1][0]
    last = np.where(np.isfinite(spikes), spikes, -np.inf).max(axis=1)
    span = np.where(np.isfinite(spikes[:, 2]), last - spikes[:, 0], 0)
    return span.argsort(kind="stable")[:-3:-1]


def further_pictures(nets):
    """Other figures that the contact sheet has."""
    wrong = np.flatnonzero(nets.digit_classifier.predict(nets.digits) != nets.classes)
    digits = nets.digit_classifier, nets.digits, nets.classes
    X, y = nets.yin_yang
    displays = [
        SpikeRasterDisplay.from_estimator(*digits, samples=[1, 2, int(wrong[0])]),
        MembraneDisplay.from_estimator(*digits, sample=int(wrong[0])),
        MembraneDisplay.from_estimator(*digits, sample=0, layer=0),
        DecisionTimeDisplay.from_estimator(*digits),
        DecisionTimeDisplay.from_estimator(nets.undriven, nets.digits, nets.classes),
        AnytimeDisplay.from_estimator(nets.undriven, nets.digits, nets.classes),
        SpikeRasterDisplay.from_estimator(nets.two_layers, X, y, samples=[0, 1]),
        MembraneDisplay.from_estimator(nets.two_layers, X, y, sample=3),
        SpikeRasterDisplay.from_estimator(nets.integers, X, y, samples=0),
        MembraneDisplay.from_estimator(nets.integers, X, y, sample=0),
        SpikeRasterDisplay.from_estimator(nets.several, *nets.trains, samples=[0, 1]),
        MembraneDisplay.from_estimator(nets.several, *nets.trains, sample=1),
        SpikeRasterDisplay.from_estimator(
            nets.regressor, nets.patients, nets.progressions, samples=[0, 1]
        ),
        MembraneDisplay.from_estimator(
            nets.regressor, nets.patients, nets.progressions, sample=0
        ),
        LossCurveDisplay.from_estimator(nets.regressor),
    ]
    figures = [display.figure_ for display in displays]
    return [*figures, plot_sample(*digits, 7), comparison()]


def comparison():
    """The figure of a short run of ``ttfs compare``."""
    data = [load_data(name, 5, 0) for name in ("iris", "wine", "breast_cancer")]
    models = "LogisticRegression", "SVC", "TTFSClassifier"
    rows = {}
    for task in make_tasks(data, (30,), 0, models, max_iter=20):
        rows.setdefault(task.key, Row(*task.key)).fits.append(evaluate(task))
    return plot_accuracies(list(rows.values()))


def contact_sheet(figures, path, n_columns=4):
    """Put all figures into one, each in a cell of its own."""
    images = []
    for figure in figures:
        figure.set_dpi(100)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        images.append(np.asarray(canvas.buffer_rgba())[:, :, :3])
        plt.close(figure)
    n_rows = -(-len(images) // n_columns)
    sheet = plt.figure(figsize=(5.2 * n_columns, 3.7 * n_rows), layout="constrained")
    grid = sheet.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in grid:
        ax.set_axis_off()
    for ax, image in zip(grid, images, strict=False):
        ax.imshow(image, interpolation="antialiased")
    sheet.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--sheet", type=Path, metavar="FILE")
    args = parser.parse_args()
    matplotlib.use("Agg")
    # The same numbers make the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "ttfs", "figure.max_open_warning": 0})
    with threadpool_limits(1):
        nets = Networks()
        pictures = pictures_of_page(nets)
        if args.out is not None:
            for name, figure in pictures.items():
                path = args.out / f"{name}.svg"
                figure.savefig(path, metadata={"Date": None})
        if args.sheet is not None:
            figures = [*pictures.values(), *further_pictures(nets)]
            contact_sheet(figures, args.sheet)


if __name__ == "__main__":
    main()
