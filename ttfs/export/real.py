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
from .records import (
    FormatError,
    Record,
    decoded_object,
    decoded_parameters,
    encoded,
)

FORMAT = {"format": "ttfs-real", "version": 1}

_ESTIMATORS = {cls.__name__: cls for cls in (TTFSClassifier, TTFSRegressor)}
_ENCODERS = {
    cls.__name__: cls
    for cls in (
        encoders.LatencyEncoder,
        encoders.PopulationEncoder,
        encoders.SpikeTimesEncoder,
    )
}
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
            "losses": _floats(history.losses),
            "best_loss": _or_none(history.best_loss),
            "scores": _floats(history.scores),
            "best_score": _or_none(history.best_score),
            "n_samples_seen": int(history.n_samples_seen),
            "validation_losses": _floats(history.validation_losses),
        },
        "layers": [_layer_data(layer) for layer in network.layers],
    }


def _floats(values):
    return None if values is None else [float(value) for value in values]


def _or_none(value):
    return None if value is None else float(value)


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
    if _ENCODERS.get(type(encoder).__name__) is not type(encoder):
        raise TypeError(
            f"the encoder {encoder!r} cannot be exported: its channels are not those "
            "of an encoder of ttfs.encoders"
        )
    channels = encoder.channels_
    parameters = encoder.get_params(deep=False)
    data = {name: getattr(channels, name) for name in _ENCODER[2:]}
    return {
        "class": type(encoder).__name__,
        "parameters": {
            name: encoded(x, f"encoder__{name}") for name, x in parameters.items()
        },
    } | data


def _layer_data(layer):
    return {
        "n_in": layer.n_in,
        "n_bias": len(layer.bias_times),
        "n_out": layer.n_out,
        "tau_mem": "inf" if np.isinf(layer.neuron.tau_mem) else layer.neuron.tau_mem,
        "tau_syn": layer.neuron.tau_syn,
        "threshold": layer.neuron.threshold,
        "bias_times": layer.bias_times,
        "n_fixed": int(layer.n_fixed),
        "n_active": _or_none(layer.n_active),
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
    parameters = decoded_parameters(cls, data["parameters"], f"{where}.parameters")
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
        time_scale=_positive(record, "time_scale"),
        **_training(data["training"], f"{where}.training"),
    )
    try:
        return rebuild(cls, parameters, model)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{where}: {error}") from error


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


def _positive(record, name, **options):
    value = record.number(name, **options)
    if not value > 0:
        raise record.error(name, "positive")
    return value


def _targets(data, where, network, are_classes):
    n = network.n_outputs
    if not are_classes:
        record = Record(data, where, ["low", "high"])
        ends = [record.array(name, (n,), limit=np.inf) for name in ("low", "high")]
        if not (ends[0] <= ends[1]).all():
            raise record.error("low", "at most high")
        return np.array(ends)
    record = Record(data, where, ["dtype", "classes"])
    kind, values = record.text("dtype"), record.items("classes", n)
    if not _LABELS.fullmatch(kind):
        raise record.error("dtype", "a type of numbers or strings")
    wanted = {"U": {str}, "o": {str, int, float, bool}, "b": {bool}, "f": {float}}
    is_right = set(map(type, values)) <= wanted.get(kind[0], {int})
    try:
        classes = np.array(values, dtype=kind)
        is_right = is_right and len(values) > 1 and classes.tolist() == values
        is_right = is_right and np.array_equal(np.unique(classes), classes)
    except (TypeError, ValueError, OverflowError):
        is_right = False
    if not is_right:
        raise record.error("classes", f"two or more different labels of {kind}, sorted")
    return classes


def _training(data, where):
    record = Record(data, where, ["n_seen", "was_fit", *_HISTORY])

    def numbers(name, *, may_be_null=True):
        if may_be_null and record.is_null(name):
            return None
        return tuple(record.array(name, record.shape(name), limit=np.inf).tolist())

    return {
        "n_seen": record.integer("n_seen"),
        "was_fit": record.flag("was_fit"),
        "history": History(
            losses=numbers("losses", may_be_null=False),
            best_loss=_optional(record, "best_loss"),
            scores=numbers("scores"),
            best_score=_optional(record, "best_score"),
            n_samples_seen=record.integer("n_samples_seen"),
            validation_losses=numbers("validation_losses"),
        ),
    }


def _optional(record, name):
    return None if record.is_null(name) else record.number(name)


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
    if not layers:
        raise record.error("layers", "not empty")
    for k, layer in enumerate(layers[1:], 1):
        shapes = layer.weights.shape, (layer.n_in, layers[-1].n_out)
        if layer.feedback is not None and layer.feedback.shape not in shapes:
            raise FormatError(
                f"{record.where}.layers[{k}].feedback must have one of the shapes "
                f"{shapes}, got {layer.feedback.shape}"
            )
    read_out = np.inf if record.is_null("read_out") else record.number("read_out")
    return Network(tuple(layers), _positive(record, "t_max"), read_out)


