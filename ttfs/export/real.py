"""A model in real numbers as data, and an estimator made of such data.

The data are what JSON can hold, but for arrays of numbers, which stay arrays.
"""

import re

import numpy as np

from .. import encoders
from ..core import __version__, check_n_channels
from ..encoders.base import Channels
from ..estimators import TTFSClassifier, TTFSRegressor
from ..estimators.history import History
from ..estimators.learned import Learned, learned, rebuild
from ..model import LIF, Layer, Network
from ..model.layer import check_full
from .records import (
    ENCODERS,
    FormatError,
    Record,
    check_encoder,
    decoded_object,
    decoded_parameters,
    encoded,
    errors_of,
)

FORMAT = {"format": "ttfs-real", "version": 1}

_ESTIMATORS = {cls.__name__: cls for cls in (TTFSClassifier, TTFSRegressor)}
_NAMES = (
    *("format", "version", "ttfs", "estimator", "parameters", "targets", "time_scale"),
    *("t_max", "read_out", "feature_names", "encoder", "layers", "training"),
)
_LAYER = (
    *("n_in", "n_bias", "n_out", "tau_mem", "tau_syn", "threshold", "bias_times"),
    *("n_fixed", "n_active", "delays", "feedback", "weights"),
)
_RANGES = "low", "high", "scale", "absent", "zero_is_absent", "complemented", "always"
_ENCODER = (
    *("class", "parameters", "n_features", "n_channels", "begin", "end", "window"),
    *("may_drop", "n_receptive_fields", "levels", *_RANGES),
)
_HISTORY = (
    *("losses", "best_loss", "scores", "best_score", "n_samples_seen"),
    "validation_losses",
)

# Labels: numbers, strings, and objects that are either.
_LABELS = re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)|U[1-9][0-9]{0,5}|object")


# -- From an estimator -----------------------------------------------------------------


def real_data(estimator):
    """The entries of :func:`ttfs.export.to_json` of an estimator, with arrays.

    Raises NotFittedError, TypeError or ValueError if it is none that can be stored.
    """
    model = learned(estimator)
    network, history = model.network, model.history
    check_full(network.layers, "a file or graph of a model")
    parameters = estimator.get_params(deep=False)
    names = model.feature_names
    return FORMAT | {
        "ttfs": __version__,
        "estimator": type(estimator).__name__,
        "parameters": {name: encoded(x, name) for name, x in parameters.items()},
        "targets": _targets_data(model.targets, isinstance(estimator, TTFSClassifier)),
        "time_scale": float(model.time_scale),
        "t_max": float(network.t_max),
        "read_out": None if np.isinf(network.read_out) else float(network.read_out),
        "feature_names": None if names is None else [str(name) for name in names],
        "encoder": _encoder_data(model.encoder),
        "training": {
            "n_seen": int(model.n_seen),
            "was_fit": bool(model.was_fit),
            **{name: _floats(getattr(history, name)) for name in _HISTORY},
            "n_samples_seen": int(history.n_samples_seen),
        },
        "layers": [layer_data(layer) for layer in network.layers],
    }


def _floats(x):
    """A number, or a list of numbers; None if there is none."""
    return None if x is None else np.asarray(x, float).tolist()


def _targets_data(targets, are_classes):
    if not are_classes:
        return {"low": targets[0], "high": targets[1]}
    kind = targets.dtype.newbyteorder("=")
    kind = f"U{kind.itemsize // 4}" if kind.kind == "U" else kind.name
    values = targets.tolist()
    are_plain = all(isinstance(value, str | int | float) for value in values)
    if not (_LABELS.fullmatch(kind) and are_plain):
        types = sorted({type(value).__name__ for value in targets})
        raise ValueError(
            "JSON needs classes that are strings or numbers, got "
            f"{' and '.join(types)} in an array of {targets.dtype}"
        )
    return {"dtype": kind, "classes": values}


def _encoder_data(encoder):
    check_encoder(encoder)
    data = encoded(encoder, "encoder")
    data = {"class": data["object"], "parameters": data["parameters"]}
    return data | {name: getattr(encoder.channels_, name) for name in _ENCODER[2:]}


def layer_data(layer):
    """The entries of a layer."""
    neuron = layer.neuron
    return {
        "n_in": layer.n_in,
        "n_bias": layer.n_bias,
        "n_out": layer.n_out,
        "tau_mem": "inf" if np.isinf(neuron.tau_mem) else neuron.tau_mem,
        "tau_syn": neuron.tau_syn,
        "threshold": neuron.threshold,
        "bias_times": layer.bias_times,
        "n_fixed": int(layer.n_fixed),
        "n_active": _floats(layer.n_active),
        "delays": layer.delays,
        "feedback": layer.feedback,
        "weights": layer.weights,
    }


