"""Models as JSON: in integers for other machines, in real numbers to load again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from .._files import write_text
from .._typing import FilePath
from ..core import __version__
from ..estimators import TTFSClassifier, TTFSRegressor
from ..fixed.quantized import QuantizedNetwork
from .c_arrays import attributes
from .model import read_learner, read_model
from .real import real_data, real_estimator
from .records import FormatError, parse
from .scalers import split, warn_of_steps

_FORMAT = {"format": "ttfs-fixed", "version": 5}

_LAYER = (
    "n_in n_bias n_out bias_ticks weights fraction current_shift threshold decay_mem "
    "decay_syn kappa syn_shift mem_shift slope_syn slope_mem slope_bounds"
)
_LAYER_LEARNING = (
    "n_fixed kernel kernel_slope max_stored rest decay rate_shift error_shift feedback "
    "lfsr silence"
)
_NETWORK_LEARNING = (
    "read_out stretch softmax reciprocal gain push learn_from learn_until feedback "
    "drop may_drop lfsr"
)


def plain(x):
    """Data without arrays and numbers of NumPy, in which NaN became None."""
    if isinstance(x, dict):
        return {name: plain(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return [plain(value) for value in x]
    if isinstance(x, np.ndarray | np.generic):
        return plain(x.tolist())
    return None if isinstance(x, float) and np.isnan(x) else x


def _json(value, indent=""):
    """JSON text with a line for each row of numbers."""
    inner = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {_json(v, inner)}" for k, v in value.items()]
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        items = [_json(item, inner) for item in value]
    else:
        return json.dumps(value, allow_nan=False)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    joined = ",\n".join(inner + item for item in items)
    return f"{opening}\n{joined}\n{indent}{closing}"


def _encoder_data(code, tick):
    data = {"kind": code.kind, "tick": tick}
    data |= attributes(code, "n_features n_channels begin")
    if code.kind == "spike_times":
        return data
    data |= attributes(code, "window levels low high scale absent")
    if code.kind == "population":
        data["n_receptive_fields"] = code.n_receptive_fields
    return data | {"complemented": code.complemented}


def to_json(clf: TTFSClassifier | TTFSRegressor | Pipeline, path: FilePath) -> None:
    """Write a model as JSON.

    Of an estimator in real numbers all that :func:`from_json` needs to make an equal
    one. Of one in integers everything that the specification,
    ``docs/spec/fixed_point.md``, says a model consists of, by its names: for circuits,
    and for programs in other languages.

    Parameters
    ----------
    clf : TTFSClassifier, TTFSRegressor or Pipeline
        Fitted; or a pipeline that ends with such an estimator. A regressor computes in
        real numbers.
    path : str or path-like
        The file. One that exists is replaced as a whole, behind a symbolic link too.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator, if a class is not a string or a number, or if
        parameters have changed that the weights were made for. In real numbers also if
        there is a substrate, or a parameter that JSON cannot hold, such as a
        RandomState.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If a pipeline has other steps, which the file does not hold.

    See Also
    --------
    from_json : The estimator that a file in real numbers holds.
    to_c : A model in integers as a program.

    Notes
    -----
    Features are those that the estimator sees: of a pipeline, behind its other steps.

    **In real numbers.** Numbers are the shortest decimals that give the same double
    when they are read, so that no bit is lost; weights in single precision are written
    as the doubles that equal them. Infinity is the string "inf". The keys:

    - ``format``, ``version``: "ttfs-real", 1. `ttfs` is the version that wrote it.
    - ``estimator``, ``parameters``: the class, and the arguments of its constructor. A
      tuple is {"tuple": [...]}, an infinite number {"number": "inf"}, a dict {"pairs":
      [[key, value], ...]}, an encoder or a parameter object {"object": its class,
      "parameters": {...}}; an array has become a list.
    - ``targets``: ``classes`` and their ``dtype``, or ``low`` and ``high`` of each
      target.
    - ``time_scale``, ``t_max``; ``read_out``, null if there is none.
    - ``feature_names``: null if there are none.
    - ``encoder``: ``class``, ``parameters``, ``n_features``, ``n_channels``; ranges and
      the rest are the attributes of ``Channels`` in ``ttfs/encoders/base.py``, where
      ``absent`` is null for a feature in which nothing is.
    - ``training``: ``losses`` and ``scores`` of the epochs, and the like. Moments of
      Adam and the state of the random generator are not part of the file.
    - ``layers``: ``n_in``, ``n_bias``, ``n_out``; ``tau_mem``, ``tau_syn``,
      ``threshold``; ``weights``, a row for each input, biases last; ``bias_times``, of
      which the last ``n_fixed`` are not trained; ``delays``, null if there are none;
      ``n_active`` and ``feedback`` of training.

    **In integers.** Numbers are integers, except in ``encoder``. The keys:

    - ``format``, ``version``: "ttfs-fixed", 5. `ttfs` is the version that wrote it.
    - ``classes``: the labels, in the order of the output neurons.
    - ``n_ticks``, ``silent_delay``.
    - ``layers``: ``n_in``, ``n_bias``, ``n_out``, ``bias_ticks``; ``weights``,
      a row for each input, biases last; ``fraction`` 0; ``current_shift``,
      ``threshold``; the tables ``decay_mem``, ``decay_syn``, ``kappa``, with
      ``syn_shift`` and ``mem_shift`` 0; with decay="shift" the tables are empty, and
      ``syn_shift`` is at least 1; ``slope_syn``, ``slope_mem``, ``slope_bounds``.
    - ``encoder``: how features become ticks. With those of
      :class:`ttfs.TTFSClassifier`, a feature x is limited to ``low`` ... ``high``;
      v = (x/2 - low/2) ``scale``, at most 1. It spikes at ``window`` (1 - v) in its own
      channel, unless the limited x is ``absent`` (null: nothing is), and at ``window``
      v in one more, after those of all features, if it is one of ``complemented``.
      With "population" there are ``n_receptive_fields`` channels for each feature, and
      with "spike_times" x - ``begin`` is the time. Unless ``levels`` is null, a time
      ``window`` u of the others is then k (``window`` / n), where n = ``levels`` - 1
      and k = floor(u n + 1/2), and ``window`` for k = n. A time, rounded to float32,
      becomes floor(time / ``tick`` + 1/2).

    And where gradient="local":

    - ``learning`` of the model: ``read_out`` (``n_ticks`` if there is none),
      ``stretch``, ``softmax``, ``reciprocal``, ``gain``, ``push``, ``learn_from``,
      ``learn_until``, ``feedback``, ``rounding``, ``drop``, ``may_drop``,
      ``lfsr`` of the deletions.
    - ``learning`` of each layer: ``accumulators``, what is stored of the weights, with
      ``fraction`` more bits; ``n_fixed``, the number of last biases whose weights do
      not learn; ``kernel``, ``kernel_slope``, ``max_stored``, ``rest``, ``decay``,
      ``rate_shift``, ``error_shift``, ``feedback`` (null if there is none), ``lfsr``,
      ``silence``. Gain, shift and decay are those of the next `partial_fit` of one
      sample.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.json")
    ...     export.to_json(clf, path)
    ...     model = json.loads(path.read_text())
    >>> model["classes"], model["layers"][0]["n_in"], model["layers"][0]["bias_ticks"]
    ([0, 1, 2], 9, [58])
    """
    steps, clf = split(clf)
    is_estimator = isinstance(clf, TTFSClassifier | TTFSRegressor)
    network = getattr(clf, "network_", None) if is_estimator else None
    is_fixed = isinstance(network, QuantizedNetwork)
    data = _fixed_data(clf) if is_fixed else real_data(clf)
    warn_of_steps(steps, "the JSON file")
    write_text(path, _json(plain(data)) + "\n")


def _fixed_data(clf):
    """The data of a model in integers."""
    model = read_model(clf)
    network = model.network
    data = _FORMAT | {
        "ttfs": __version__,
        "classes": model.classes,
        "n_ticks": network.n_ticks,
        "silent_delay": network.silent_delay,
        "encoder": _encoder_data(model.code, model.tick),
        "layers": [attributes(layer, _LAYER) for layer in network.layers],
    }
    if model.can_learn:
        network = read_learner(clf)
        data["learning"] = attributes(network, _NETWORK_LEARNING)
        rounding = "floor" if network.is_floor else "stochastic"
        data["learning"]["rounding"] = rounding
        for layer, layer_data in zip(network.layers, data["layers"], strict=True):
            learning = {"accumulators": layer.weights, "fraction": layer.fraction}
            layer_data["learning"] = learning | attributes(layer, _LAYER_LEARNING)
    for label in plain(model.classes):
        if not isinstance(label, str | int | float):
            raise ValueError(
                "to_json needs classes that are strings or numbers, got "
                f"{type(label).__name__}"
            )
    return data


def from_json(path: FilePath) -> TTFSClassifier | TTFSRegressor:
    """The estimator that a file of :func:`to_json` holds, in real numbers.

    Its predictions, spike times and fitted attributes are those of the estimator that
    was written, bit for bit on processors with the same instruction set. Training goes
    on with new moments of Adam and a new random generator.

    Parameters
    ----------
    path : str or path-like
        The file. No code of it is run, and everything that it says is checked.

    Returns
    -------
    estimator : TTFSClassifier or TTFSRegressor
        Fitted.

    Raises
    ------
    ValueError
        If the file is not such a model: the message names the entry. Also if its format
        has a version that this version of ttfs does not read, or if it is a model in
        integers, which is not written to be loaded.
    OSError
        If the file cannot be read.

    See Also
    --------
    to_json : Writes such files.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), max_iter=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.json")
    ...     export.to_json(clf, path)
    ...     again = export.from_json(path)
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
        return real_estimator(parse(text))
    except (FormatError, UnicodeDecodeError) as error:
        raise ValueError(f"{str(path)!r} cannot be loaded: {error}") from error
