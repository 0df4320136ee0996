"""Rasters and membranes show what the network does."""

import itertools

import numpy as np
import pytest
from classifiers import quick
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

import ttfs
from ttfs.plotting import MembraneDisplay, SpikeRasterDisplay
from ttfs.plotting.figures import BLUE, VERMILION


def marks(lines):
    """Times and heights of the marks of a group, sorted by both."""
    ends = np.array(lines.get_segments()).reshape(-1, 2, 2)
    assert_array_equal(ends[:, 0, 0], ends[:, 1, 0])  # upright
    return sorted((x, y) for x, y in ends.mean(axis=1))


def colours(lines):
    """The colour of each mark, by its time."""
    times = [segment[0][0] for segment in lines.get_segments()]
    return dict(zip(times, map(to_hex, lines.get_colors()), strict=True))


# -- Rasters -----------------------------------------------------------------------


def test_each_spike_is_a_mark_in_the_row_of_its_neuron(clf, iris):
    X, y = iris
    display = SpikeRasterDisplay.from_estimator(clf, X, y, samples=[3, 80, -1])
    assert len(display.axes_) == len(display.spikes_) == 3
    top = -np.inf
    times = clf.spike_times(X[[3, 80, 149]])
    for k, of_group in enumerate(times):
        rows = {}
        for panel, row in enumerate(of_group):
            fired = np.flatnonzero(row < clf.t_max_)
            found = marks(display.spikes_[panel][k])
            assert_allclose([t for t, _ in found], np.sort(row[fired]))
            for time, height in found:
                neuron = fired[np.argmin(np.abs(row[fired] - time))]
                if np.count_nonzero(np.isclose(row, time)) == 1:
                    assert height == rows.setdefault(neuron, pytest.approx(height))
        heights = [height.expected for _, height in sorted(rows.items())]
        assert np.all(np.diff(heights) > 0)  # neurons in their order
        assert min(heights) > top  # and layers
        top = max(heights)


def test_the_decision_is_a_line_and_what_follows_is_grey(clf, iris):
    X, y = iris
    wrong = np.flatnonzero(clf.predict(X) != y)[0]
    right = np.flatnonzero(clf.predict(X) == y)[0]
    display = SpikeRasterDisplay.from_estimator(clf, X, y, samples=[right, wrong])
    outputs = clf.spike_times(X[[right, wrong]])[-1]
    for panel, colour in enumerate((BLUE, VERMILION)):
        first = outputs[panel].min()
        line = display.decisions_[panel]
        assert_allclose(line.get_xdata(), first)
        assert to_hex(line.get_color()) == colour.lower()
        for lines in display.spikes_[panel]:
            for time, found in colours(lines).items():
                assert (found == "#8c8c8c") == (time > first)
        assert colours(display.spikes_[panel][-1])[first] == colour.lower()
    assert display.axes_[1].get_title() == (
        f"sample {wrong}: decided {clf.predict(X)[wrong]}, true {y[wrong]}"
    )
    # The background of the true class lies around its row.
    spans = [p for p in display.axes_[1].patches if p.get_label() == "true class"]
    bottom, top = spans[0].get_y(), spans[0].get_y() + spans[0].get_height()
    names = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    height = display.axes_[1].get_yticks()[names.index(str(y[wrong]))]
    assert names.count("class") == 1
    assert bottom < height < top


def test_other_decisions_have_no_line(several, regressor, iris):
    X, y = iris
    display = SpikeRasterDisplay.from_estimator(several, X, y)
    assert display.decisions_ == [None]
    assert "by numbers of spikes" in display.axes_[0].get_title()
    spikes = several.spike_times(X[:1])[1]
    found = [time for time, _ in marks(display.spikes_[0][1])]
    assert_allclose(found, np.sort(spikes[np.isfinite(spikes)]))
    display = SpikeRasterDisplay.from_estimator(regressor, X, y, samples=2)
    assert display.decisions_ == [None]
    assert display.axes_[0].get_title() == (
        f"sample 2: predicted {regressor.predict(X)[2]:.3g}, true {y[2]:.3g}"
    )


