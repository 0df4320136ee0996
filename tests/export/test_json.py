"""The JSON of a model holds all of it."""

import json
from dataclasses import fields as dataclass_fields

import numpy as np
import pytest
from exported import LEARNING, MODELS, make, online, outputs, spike_trains
from fixed_networks import Core
from numpy.testing import assert_array_equal

from ttfs import TTFSClassifier, export
from ttfs.fixed.network import FixedLayer, FixedNetwork

DTYPES = {
    "weights": np.int16,
    "accumulators": np.int16,
    "bias_ticks": np.uint16,
    "decay_mem": np.int16,
    "decay_syn": np.int16,
    "kappa": np.int16,
    "slope_bounds": np.int16,
    "kernel": np.int8,
    "kernel_slope": np.int8,
    "lfsr": np.uint16,
    "silence": np.uint8,
    "softmax": np.uint16,
    "reciprocal": np.uint16,
    "may_drop": np.uint8,
}


def rebuilt(data):
    """The network that a file describes: for learning if it tells how."""
    learning = data.get("learning", {})

    def arrays(fields):
        return {
            name: np.array(value, DTYPES[name]) if name in DTYPES else value
            for name, value in fields.items()
        }

    layers = []
    for fields in data["layers"]:
        fields = dict(fields)
        more = fields.pop("learning", {})
        assert np.shape(fields["weights"]) == (fields.pop("n_in"), fields.pop("n_out"))
        assert len(fields["bias_ticks"]) == fields.pop("n_bias")
        if more:
            more["weights"] = more.pop("accumulators")
            if more["feedback"] is not None:
                more["feedback"] = np.array(more["feedback"], np.int16)
        else:  # not used
            names = [f.name for f in dataclass_fields(FixedLayer)]
            n_ticks, n_out = data["n_ticks"], len(fields["weights"][0])
            more = dict.fromkeys(names[names.index("max_stored") :], 5) | {
                "n_fixed": 0,
                "max_stored": 255,
                "kernel": np.zeros(n_ticks + 1),
                "kernel_slope": np.zeros(n_ticks + 1),
                "lfsr": np.ones(n_out),
                "silence": np.zeros(n_out),
            }
        layers.append(FixedLayer(**arrays(fields | more)))
    n_in = len(layers[0].weights)
    learning = learning or {
        "read_out": data["n_ticks"],
        "stretch": 1,
        "softmax": [256],
        "reciprocal": np.zeros(128),
        "gain": 128,
        "push": 0,
        "feedback": "symmetric",
        "rounding": "floor",
        "drop": 0,
        "may_drop": np.zeros(n_in),
        "lfsr": [1],
    }
    is_floor = {"stochastic": False, "floor": True}[learning.pop("rounding")]
    return FixedNetwork(
        layers=layers,
        n_ticks=data["n_ticks"],
        silent_delay=data["silent_delay"],
        is_floor=is_floor,
        **arrays(learning),
    )


@pytest.mark.parametrize("name", MODELS)
def test_json_is_the_model(name, tmp_path):
    clf, data = make(name)
    path = tmp_path / "model.json"
    export.to_json(clf, path)
    model = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (model["format"], model["version"]) == ("ttfs-fixed", 5)
    assert model["classes"] == clf.classes_.tolist()
    assert ("learning" in model) == (name in LEARNING)
    for layer, weights in zip(model["layers"], clf.coefs_, strict=True):
        assert layer["weights"] == weights.tolist()
        assert layer["fraction"] == 0

    X, y = data(40, seed=7)
    labels = np.searchsorted(clf.classes_, y)
    network, ticks = rebuilt(model), export.ticks(clf, X)
    core = Core(network)
    rows = outputs(clf, X)
    decisions = core.infer(ticks)[2]
    assert decisions.tolist() == [row[0] for row in rows]
    if name in LEARNING:
        learned = online(clf, X, y)
        for sample, label in zip(ticks, labels, strict=True):
            core.learn([sample], [label])
        now = core.core.network()
        for layer, row in zip(now.layers, learned, strict=False):
            assert layer.weights.ravel().tolist() == row[: layer.weights.size]


@pytest.mark.parametrize("name", ["exact", "direct", "target", "8 bits"])
def test_encoder_of_json_gives_the_ticks(name, tmp_path):
    clf, data = make(name)
    export.to_json(clf, tmp_path / "model.json")
    model = json.loads((tmp_path / "model.json").read_text())
    encoder = model["encoder"]
    X, _ = data(100, seed=8)
    low, high, scale, absent = (
        np.array(encoder[key], float) for key in ("low", "high", "scale", "absent")
    )
    x = np.clip(X, low, high)
    v = np.minimum((x / 2 - low / 2) * scale, 1)
    times = np.where(x == absent, np.inf, 1 - v)
    if encoder["kind"] == "population":
        m = encoder["n_receptive_fields"]
        z = 1.5 * (v[:, :, None] * (m - 2) + 0.5 - np.arange(m))
        g = np.exp(-(z**2) / 2)
        times = np.where((g < 0.1) | np.isinf(times[:, :, None]), np.inf, 1 - g)
        times = times.reshape(len(X), -1)
    times = np.hstack([times, v[:, encoder["complemented"]]])
    if encoder["levels"] is None:
        times *= encoder["window"]
    else:
        last = encoder["levels"] - 1
        k = np.floor(times * last + 0.5)
        times = np.where(k == last, encoder["window"], k * (encoder["window"] / last))
    ticks = np.floor(times.astype(np.float32).astype(float) / encoder["tick"] + 0.5)
    ticks = np.minimum(ticks, model["n_ticks"])
    assert ticks.shape[1] == encoder["n_channels"]
    assert_array_equal(export.ticks(clf, X), ticks)


def test_json_of_spike_trains(tmp_path):
    X, y = spike_trains(60, several=True)
    clf = TTFSClassifier((5,), arithmetic="fixed", max_iter=1).fit(X, y)
    export.to_json(clf, tmp_path / "model.json")
    encoder = json.loads((tmp_path / "model.json").read_text())["encoder"]
    assert encoder == {
        "kind": "spike_times",
        "tick": clf.tick_,
        "n_features": 3,
        "n_channels": 3,
        "begin": X.events()[2].min(),
    }
