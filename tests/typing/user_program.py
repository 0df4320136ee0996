"""A program of a user, on which type checkers find no error.

It runs too, in a few seconds, but is made to be read by mypy and pyright.
"""

import tempfile
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import ttfs
from ttfs import (
    LIF,
    SpikeTrains,
    TTFSClassifier,
    TTFSRegressor,
    export,
    first_spike,
    first_spike_vjp,
    interchange,
    membrane_traces,
    plotting,
)
from ttfs.baselines import RateClassifier, S4NNClassifier
from ttfs.datasets import make_yin_yang
from ttfs.encoders import LatencyEncoder, PopulationEncoder, SpikeTimesEncoder
from ttfs.energy import COST_MODELS, Activity, Anytime
from ttfs.out_of_core import fit_blocks
from ttfs.parameters import (
    CrossEntropy,
    ExactGradient,
    FixedPoint,
    LocalRule,
    SquaredError,
)
from ttfs.substrates import AnalogChip, Clocked, Ideal, Layer, Network


class Mirror:
    """A substrate of a user's own: any object with the method `forward`."""

    def forward(
        self, times: NDArray[np.floating], network: Network
    ) -> list[NDArray[np.floating]]:
        return Ideal().forward(times, network)


def classifiers() -> list[TTFSClassifier]:
    """Constructors with all kinds of parameters."""
    return [
        TTFSClassifier(),
        TTFSClassifier(max_iter=40),
        TTFSClassifier(max_iter="auto", batch_size=32, learning_rate_init=0.01),
        TTFSClassifier(30, tau_mem=float("inf"), t_max=4, verbose=True),
        TTFSClassifier((20, 10), tau_mem=[1.0, 2.0, 3.0], delays="axonal"),
        TTFSClassifier(read_out="auto"),
        TTFSClassifier(read_out=2, t_max=3.0),
        TTFSClassifier(read_out=None),
        TTFSClassifier(max_spikes=8, refractory=0.1, read_out="count"),
        TTFSClassifier([20], random_state=np.random.RandomState(0)),
        TTFSClassifier(np.array([20, 10]), tau_syn=2, class_weight={"a": 2.0, "b": 1}),
        TTFSClassifier(arithmetic="fixed", gradient="local"),
        TTFSClassifier(arithmetic=FixedPoint(weight_bits=4), gradient=LocalRule()),
        TTFSClassifier(arithmetic=FixedPoint(8, tick=1 / 32, rounding="floor")),
        TTFSClassifier(gradient=LocalRule(kernel="linear", feedback="random")),
        TTFSClassifier(gradient=ExactGradient(min_slope=0.1), loss="squared_error"),
        TTFSClassifier(loss=CrossEntropy(early_firing=0.01), time_scale=0.1),
        TTFSClassifier(loss=SquaredError(targets=(0.7, 1.4)), class_weight="balanced"),
        TTFSClassifier(encoder="population", early_stopping=True),
        TTFSClassifier(encoder=LatencyEncoder(complement=False), warm_start=True),
        TTFSClassifier(encoder=PopulationEncoder(levels=16), learning_rate="constant"),
        TTFSClassifier(encoder=SpikeTimesEncoder(begin=0.0, may_drop=[True, False])),
        TTFSClassifier(substrate=Ideal()),
        TTFSClassifier(substrate=AnalogChip(weight_bits=6, weight_clip=2.0)),
        TTFSClassifier(substrate=AnalogChip.preset("brainscales2", dead_neurons=0)),
        TTFSClassifier(substrate=Clocked(0.01)),
        TTFSClassifier(substrate=Mirror()),
    ]


def mistakes() -> None:
    """What a type checker refuses: it would be an error when the program runs."""
    TTFSClassifier(max_iter="many")  # type: ignore
    TTFSClassifier(arithmetic="float16")  # type: ignore
    TTFSClassifier(gradient=CrossEntropy())  # type: ignore
    TTFSClassifier(substrate=LIF())  # type: ignore
    FixedPoint(weight_bits="4")  # type: ignore
    RateClassifier(inputs="poisson")  # type: ignore
    S4NNClassifier(encoder="population")  # type: ignore
    LIF(tau_mem=[1.0, 2.0])  # type: ignore
    first_spike([[0.0]], [[1.0]], neuron=1.0)  # type: ignore
    TTFSClassifier().fit(3.5, [0, 1]).predict()  # type: ignore