def test_undecided_samples_have_no_line(model, iris):
    X, _ = iris
    activity = model[-1].activity(model[:-1].transform(X))
    sample = np.flatnonzero(activity.is_undecided)[0]
    display = SpikeRasterDisplay.from_estimator(model, X, samples=sample)
    assert display.decisions_ == [None]
    assert "by membranes" in display.axes_[0].get_title()


def test_axes_that_are_given_are_used(clf, iris):
    X, y = iris
    figure, axes = plt.subplots(1, 3)
    one = SpikeRasterDisplay.from_estimator(clf, X, y, ax=axes[0])
    assert list(one.axes_) == [axes[0]]
    assert one.figure_ is figure
    two = SpikeRasterDisplay.from_estimator(clf, X, y, samples=[0, 1], ax=axes[1:])
    assert list(two.axes_) == list(axes[1:])
    divided = SpikeRasterDisplay.from_estimator(
        clf, X, y, samples=[0, 1], ax=plt.figure().subplots()
    )
    assert len(divided.figure_.axes) == 3
    with pytest.raises(ValueError, match="ax has 3 axes, but there are 2 panels"):
        SpikeRasterDisplay.from_estimator(clf, X, samples=[0, 1], ax=axes)


@pytest.mark.parametrize(
    ("size", "shape", "samples"),
    [((9, 4.5), (1, 2), [0]), ((11.4, 5), (1, 3), [0, 1, 2]), ((4, 2.2), (1, 1), [0])],
    ids=["beside membranes", "three samples", "small"],
)
def test_labels_of_outputs_do_not_overlap(size, shape, samples):
    """Nor in pictures that are too low for all ten."""
    X, y = load_digits(return_X_y=True)
    digits = quick(max_iter=1).fit(X[:200], y[:200])
    figure, axes = plt.subplots(*shape, figsize=size, layout="constrained")
    axes = np.ravel(axes)[: len(samples)]
    SpikeRasterDisplay.from_estimator(digits, X, y, samples=samples, ax=axes)
    if len(samples) == 1 < shape[1]:
        MembraneDisplay.from_estimator(digits, X, y, ax=figure.axes[-1])
    figure.canvas.draw()
    for panel in axes:
        labels = [t for t in panel.get_yticklabels() if t.get_text()]
        texts = [label.get_text() for label in labels]
        assert texts[-1] == "class"
        numbers = [text for text in texts if text.isdigit()]
        is_low = size[1] < 3
        assert 2 < len(numbers) < 10 if is_low else numbers == list("0123456789")
        boxes = [label.get_window_extent() for label in labels]
        checked = boxes[-len(numbers) - 1 :] if is_low else boxes
        assert all(a.y1 <= b.y0 for a, b in itertools.pairwise(checked))


def test_axes_that_are_none_are_refused(clf, iris):
    X, _ = iris
    for bad in ("foo", [1, 2]):
        with pytest.raises(TypeError, match="ax must be Axes of matplotlib"):
            SpikeRasterDisplay.from_estimator(clf, X, samples=[0, 1], ax=bad)
        with pytest.raises(TypeError, match="ax must be Axes of matplotlib or None"):
            MembraneDisplay.from_estimator(clf, X, ax=bad)
    with pytest.raises(TypeError, match="ax must be Axes of matplotlib or None"):
        MembraneDisplay.from_estimator(clf, X, ax=plt.subplots(1, 2)[1])
    alone = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(TypeError, match=r"ax must be Axes of a grid.* for 2 panels"):
        SpikeRasterDisplay.from_estimator(clf, X, samples=[0, 1], ax=alone)
    assert len(SpikeRasterDisplay.from_estimator(clf, X, ax=alone).axes_) == 1


