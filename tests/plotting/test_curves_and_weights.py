"""Histograms, curves and images show numbers that other methods give."""

import sys

import numpy as np
import pytest
from classifiers import quick
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from ttfs import TTFSClassifier, plotting
from ttfs.plotting import (
    AnytimeDisplay,
    DecisionTimeDisplay,
    LossCurveDisplay,
    WeightImagesDisplay,
)

EVERY = [getattr(plotting, name) for name in plotting.__all__]


def arguments(display, X, y):
    """What `from_estimator` of a display takes, after the estimator."""
    if display is LossCurveDisplay:
        return ()
    return ((2, 2),) if display is WeightImagesDisplay else (X, y)


# -- Decision times ----------------------------------------------------------------


def test_bars_count_right_and_wrong_decisions(model, iris):
    X, y = iris
    edges = [0.0, 0.5, 0.6, 0.7, 0.8]
    display = DecisionTimeDisplay.from_estimator(model, X, y, bins=edges)
    activity = model[-1].activity(model[:-1].transform(X))
    is_right, is_decided = model.predict(X) == y, ~activity.is_undecided
    for bars, chosen in ((display.right_, is_right), (display.wrong_, ~is_right)):
        times = activity.decision_times[chosen & is_decided]
        heights = [bar.get_height() for bar in bars]
        assert_array_equal(heights, np.histogram(times, edges)[0])
    assert sum(bar.get_height() for bar in display.right_) > 0
    bottoms = [bar.get_y() for bar in display.wrong_]
    assert bottoms == [bar.get_height() for bar in display.right_]
    (rest,) = display.undecided_
    assert rest.get_height() == activity.is_undecided.sum() > 0
    assert rest.get_x() == model[-1].t_max_


def test_all_decided_samples_are_in_a_bin(clf, iris):
    display = DecisionTimeDisplay.from_estimator(clf, *iris)
    bars = [*display.right_, *display.wrong_]
    assert sum(bar.get_height() for bar in bars) == len(iris[1])
    assert display.undecided_ is None
    accuracy = clf.first_spike_score(*iris)
    assert f"right ({accuracy:.1%})" in [
        text.get_text() for text in display.figure_.legends[0].get_texts()
    ]


def test_blocks_of_samples_are_put_together(clf, iris):
    X, y = np.tile(iris[0], (8, 1)), np.tile(iris[1], 8)  # more than one block
    once, more = (
        DecisionTimeDisplay.from_estimator(clf, *data, bins=7)
        for data in (iris, (X, y))
    )
    assert_array_equal(np.tile(once.decision_times, 8), more.decision_times)
    assert_array_equal(np.tile(once.is_right, 8), more.is_right)


@pytest.mark.parametrize("display", [DecisionTimeDisplay, AnytimeDisplay])
def test_classes_that_are_not_known_are_refused(display, clf, iris):
    X, y = iris
    y = np.where(y == 2, 7, y)
    with pytest.raises(ValueError, match=r"y has the class 7.*classes are 0, 1, 2"):
        display.from_estimator(clf, X, y)


def test_decision_times_of_others(several, regressor, iris):
    with pytest.raises(ValueError, match="this one decides at the end"):
        DecisionTimeDisplay.from_estimator(several, *iris)
    for display in (DecisionTimeDisplay, AnytimeDisplay):
        with pytest.raises(TypeError, match="needs a classifier, got TTFSRegressor"):
            display.from_estimator(regressor, *iris)
    with pytest.raises(ValueError, match="decision_times and is_right must have"):
        DecisionTimeDisplay([1.0, 2.0], [True])
    with pytest.raises(ValueError, match="there are no samples"):
        DecisionTimeDisplay([], []).plot()
    with pytest.raises(ValueError, match="there are no samples"):
        DecisionTimeDisplay.from_estimator(several, np.ones((0, 4)), [])


# -- Curves ------------------------------------------------------------------------