def classify(folder: Path) -> None:
    """Fit, predict, count and export."""
    X, y = make_yin_yang(200, random_state=0)
    clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=2, random_state=0)
    assert_type(clf.fit(X, y), TTFSClassifier)
    labels = clf.fit(X, y).predict(X)
    print(labels.shape, np.mean(labels == y), clf.score(X, y))
    print(clf.predict_proba(X).argmax(axis=1), clf.decision_function(X[:5]).max())
    print(clf.coefs_[0].shape, clf.loss_curve_[-1], clf.classes_.tolist(), clf.n_iter_)
    print(clf.network_.sizes, clf.encoder_.n_channels_, clf.n_features_in_, clf.t_max_)
    assert_type(clf.read_out_, float | None)
    assert_type(clf.set_params(arithmetic__weight_bits=4), TTFSClassifier).fit(X, y)
    print([times.min() for times in clf.spike_times(X)])

    activity: Activity = clf.activity(X, cost_model=COST_MODELS["brainscales2"])
    print(
        activity.energy.mean(),
        activity.summary()["synaptic events"],
        activity.n_spikes.sum(),
        activity.n_events_to_decision.sum(axis=1),
        activity.break_even,
    )
    curve: Anytime = clf.anytime(X, y, times=[0.5, 1.0])
    print(curve, curve.accuracy.max(), curve.summary()["events"])
    export.to_json(clf, folder / "model.json")
    export.to_json(
        TTFSRegressor((5,), max_iter=1).fit(X, X[:, 0]), folder / "real.json"
    )
    loaded = export.from_json(folder / "real.json")
    assert_type(loaded, TTFSClassifier | TTFSRegressor)
    print(interchange.input_times(loaded, X).shape)
    export.to_c(clf, str(folder / "model.c"), prefix="model")
    export.to_library(clf, folder / "model", self_test=X[:3])
    print(export.ticks(clf, X).dtype, export.cost_sheet(clf, X).inference)


def kinds_of_data() -> None:
    """Lists, arrays, sparse matrices and spike trains."""
    clf = TTFSClassifier(5, max_iter=1)
    rows, names = [[0.0, 1.0], [1.0, 0.0], [0.0, 0.9]], ["a", "b", "a"]
    clf.fit(rows, names).predict([[0.0, 1.0]])
    clf.fit(np.array(rows, np.float32), np.array(names)).predict(rows)
    clf.fit(csr_matrix(rows), names).predict(csr_array(rows))
    trains = SpikeTrains([0, 0, 1, 2], [0, 1, 1, 0], [0.1, 0.2, 0.3, 0.1], (3, 2))
    clf.fit(trains, names).predict(trains[:2])
    print(trains.shape, trains.n_spikes, trains.events()[2].max())
    clf.partial_fit(trains, names)
    event = np.array([(0, 5)], [("x", int), ("t", int)])
    more = SpikeTrains.from_events([event], sensor_size=(2, 1, 1), time_unit=1e-3)
    print(SpikeTrains.concatenate([trains, more[:, ::-1]]).shape)
    blocks = [(trains[:2], names[:2]), (trains[2:], names[2:])]
    fit_blocks(clf, blocks, n_epochs=2).predict(trains)
    TTFSClassifier().partial_fit(rows, names, classes=["a", "b", "c"])


def regress() -> None:
    """Predict numbers, in a pipeline and in a search."""
    X, y = make_yin_yang(60, random_state=0)
    reg = TTFSRegressor((10,), max_iter=2, encoder="latency")
    prediction = assert_type(reg.fit(X, X[:, 0]), TTFSRegressor).predict(X)
    print(prediction.mean(), reg.target_range_.shape, reg.best_loss_)
    encoder = LatencyEncoder(silent_time=2.0)
    times = encoder.fit(X).transform(X)
    print(times.max(), encoder.get_feature_names_out(), encoder.n_channels_)
    pipeline = make_pipeline(encoder, TTFSClassifier(5, max_iter=1))
    print(pipeline.fit(X, y).predict(X))
    grid = {"arithmetic": ["fixed", FixedPoint(weight_bits=3)]}
    search = GridSearchCV(TTFSClassifier(5, max_iter=1), grid, cv=2)
    print(search.fit(X, y).best_params_)