def test_spike_trains_have_all_their_spikes(iris):
    rng = np.random.default_rng(0)
    samples, channels = np.repeat(np.arange(30), 8), np.tile(np.arange(4), 60)
    times = 5 + rng.random(240)
    X = ttfs.SpikeTrains(samples, channels, times, (30, 4))
    clf = quick().fit(X, np.arange(30) % 3)
    display = SpikeRasterDisplay.from_estimator(clf, X, samples=7)
    found = [time for time, _ in marks(display.spikes_[0][0])]
    assert_allclose(found, np.sort(times[samples == 7]), rtol=1e-6)


# -- Membranes ---------------------------------------------------------------------


def by_hand(clf, times, layer, at):
    """Membranes of a layer of a plain network, from public arrays alone."""
    n_biases = len(clf.bias_times_[layer])
    biases = np.broadcast_to(clf.bias_times_[layer], (len(times[layer]), n_biases))
    weights = clf.coefs_[layer].astype(float)
    since = at - np.hstack([times[layer], biases])[0][:, None]
    kernel = np.where(since > 0, since * np.exp(-np.maximum(since, 0)), 0)
    return weights.T @ kernel


@pytest.mark.parametrize("layer", [0, -1])
def test_traces_are_membranes(layer, clf, iris):
    X, y = iris
    sample = 77
    neurons = [2, 0, 1]
    display = MembraneDisplay.from_estimator(
        clf, X, y, sample=sample, layer=layer, neurons=neurons
    )
    times = clf.spike_times(X[sample : sample + 1])
    spikes = times[1:][layer][0][neurons]
    for k, neuron in enumerate(neurons):
        at = np.concatenate([display.traces_[k].get_xdata()])
        expected = by_hand(clf, times[:-1], layer, at)[neuron]
        assert_allclose(display.traces_[k].get_ydata(), expected, atol=1e-6)
        assert at[-1] == (spikes[k] if spikes[k] < clf.t_max_ else clf.t_max_)
        rest = display.rests_[k]
        if spikes[k] < clf.t_max_:
            assert rest.get_xdata()[0] == spikes[k]
            expected = by_hand(clf, times[:-1], layer, rest.get_xdata())[neuron]
            assert_allclose(rest.get_ydata(), expected, atol=1e-6)
        else:
            assert rest is None
    fired = np.sort(spikes[spikes < clf.t_max_])
    assert len(fired) > 0
    assert_array_equal(display.spikes_.get_xdata(), fired)
    assert_array_equal(display.spikes_.get_ydata(), np.ones(len(fired)))
    assert_array_equal(display.threshold_.get_ydata(), [1, 1])


def test_traces_have_their_kinks_and_resets(several, iris):
    X, y = iris
    sample = int(np.isfinite(several.spike_times(X)[1]).sum(axis=(1, 2)).argmax())
    neuron = int(np.isfinite(several.spike_times(X)[1][sample]).sum(axis=1).argmax())
    display = MembraneDisplay.from_estimator(
        several, X, y, sample=sample, layer=0, neurons=[neuron]
    )
    spikes = several.spike_times(X)[1][sample, neuron]
    spikes = spikes[np.isfinite(spikes)]
    assert len(spikes) > 1
    at, u = display.times, display.traces[0]
    assert_allclose(u[np.isin(at, spikes)], 1, atol=1e-4)
    assert_allclose(u[np.flatnonzero(np.isin(at, spikes)) + 1], 0, atol=1e-4)
    arrivals = several.spike_times(X)[0][sample]
    assert np.isin(arrivals[np.isfinite(arrivals)], at).all()


def test_the_decision_and_the_true_class_stand_out(clf, iris):
    X, y = iris
    wrong = int(np.flatnonzero(clf.predict(X) != y)[0])
    display = MembraneDisplay.from_estimator(clf, X, y, sample=wrong)
    decided, true = clf.predict(X)[wrong], y[wrong]
    labels = [line.get_label() for line in display.traces_]
    assert labels[decided] == f"class {decided} (decision)"
    assert labels[true] == f"class {true} (true)"
    assert display.traces_[decided].get_color() == VERMILION
    assert display.traces_[true].get_color() == BLUE
    without = MembraneDisplay.from_estimator(clf, X, sample=wrong)
    assert without.traces_[decided].get_color() == BLUE