# -- To an estimator -------------------------------------------------------------------


def real_estimator(data, where="model"):
    """The estimator of what `real_data` has made; nothing of it is trusted.

    Arrays may have become lists. Raises FormatError if the data, which errors call
    `where`, are no model.
    """
    check_version(data, where, FORMAT)
    record = Record(data, where, _NAMES)
    record.text("ttfs")
    cls = _ESTIMATORS[record.text("estimator", _ESTIMATORS)]
    parameters = decoded_parameters(data["parameters"], f"{where}.parameters")
    encoder = _encoder(data["encoder"], f"{where}.encoder", record)
    network = _network(record, parameters)
    if network.n_channels != encoder.n_channels_:
        raise FormatError(
            f"{where}.encoder has {encoder.n_channels_} channels, but the first layer "
            f"{network.n_channels} inputs"
        )
    is_classifier = cls is TTFSClassifier
    model = Learned(
        network=network,
        encoder=encoder,
        targets=_targets(data["targets"], f"{where}.targets", network, is_classifier),
        feature_names=getattr(encoder, "feature_names_in_", None),
        time_scale=record.positive("time_scale"),
        **_training(data["training"], f"{where}.training"),
    )
    with errors_of(where):
        return rebuild(cls, parameters, model)


def check_version(data, where, expected):
    """Raise FormatError unless the data are of a format and version."""
    if not isinstance(data, dict) or "format" not in data or "version" not in data:
        raise FormatError(f"{where} is no model of ttfs: it has no format and version")
    name, version = data["format"], data["version"]
    if name == "ttfs-fixed":
        raise FormatError(
            f"{where} is a model in integers, for circuits and programs in other "
            "languages; store an estimator in integers with pickle or skops"
        )
    if name != expected["format"]:
        raise FormatError(f"{where} has the unknown format {name!r}")
    if type(version) is not int or version != expected["version"]:
        raise FormatError(
            f"{where} has version {version!r} of the format {name!r}, but ttfs "
            f"{__version__} reads version {expected['version']}"
        )


def _targets(data, where, network, are_classes):
    n = network.n_outputs
    if not are_classes:
        record = Record(data, where, ["low", "high"])
        ends = [record.array(name, (n,), limit=np.inf) for name in ("low", "high")]
        record.check("low", (ends[0] <= ends[1]).all(), "at most high")
        return np.array(ends)
    record = Record(data, where, ["dtype", "classes"])
    kind, values = record.text("dtype"), record.items("classes", n)
    record.check("dtype", _LABELS.fullmatch(kind), "a type of numbers or strings")
    types = {"U": {str}, "o": {str, int, float, bool}, "b": {bool}, "f": {float}}
    is_right = set(map(type, values)) <= types.get(kind[0], {int})
    try:
        classes = np.array(values, dtype=kind)
        is_right = is_right and len(values) > 1 and classes.tolist() == values
        is_right = is_right and np.array_equal(np.unique(classes), classes)
    except (TypeError, ValueError, OverflowError):
        is_right = False
    wanted = f"two or more different labels of {kind}, sorted"
    record.check("classes", is_right, wanted)
    return classes


def _training(data, where):
    record = Record(data, where, ["n_seen", "was_fit", *_HISTORY])

    def numbers(name):
        return tuple(record.array(name, record.shape(name), limit=np.inf).tolist())

    history = History(
        losses=numbers("losses"),
        best_loss=record.optional("best_loss", record.number),
        scores=record.optional("scores", numbers),
        best_score=record.optional("best_score", record.number),
        n_samples_seen=record.integer("n_samples_seen"),
        validation_losses=record.optional("validation_losses", numbers),
    )
    was_fit = record.flag("was_fit")
    return {"n_seen": record.integer("n_seen"), "was_fit": was_fit, "history": history}


# -- Layers ----------------------------------------------------------------------------


def _network(record, parameters):
    """The network, in the precision that the parameters ask for."""
    is_single = parameters.get("arithmetic", "float32") == "float32"
    dtype = np.float32 if is_single else np.float64
    n_axes = 2 if parameters.get("delays") == "synaptic" else 1
    layers = []
    for k, data in enumerate(record.items("layers")):
        where = f"{record.where}.layers[{k}]"
        layers.append(_layer(Record(data, where, _LAYER), dtype, n_axes))
        if k and layers[k].n_in != layers[k - 1].n_out:
            raise FormatError(
                f"{where} has {layers[k].n_in} inputs, but the layer before it "
                f"{layers[k - 1].n_out} neurons"
            )
    record.check("layers", layers, "not empty")
    for k, layer in enumerate(layers[1:], 1):
        shapes = layer.unrolled.shape, (layer.n_in, layers[-1].n_out)
        if layer.feedback is not None and layer.feedback.shape not in shapes:
            raise FormatError(
                f"{record.where}.layers[{k}].feedback must have one of the shapes "
                f"{shapes}, got {layer.feedback.shape}"
            )
    read_out = record.optional("read_out", record.number)
    read_out = np.inf if read_out is None else read_out
    return Network(tuple(layers), record.positive("t_max"), read_out)