def _layer(record, dtype, n_axes):
    """A layer whose delays, if there are any, have this number of axes."""
    n_in, n_bias, n_out = (
        record.integer(f"n_{name}", low=low, high=2**31)
        for name, low in (("in", 1), ("bias", 0), ("out", 1))
    )
    try:
        check_n_channels(n_in + n_bias)
        neuron = LIF(
            record.number("tau_mem", may_be_inf=True),
            record.number("tau_syn"),
            record.number("threshold"),
        )
    except FormatError:
        raise
    except ValueError as error:
        raise FormatError(f"{record.where}: {error}") from error
    shape = n_in + n_bias, n_out
    delays = feedback = None
    if not record.is_null("delays"):
        delays = record.array("delays", shape[:n_axes], dtype)
        if not (delays >= 0).all():
            raise record.error("delays", "not negative")
    if not record.is_null("feedback"):
        feedback = record.array("feedback", record.shape("feedback", 2))
    return Layer(
        weights=record.array("weights", shape, dtype),
        bias_times=record.array("bias_times", (n_bias,)),
        neuron=neuron,
        delays=delays,
        n_active=_optional(record, "n_active"),
        n_fixed=record.integer("n_fixed", high=n_bias),
        feedback=feedback,
    )


# -- The encoder -----------------------------------------------------------------------


def _encoder(data, where, model):
    """The fitted encoder."""
    record = Record(data, where, _ENCODER)
    cls = _ENCODERS[record.text("class", _ENCODERS)]
    encoder = decoded_object(cls, data["parameters"], f"{where}.parameters")
    n_features = record.integer("n_features", low=1, high=2**31)
    n_fields = record.integer("n_receptive_fields", low=1, high=2**31)
    n_channels = record.integer("n_channels", low=1, high=2**31)
    common = {
        "n_features": n_features,
        "n_channels": n_channels,
        "n_receptive_fields": n_fields,
        "begin": record.number("begin"),
        "end": record.number("end"),
        "window": record.number("window"),
        "may_drop": record.array("may_drop", (n_channels,), bool),
        "levels": None if record.is_null("levels") else record.integer("levels", 2),
    }
    if cls is encoders.SpikeTimesEncoder:
        channels = _channels_of_times(record, common)
    else:
        channels = _channels_of_features(record, common, encoder)
    try:
        check_n_channels(n_channels)
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from error
    encoder.n_features_in_, encoder.channels_ = n_features, channels
    if not model.is_null("feature_names"):
        names = model.items("feature_names", n_features)
        if not all(isinstance(name, str) for name in names):
            raise model.error("feature_names", "strings")
        encoder.feature_names_in_ = np.array(names, dtype=object)
    return encoder


def _channels_of_times(record, common):
    for name in _RANGES:
        record.array(name, (0,))
    is_plain = common["n_receptive_fields"] == 1 and common["levels"] is None
    if not is_plain or common["n_channels"] != common["n_features"]:
        raise FormatError(f"{record.where} must have a channel for each feature")
    if common["end"] < 0:
        raise record.error("end", "not negative")
    return Channels(kind="spike_times", **common)


def _channels_of_features(record, common, encoder):
    n = common["n_features"]
    low, high, scale = (
        record.array(name, (n,), limit=np.inf) for name in ("low", "high", "scale")
    )
    if not (low <= high).all():
        raise record.error("low", "at most high")
    if not (scale >= 0).all():
        raise record.error("scale", "not negative")
    numbers = {}
    for name in ("complemented", "always"):
        array = record.array(name, record.shape(name), np.uint32)
        if not (np.all(array < n) and np.all(array[1:] > array[:-1])):
            raise record.error(name, f"increasing numbers of {n} features")
        numbers[name] = array
    kind = "population"
    n_fields = 1
    if isinstance(encoder, encoders.LatencyEncoder):
        kind = {"auto": "auto", False: "latency", True: "complement"}[
            encoder.complement
        ]
    else:
        n_fields = encoder.n_fields
    wanted = {
        "n_receptive_fields": n_fields,
        "n_channels": n * n_fields + len(numbers["complemented"]),
        "levels": encoder.levels,
        "window": common["window"] if encoder.window is None else encoder.window,
        "end": common["window"],
        "begin": 0.0,
    }
    for name, value in wanted.items():
        if common[name] != value:
            raise record.error(name, f"{value}, as other entries ask for")
    if not common["window"] > 0:
        raise record.error("window", "positive")
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