def test_outputs_that_do_not_fire_have_no_threshold(iris):
    X, y = iris
    clf = quick(max_spikes=2, read_out="peak").fit(X, y)
    display = MembraneDisplay.from_estimator(clf, X, y)
    assert display.threshold_ is None
    assert display.spikes_ is None
    assert "by peaks" in display.ax_.get_title()
    # The greatest peak decides, here as in the network.
    peaks = [line.get_ydata().max() for line in display.traces_]
    assert clf.classes_[np.argmax(peaks)] == clf.predict(X[:1])[0]


def test_a_hidden_layer_shows_neurons_from_the_first_to_the_last(clf, iris):
    X, _ = iris
    display = MembraneDisplay.from_estimator(clf, X, sample=5, layer=0)
    times = clf.spike_times(X[5:6])[1][0]
    fired = times[np.isfinite(times)]
    assert len(fired) > 6 == len(display.names)
    assert display.names == sorted(display.names)
    for end in (fired.min(), fired.max()):
        assert f"neuron {np.flatnonzero(times == end)[0]}" in display.names
    assert np.isfinite(display.spikes).all()
    assert display.ax_.get_title() == "sample 5, layer 1"


def test_a_regressor_has_targets(regressor, iris):
    display = MembraneDisplay.from_estimator(regressor, *iris, sample=1)
    assert display.names == ["target 0"]
    assert display.decided is None


@pytest.mark.parametrize("display", [SpikeRasterDisplay, MembraneDisplay])
def test_bad_numbers(display, clf, iris):
    X, y = iris
    name = "samples" if display is SpikeRasterDisplay else "sample"
    with pytest.raises(IndexError, match=f"^{name}=150 .*X has 150 samples"):
        display.from_estimator(clf, X, y, **{name: 150})
    for bad in ("a", 1.5, None):
        with pytest.raises(TypeError, match=f"{name} must be .*whole number"):
            display.from_estimator(clf, X, y, **{name: bad})
    with pytest.raises(ValueError, match="y has the class 7"):
        display.from_estimator(clf, X, np.full(150, 7))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        display.from_estimator(clf, X, y[:-1])


def test_bad_neurons(clf, iris):
    X, _ = iris
    with pytest.raises(IndexError, match="the layer has 3 neurons"):
        MembraneDisplay.from_estimator(clf, X, neurons=[3])
    with pytest.raises(ValueError, match="one or more whole numbers"):
        MembraneDisplay.from_estimator(clf, X, neurons=[])
    with pytest.raises(IndexError, match="layer must be"):
        MembraneDisplay.from_estimator(clf, X, layer=2)
    with pytest.raises(TypeError, match="sample must be one whole number"):
        MembraneDisplay.from_estimator(clf, X, sample=[0, 1])


def test_membranes_as_arrays():
    times, traces = [0.0, 1.0, 2.0], [[0.0, 0.5, 1.0], [0.0, -0.5, -1.0]]
    options = {"spikes": [[2.0], [np.inf]], "threshold": 1.0, "names": ["a", "b"]}
    display = MembraneDisplay(times, traces, **options).plot(legend=False)
    assert_array_equal([line.get_ydata() for line in display.traces_], traces)
    assert_array_equal(display.spikes_.get_xdata(), [2])
    assert display.figure_.legends == []
    for bad in ({"names": ["a"]}, {"spikes": [1.0, 2.0]}, {"spikes": [[1.0]]}):
        with pytest.raises(ValueError, match="must have the shape"):
            MembraneDisplay(times, traces, **{**options, **bad})
    with pytest.raises(ValueError, match="traces must have the shape"):
        MembraneDisplay(times[:2], traces, **options)