def test_curves_are_those_of_anytime(model, iris):
    X, y = iris
    times = [0.4, 0.6, 0.7, 0.8]
    display = AnytimeDisplay.from_estimator(model, X, y, times=times)
    activity = model[-1].activity(model[:-1].transform(X))
    is_right = (model.predict(X) == y) & ~activity.is_undecided
    decisions = np.where(activity.is_undecided, np.inf, activity.decision_times)
    rightly = [np.mean((decisions <= t) & is_right) for t in times]
    decided = [np.mean(decisions <= t) for t in times]
    assert_array_equal(display.accuracy_.get_xdata(), times)
    assert_allclose(display.accuracy_.get_ydata(), 100 * np.array(rightly))
    assert_allclose(display.decided_.get_ydata(), 100 * np.array(decided))
    assert 0 < rightly[-1] <= decided[-1] < 1
    curve = model[-1].anytime(model[:-1].transform(X), y, times)
    assert_array_equal(display.events_.get_ydata(), curve.n_events)
    assert display.events_.axes is display.events_ax_ is not display.ax_
    plain = AnytimeDisplay(curve).plot(events=False)
    assert plain.events_ is None
    assert len(plain.figure_.axes) == 1


def test_losses_and_scores_of_epochs(iris, regressor):
    clf = quick(max_iter=12, early_stopping=True).fit(*iris)
    display = LossCurveDisplay.from_estimator(clf)
    assert_array_equal(display.loss_.get_xdata(), 1 + np.arange(clf.n_iter_))
    assert_array_equal(display.loss_.get_ydata(), clf.loss_curve_)
    assert_array_equal(display.score_.get_ydata(), clf.validation_scores_)
    assert len(display.score_.get_xdata()) == len(clf.validation_scores_)
    assert display.scores_ax_.get_ylabel() == "validation accuracy"
    assert_array_equal(display.validation_loss_.get_ydata(), clf.validation_loss_curve_)
    alone = LossCurveDisplay.from_estimator(regressor)
    assert alone.score_ is alone.validation_loss_ is None
    assert_array_equal(alone.loss_.get_ydata(), regressor.loss_curve_)
    assert alone.plot(log=True).ax_.get_yscale() == "log"


def test_validation_data_of_a_later_call_belong_to_its_epochs(iris):
    X, y = iris
    clf = quick(max_iter=3, warm_start=True).fit(X, y)
    clf.fit(X, y, X_val=X[::2], y_val=y[::2])
    display = LossCurveDisplay.from_estimator(clf)
    assert_array_equal(display.loss_.get_xdata(), np.arange(1, 7))
    for line in (display.score_, display.validation_loss_):
        assert_array_equal(line.get_xdata(), [4, 5, 6])
    assert_array_equal(display.score_.get_ydata(), clf.validation_scores_)


def test_bad_losses():
    for losses in [], [[1.0]]:
        with pytest.raises(ValueError, match="losses must be one or more"):
            LossCurveDisplay(losses, None)
    with pytest.raises(ValueError, match="scores must have one number for each of so"):
        LossCurveDisplay([1.0], [0.5, 0.6])


# -- Weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [{}, {"encoder": "complement"}, {"arithmetic": "fixed"}]
)
def test_pixels_are_weights_less_those_of_complements(kind, digits):
    X, y = digits[0][:200], digits[1][:200]
    clf = quick(**kind, threshold=0.5).fit(X, y)
    display = WeightImagesDisplay.from_estimator(clf, (8, 8), neurons=[3, 9])
    steps = getattr(clf, "weight_steps_", [1.0]) if kind.get("arithmetic") else [1.0]
    weights = clf.coefs_[0] * steps[0] / 0.5
    names = list(clf.encoder_.get_feature_names_out())
    has_complements = any("complement" in name for name in names)
    assert has_complements == ("encoder" in kind)
    for image, neuron in zip(display.images_, (3, 9), strict=True):
        pixels = np.ma.filled(image.get_array(), np.nan).ravel()
        for k, pixel in enumerate(pixels):
            expected = weights[names.index(f"x{k}"), neuron]
            if f"x{k}_complement" in names:
                expected -= weights[names.index(f"x{k}_complement"), neuron]
            if np.ptp(X[:, k]) == 0:
                expected = np.nan
            assert_allclose(pixel, expected, rtol=1e-6)
        low, high = image.get_clim()
        assert low == -high
    assert np.isnan(pixels).any()
    assert [ax.get_title() for ax in display.axes_] == ["neuron 3", "neuron 9"]