def _layer(record, dtype, n_axes):
    """A layer whose delays, if there are any, have this number of axes."""
    n_in, n_bias, n_out = (
        record.integer(f"n_{name}", low=low, high=2**31)
        for name, low in (("in", 1), ("bias", 0), ("out", 1))
    )
    with errors_of(record.where):
        check_n_channels(n_in + n_bias)
        tau_mem = record.number("tau_mem", may_be_inf=True)
        neuron = LIF(tau_mem, record.number("tau_syn"), record.number("threshold"))
    shape = n_in + n_bias, n_out
    delays = record.optional("delays", record.array, shape[:n_axes], dtype)
    if delays is not None:
        record.check("delays", (delays >= 0).all(), "not negative")
    feedback_shape = record.optional("feedback", record.shape, 2)
    return Layer(
        weights=record.array("weights", shape, dtype),
        bias_times=record.array("bias_times", (n_bias,)),
        neuron=neuron,
        delays=delays,
        n_active=record.optional("n_active", record.number),
        n_fixed=record.integer("n_fixed", high=n_bias),
        feedback=record.optional("feedback", record.array, feedback_shape),
    )


# -- The encoder -----------------------------------------------------------------------


def _encoder(data, where, model):
    """The fitted encoder."""
    record = Record(data, where, _ENCODER)
    cls = ENCODERS[record.text("class", ENCODERS)]
    encoder = decoded_object(cls, data["parameters"], f"{where}.parameters")
    counts = "n_features", "n_receptive_fields", "n_channels"
    common = {name: record.integer(name, low=1, high=2**31) for name in counts}
    common |= {name: record.number(name) for name in ("begin", "end", "window")}
    n_features, n_channels = common["n_features"], common["n_channels"]
    common["may_drop"] = record.array("may_drop", (n_channels,), bool)
    common["levels"] = record.optional("levels", record.integer, 2)
    if cls is encoders.SpikeTimesEncoder:
        channels = _channels_of_times(record, common)
    else:
        channels = _channels_of_features(record, common, encoder)
    with errors_of(where):
        check_n_channels(n_channels)
    encoder.n_features_in_, encoder.channels_ = n_features, channels
    names = model.optional("feature_names", model.items, n_features)
    if names is not None:
        are_strings = all(isinstance(name, str) for name in names)
        model.check("feature_names", are_strings, "strings")
        encoder.feature_names_in_ = np.array(names, dtype=object)
    return encoder


def _channels_of_times(record, common):
    for name in _RANGES:
        record.array(name, (0,))
    is_plain = common["n_receptive_fields"] == 1 and common["levels"] is None
    if not is_plain or common["n_channels"] != common["n_features"]:
        raise FormatError(f"{record.where} must have a channel for each feature")
    record.check("end", common["end"] >= 0, "not negative")
    return Channels(kind="spike_times", **common)


def _channels_of_features(record, common, encoder):
    n = common["n_features"]
    low, high, scale = (
        record.array(name, (n,), limit=np.inf) for name in ("low", "high", "scale")
    )
    record.check("low", (low <= high).all(), "at most high")
    record.check("scale", (scale >= 0).all(), "not negative")
    numbers = {}
    for name in ("complemented", "always"):
        array = record.array(name, record.shape(name), np.uint32)
        is_right = np.all(array < n) and np.all(array[1:] > array[:-1])
        record.check(name, is_right, f"increasing numbers of {n} features")
        numbers[name] = array
    kind, n_fields = "population", getattr(encoder, "n_fields", 1)
    if isinstance(encoder, encoders.LatencyEncoder):
        kinds = {"auto": "auto", False: "latency", True: "complement"}
        kind = kinds[encoder.complement]
    wanted = {
        "n_receptive_fields": n_fields,
        "n_channels": n * n_fields + len(numbers["complemented"]),
        "levels": encoder.levels,
        "window": common["window"] if encoder.window is None else encoder.window,
        "end": common["window"],
        "begin": 0.0,
    }
    for name, value in wanted.items():
        record.check(name, common[name] == value, f"{value}, as other entries ask for")
    record.positive("window")
    return Channels(
        kind=kind,
        **common,
        low=low,
        high=high,
        scale=scale,
        absent=record.array("absent", (n,), null=np.nan, limit=np.inf),
        zero_is_absent=record.array("zero_is_absent", (n,), bool),
        **numbers,
    )