def compare_codes() -> None:
    """Other codes on the same data."""
    X, y = make_yin_yang(60, random_state=0)
    ann = MLPClassifier((10,), max_iter=2).fit(X, y)
    rate = RateClassifier((10,), max_iter=2, random_state=0, outputs="membrane")
    for clf in (rate, RateClassifier(ann=ann, n_steps=8, percentile=99)):
        prediction = assert_type(clf.fit(X, y), RateClassifier).predict(X)
        print(prediction.shape, clf.decisions(X, [1, 4]).shape, clf.score(X, y))
        print(clf.activity(X, "loihi").energy.mean(), clf.anytime(X, y).accuracy[-1])
        print(clf.coefs_[0].shape, clf.scales_, clf.firing_rates(csr_matrix(X))[0])
    s4nn = S4NNClassifier((10,), n_steps="auto", max_iter=2, random_state=0)
    times = assert_type(s4nn.fit(X, y), S4NNClassifier).spike_times(X)
    print(times[0].shape, s4nn.partial_fit(X, y).predict_proba(X).shape)
    print(s4nn.strict_score(X, y), s4nn.published_score(X, y), s4nn.n_steps_)
    print(s4nn.activity(X, "loihi").energy.mean(), s4nn.anytime(X, y).accuracy[-1])


def layer_of_neurons() -> None:
    """Spike times of one layer, their gradient, and a substrate."""
    neuron = LIF(tau_mem=2, tau_syn=1.0)
    spikes = first_spike([[0.0, 0.5]], [[2.0], [2.0]], neuron)
    grad_times, grad_weights = first_spike_vjp(
        [[0.0, 0.5]], [[2.0], [2.0]], spikes, np.ones_like(spikes), neuron
    )
    print(grad_times.shape, grad_weights.T, neuron.kappa(1.0), neuron.peak_delay)
    layer = Layer(np.array([[4.0], [0.0]]), np.array([0.9]), neuron)
    (fired,) = Ideal().forward(np.array([[0.0]]), Network((layer,), t_max=3.0))
    print(fired.round(3), ttfs.get_include())


def pictures() -> None:
    """Displays of a fitted classifier, and membranes as arrays."""
    X, y = make_yin_yang(60, random_state=0)
    clf = TTFSClassifier((10,), max_iter=2, random_state=0).fit(X, y)
    model = make_pipeline(LatencyEncoder(), TTFSClassifier((10,), max_iter=2))
    model.fit(X, y)
    raster = plotting.SpikeRasterDisplay.from_estimator(clf, X, y, samples=[0, 1])
    assert_type(raster, plotting.SpikeRasterDisplay).plot(legend=False)
    one = plotting.MembraneDisplay.from_estimator(model, X, sample=3, layer=0)
    times = plotting.DecisionTimeDisplay.from_estimator(clf, X, y, bins=[0.0, 1, 2])
    curve = plotting.AnytimeDisplay(clf.anytime(X, y)).plot(events=False)
    loss = plotting.LossCurveDisplay.from_estimator(clf, log=True)
    images = plotting.WeightImagesDisplay.from_estimator(clf, (2, 2), neurons=[0])
    print(one.ax_.get_title(), times.edges_, curve.ax_, loss.loss_, images.images)
    recording = clf.record(X[:2])
    traces = assert_type(recording.membrane_traces(0, [0.5, 1.0]), NDArray[np.float64])
    print(traces.shape, recording.arrivals(1, 0), recording.input_spikes(0)[1])
    alone = membrane_traces([[0.0, 0.5]], [[2.0], [2.0]], at=[1.0, 1.5])
    print(assert_type(alone, NDArray[np.float64]))


def main() -> None:
    print(len(classifiers()))
    with tempfile.TemporaryDirectory() as folder:
        classify(Path(folder))
    kinds_of_data()
    regress()
    compare_codes()
    layer_of_neurons()
    pictures()


if __name__ == "__main__":
    main()