def test_images_fill_a_grid(digits):
    clf = quick(hidden_layer_sizes=(5,)).fit(digits[0][:100], digits[1][:100])
    display = WeightImagesDisplay.from_estimator(clf, (8, 8), n_columns=3, vmax=0.1)
    assert len(display.axes_) == 5
    assert display.images_[0].get_clim() == (-0.1, 0.1)
    assert display.colorbar_.extend == "both"
    bare = WeightImagesDisplay(np.zeros((1, 2, 2))).plot(colorbar=False)
    assert bare.colorbar_ is None
    assert bare.images_[0].get_clim() == (-1, 1)


def test_bad_images(iris, clf):
    with pytest.raises(ValueError, match="has 6 pixels, but there are 4 features"):
        WeightImagesDisplay.from_estimator(clf, (2, 3))
    for shape in 4, (2, 2, 1), (-2, -2), (2.0, 2.0):
        with pytest.raises(ValueError, match="two whole numbers above 0"):
            WeightImagesDisplay.from_estimator(clf, shape)
    for n in 0, -1, 1.5:
        with pytest.raises(ValueError, match="n_columns must be a whole number above"):
            WeightImagesDisplay.from_estimator(clf, (2, 2), n_columns=n)
    population = quick(encoder="population").fit(*iris)
    with pytest.raises(ValueError, match="receptive fields"):
        WeightImagesDisplay.from_estimator(population, (2, 2))
    with pytest.raises(IndexError, match="the first layer has 10 neurons"):
        WeightImagesDisplay.from_estimator(clf, (2, 2), neurons=[10])
    with pytest.raises(ValueError, match="images must have the shape"):
        WeightImagesDisplay(np.zeros((2, 2)))


# -- All of them -------------------------------------------------------------------


@pytest.mark.parametrize("display", EVERY)
def test_pipelines_searches_and_frames(display, search):
    search, frame, labels = search
    axes = plt.figure().subplots()
    rest = arguments(display, frame, labels)
    options = {"neurons": [0]} if display is WeightImagesDisplay else {}
    drawn = display.from_estimator(search, *rest, ax=axes, **options)
    assert axes in (drawn.axes_ if hasattr(drawn, "axes_") else [drawn.ax_])
    assert drawn.figure_ is axes.figure
    drawn.figure_.canvas.draw()
    again = drawn.plot()
    assert again is drawn
    assert again.figure_ is not axes.figure


def test_other_estimators_are_refused(iris):
    other = DummyClassifier().fit(*iris)
    pipeline = make_pipeline(MinMaxScaler(), other).fit(*iris)
    for display in EVERY:
        rest = arguments(display, *iris)
        with pytest.raises(TypeError, match=f"{display.__name__} needs .* DummyClass"):
            display.from_estimator(other, *rest)
        with pytest.raises(TypeError, match="which ends in DummyClassifier"):
            display.from_estimator(pipeline, *rest)
        with pytest.raises(NotFittedError):
            display.from_estimator(TTFSClassifier(), *rest)


def test_without_matplotlib(clf, iris, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for display in EVERY:
        with pytest.raises(ImportError, match=r"pip install \"scikit-ttfs\[plot\]\""):
            display.from_estimator(clf, *arguments(display, *iris))
