"""Models in integers as C source and as JSON, and what they cost.

- :func:`to_c` - one file of C that infers, and learns if it should
- :func:`ticks` - what its functions take
- :func:`to_json` - the model as data, for circuits and other languages
- :func:`cost_sheet` - operations and bytes

All of them need a :class:`ttfs.TTFSClassifier` with arithmetic="fixed".
"""

import json
import re
import textwrap
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from ttfs import _fixed
from ttfs._classifier import TTFSClassifier
from ttfs._core import __version__
from ttfs._files import write_text
from ttfs._headers import get_include

__all__ = ["CostSheet", "cost_sheet", "ticks", "to_c", "to_json"]

_WIDTH = 88
_SEVERAL = (
    "X has channels with several spikes in a sample; an exported model takes one spike "
    "from each channel"
)
_BYTES = {"uint16_t": 2, "int16_t": 2, "ttfs_fixed_event": 4}
_C_TYPES = {
    np.dtype(name): f"{name}_t" for name in ("int8", "int16", "uint8", "uint16")
}


# -- The model of an estimator -----------------------------------------------------


def _check(clf, *, learn=False):
    """Raise unless clf is a fitted classifier in integers, one that learns in them."""
    if not isinstance(clf, TTFSClassifier):
        raise TypeError(f"clf must be a TTFSClassifier, got {type(clf).__name__}")
    check_is_fitted(clf)
    fitted = clf._fitted_structure
    if fitted["arithmetic"] != "fixed":
        raise ValueError(
            f"clf must be fitted with arithmetic='fixed', not {fitted['arithmetic']!r}"
        )
    if learn and fitted["gradient"] != "local":
        raise ValueError(
            "learning in integers needs a clf that was fitted with gradient='local', "
            f"not {fitted['gradient']!r}"
        )
    if learn:  # parameters that were changed since
        clf._check_structure()


def _sizes(clf):
    """Input channels, and neurons of each layer."""
    return clf.n_channels_in_, *(weights.shape[1] for weights in clf.coefs_)


def _for_inference(clf):
    """The network with the integer weights alone."""
    return clf._network.core.network()


def _for_learning(clf):
    """The network, with the rates of the next `partial_fit` of one sample."""
    trainer = clf._trainer(None, 1)
    rate = clf._rate(is_partial=True)
    (gain,), (shifts,), (decays,) = trainer.rates(np.array([float(rate)]))
    network = trainer.network()
    layers = [
        replace(layer, rate_shift=int(shift), decay=int(decay))
        for layer, shift, decay in zip(network.layers, shifts, decays, strict=True)
    ]
    return replace(network, layers=layers, gain=int(gain))


def ticks(clf, X):
    """Spike times of the input channels in ticks.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features.

    Returns
    -------
    ticks : ndarray of shape (n_samples, n_channels_in_), uint16
        What the functions of :func:`to_c` take: ticks from the start of the inputs, or
        the number of ticks, ``round(clf.t_max_ / clf.tick_)``, where there is no spike.

    Raises
    ------
    TypeError, ValueError
        If `clf` is not such an estimator or `X` not valid, or if a channel has several
        spikes in a sample.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> export.ticks(clf, X).shape
    (200, 8)
    """
    _check(clf)
    spikes = clf._encoder.spikes(clf._validated(X), np.empty(0, clf._dtype), clf.t_max_)
    n_ticks = clf._fixed.n_ticks
    events = _fixed.Events.from_spikes(spikes, clf.tick_, n_ticks)
    if events.repeats > 1:
        raise ValueError(_SEVERAL)
    out = np.full((len(events), clf.n_channels_in_), n_ticks, np.uint16)
    counts = (events.end - events.begin).astype(np.intp)
    # Events of successive samples follow one another without gaps.
    out[np.repeat(np.arange(len(events)), counts), events.inputs] = events.ticks
    return out


# -- C -----------------------------------------------------------------------------

# What the header consists of: macros, types and functions, with their comments.
_ITEM = re.compile(
    r"""(?:/\*(?:(?!\*/)[\s\S])*\*/\n)?
    (?:\#define\ (?P<macro>\w+)\ .*\n
    |typedef\ (?:struct|enum)\ \{\n[\s\S]*?\n\}\ (?P<type>\w+);\n
    |static\ inline\ [^{;]*?(?P<function>\w+)\([^{;]*\)\n\{\n[\s\S]*?\n\}\n)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*[\s\S]*?\*/")
_BANNER = r"/\* -- [^\n]* -+ \*/\n"
_LEARNING = re.compile(r" *(?:/\* For learning only: \*/\n)[\s\S]*?(?=\} ttfs_fixed_)")


def _arithmetic(code, *, learn):
    """What of ttfs_fixed.h the C code needs."""
    header = Path(get_include(), "ttfs_fixed.h").read_text(encoding="utf-8")
    _, text = header.split("#define TTFS_FIXED_H\n")
    text, _ = text.split("#endif /* TTFS_FIXED_H */")
    if not learn:
        text = _LEARNING.sub("", text)
    text = text.replace("#include <stdint.h>\n", "")
    items = {item.start(): item for item in _ITEM.finditer(text)}
    rest = _ITEM.sub("", text)

    def names(text):
        return set(re.findall(r"\w+", _COMMENT.sub("", text)))

    wanted = names(code) | names(rest)
    kept = set()
    while True:
        found = {at for at, item in items.items() if wanted & set(item.groups())}
        if found == kept:
            break
        for at in found - kept:
            wanted |= names(items[at][0])
        kept = found
    text = _ITEM.sub(lambda item: item[0] if item.start() in kept else "", text)
    text = re.sub(rf"{_BANNER}\s*(?={_BANNER}|\Z)", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class _Arrays:
    """Definitions of static arrays; equal constant ones are written once."""

    def __init__(self):
        self.lines, self.bytes, self._known = [], {}, {}

    def constant(self, name, array):
        """Define a constant array unless there is one like it; returns its name."""
        key = array.dtype, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = name
            self.define(name, array, "const ")
        return self._known[key]

    def variable(self, name, array):
        self.define(name, array, "")
        return name

    def room(self, c_type, name, n):
        """An array without contents."""
        self.lines.append(f"static {c_type} {name}[{n}];")
        self.bytes[name] = n * _BYTES[c_type]
        return name

    def define(self, name, array, qualifier):
        self.lines.append(
            f"static {qualifier}{_C_TYPES[array.dtype]} {name}[{array.size}] = {{"
        )
        for row in np.atleast_2d(array):
            self.lines += _filled(", ".join(map(str, row.tolist())) + ",", "    ")
        self.lines.append("};")
        self.bytes[name] = array.nbytes


def _filled(text, indent, following=None):
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_on_hyphens=False,
    )


def _comment(paragraphs):
    """A C comment; paragraphs are strings, or pairs of a label and a string."""
    lines = []
    for paragraph in paragraphs:
        label, text = paragraph if isinstance(paragraph, tuple) else ("", paragraph)
        # Nothing ends the comment, or starts another one.
        for part in ("*/", "/*", "??"):  # and there are no trigraphs
            text = text.replace(part, " ".join(part))
        following = " * " + " " * len(label)
        lines += _filled(text, f" * {label}", following) or [" *"]
    lines[0] = "/" + lines[0].lstrip()
    return "\n".join([*lines, " */", ""])


def _struct(fields, indent):
    pad = " " * indent
    inner = "".join(f"{pad}    .{name} = {value},\n" for name, value in fields.items())
    return f"{{\n{inner}{pad}}}"


def _weight_type(network, *, learn):
    """The least type that holds the weights, and all that they may become."""
    most = max(
        layer.most if learn else int(np.abs(layer.weights).max(initial=0))
        for layer in network.layers
    )
    return np.dtype(np.int8 if most <= 127 else np.int16)


def _model(network, *, learn):
    """The arrays of a model and of the room for a sample, and C of all of them."""
    arrays = _Arrays()
    dtype = _weight_type(network, learn=learn)
    layers, states = [], []
    for k, layer in enumerate(network.layers):
        n_in, n_out = layer.weights.shape
        arrays.lines.append(f"\n/* Layer {k}: {n_in} inputs, {n_out} neurons */\n")
        define = arrays.variable if learn else arrays.constant
        weights = define(f"weights_{k}", layer.weights.astype(dtype))

        def table(name, k=k, layer=layer):
            return arrays.constant(f"{name}_{k}", getattr(layer, name))

        fields = {
            "n_in": n_in,
            "n_bias": len(layer.bias_ticks),
            "n_out": n_out,
            "stride": n_out,
            "bias_ticks": table("bias_ticks"),
            "weights": weights,
            "fraction": layer.fraction,
            "current_shift": layer.current_shift,
            "threshold": layer.threshold,
            "decay_mem": table("decay_mem"),
            "decay_syn": table("decay_syn"),
            "rise": table("rise"),
            "slope_mem": layer.slope_mem,
            "slope_syn": layer.slope_syn,
            "slope_bounds": table("slope_bounds"),
        }
        state = {
            "ticks": arrays.room("uint16_t", f"ticks_{k}", n_out),
            "u": arrays.room("int16_t", f"u_{k}", n_out),
            "slope": arrays.room("int16_t", f"slope_{k}", n_out),
        }
        if learn:
            fields |= {
                "kernel": table("kernel"),
                "kernel_slope": table("kernel_slope"),
                "most": layer.most,
                "rest": layer.rest,
                "decay": layer.decay,
                "rate_shift": layer.rate_shift,
                "error_shift": layer.error_shift,
            }
            if layer.feedback is not None:
                fields["feedback"] = table("feedback")
            fields |= {
                "lfsr": arrays.variable(f"lfsr_{k}", layer.lfsr),
                "silence": arrays.variable(f"silence_{k}", layer.silence),
            }
            state["error"] = arrays.room("int16_t", f"error_{k}", n_out)
        layers.append(fields)
        states.append(state)

    arrays.lines.append("\n/* The network */\n")
    fields = {
        "n_layers": len(layers),
        "n_ticks": network.n_ticks,
        "layers": "layers",
        "silent_delay": network.silent_delay,
    }
    if learn:
        fields |= {
            "n_softmax": len(network.softmax),
            "softmax": arrays.constant("softmax", network.softmax),
            "reciprocal": arrays.constant("reciprocal", network.reciprocal),
            "gain": network.gain,
            "push": network.push,
            "feedback": f"TTFS_FIXED_{network.feedback.upper()}",
            "is_floor": int(network.is_floor),
            "drop": network.drop,
            "may_drop": arrays.constant("may_drop", network.may_drop),
            "lfsr": arrays.variable("lfsr", network.lfsr),
        }
    most = max(layer.weights.shape[0] for layer in network.layers)
    work = {
        "events": arrays.room("ttfs_fixed_event", "events", most),
        "counts": arrays.room("uint16_t", "counts", network.n_ticks),
        "states": "states",
    }

    def structs(kind, name, items):
        inner = "".join(f"    {_struct(item, 4)},\n" for item in items)
        return f"static {kind} {name}[{len(items)}] = {{\n{inner}}};\n"

    lines = "\n".join(arrays.lines)
    return arrays, (
        f"{lines}\n\n"
        + structs("const ttfs_fixed_layer", "layers", layers)
        + f"static const ttfs_fixed_network network = {_struct(fields, 0)};\n\n"
        + structs("ttfs_fixed_state", "states", states)
        + f"static const ttfs_fixed_workspace work = {_struct(work, 0)};\n"
    )


_DECLARATIONS = """\
/* The number of the class that a sample is of, see CLASSES.
 * ticks      of each channel, see INPUT; the number of ticks or more: no spike. */
int PREFIX_infer(const uint16_t ticks[NAME_N_CHANNELS]);

/* What the output neuron of each class did in the last call: the tick of its spike, or
 * the number of ticks if it was silent; its membrane at the spike, or the greatest if
 * it was silent. The earliest spike decides, among equal ticks the higher membrane. */
const uint16_t *PREFIX_output_ticks(void);
const int16_t *PREFIX_output_u(void);
"""

_DEFINITIONS = """\
int PREFIX_infer(const uint16_t ticks[NAME_N_CHANNELS])
{
    return (int)ttfs_fixed_infer(&network, ticks, &work);
}

const uint16_t *PREFIX_output_ticks(void)
{
    return states[NAME_N_LAYERS - 1].ticks;
}

const int16_t *PREFIX_output_u(void)
{
    return states[NAME_N_LAYERS - 1].u;
}
"""

_DECLARATIONS_LEARN = """
/* Learn that a sample is of class `label`. Returns the number of the class that it was
 * taken for before; -1, having done nothing, if there is no class `label`.
 * ticks      as above; spikes that were deleted (input dropout) are gone afterwards. */
int PREFIX_learn(uint16_t ticks[NAME_N_CHANNELS], int label);

/* The stored weights of a layer, from 0, to be saved and restored: one row for each
 * input, biases last, and one column for each neuron. */
WEIGHT *PREFIX_weights(int layer);
"""

_DEFINITIONS_LEARN = """
int PREFIX_learn(uint16_t ticks[NAME_N_CHANNELS], int label)
{
    if (label < 0 || label >= NAME_N_CLASSES) return -1;
    return (int)ttfs_fixed_learn(&network, ticks, (uint32_t)label, &work);
}

WEIGHT *PREFIX_weights(int layer)
{
    return layers[layer].weights;
}
"""


def _number(x):
    return repr(float(x))


def _in_runs(values):
    """Numbers, as in "0.0, 3 x 1.0"."""
    runs = [(value, len(list(run))) for value, run in groupby(map(_number, values))]
    return ", ".join(f"{n} x {value}" if n > 1 else value for value, n in runs)


def _numbers_of(indices):
    """Ascending numbers, as in "0-2, 7"."""
    runs = np.split(indices, np.flatnonzero(np.diff(indices.astype(int)) != 1) + 1)
    return ", ".join(f"{a[0]}-{a[-1]}" if len(a) > 1 else f"{a[0]}" for a in runs)


def _input_notes(clf):
    """How features become ticks, as paragraphs."""
    encoder = clf._encoder
    n = encoder.n_features
    notes = [
        f"A channel that spikes at time t does so in tick floor(t / {clf.tick_!r} + "
        "1/2), where t is rounded to float32 first; ticks before 0 count as 0. What "
        f"is not below {clf._fixed.n_ticks} is no spike.",
        "",
    ]
    if encoder.kind == "spike_times":
        return [
            *notes,
            f"Features x are spike times, NaN or infinity = no spike. Channel i: "
            f"t = x[i] - {_number(encoder.begin)}.",
        ]
    notes += [
        "A feature x[i] is limited to low[i] ... high[i]; then "
        "v[i] = (x[i] - low[i]) / (high[i] - low[i]).",
        "",
    ]
    window = _number(encoder.window)
    if encoder.kind == "population":
        m = encoder.n_receptive_fields
        notes.append(
            f"Channel {m} * i + k, k = 0 ... {m - 1}: t = {window} * (1 - g) where "
            "g = exp(-z^2 / 2) >= 0.1, else no spike; "
            f"z = 1.5 * ({m - 2} * v[i] + 1/2 - k)."
        )
    else:
        notes.append(f"Channel i, i = 0 ... {n - 1}: t = {window} * (1 - v[i]).")
    if len(encoder.complemented):
        notes.append(
            f"Channel {n} + c: t = {window} * v[i], where i is number c, from 0, of "
            f"{_numbers_of(encoder.complemented)}."
        )
    absent = np.flatnonzero(encoder.zero_is_absent & (encoder.scale > 0))
    if len(absent):
        notes.append(f"No spike where x[i] is 0 for i = {_numbers_of(absent)}.")
    constant = np.flatnonzero(encoder.scale == 0)
    if len(constant):
        notes.append(f"No spike at all for i = {_numbers_of(constant)}.")
    return [
        *notes,
        "",
        "low and high of i = 0, 1, ..., where n x a stands for n times a:",
        "",
        ("low:  ", _in_runs(encoder.low)),
        ("high: ", _in_runs(encoder.high)),
    ]


def _head(clf, prefix, *, learn):
    """The comment at the top of the file."""
    paragraphs = [
        f"{prefix}: a network of first-spike neurons in integers, "
        f"{'-'.join(map(str, _sizes(clf)))}, written by ttfs {__version__}.",
        "",
        "Copyright (c) 2026, The ttfs developers",
        "SPDX-License-Identifier: BSD-3-Clause",
        "",
        "C99 without floating point, allocation or calls of a library; the arithmetic "
        "is the specification docs/fixed_point.md of ttfs, whose sections are cited as "
        "[n]. The functions share static memory: one call at a time.",
    ]
    if learn:
        paragraphs += [
            "",
            f"{prefix}_learn() does what partial_fit of one sample does.",
        ]
    paragraphs += ["", "INPUT", "", *_input_notes(clf), "", "CLASSES", ""]
    paragraphs += [
        (f"{k}: ", ascii(label)) for k, label in enumerate(clf.classes_.tolist())
    ]
    return _comment(paragraphs)


def to_c(clf, path, *, learn=False, prefix="ttfs_model"):
    r"""Write a model as one file of C.

    The file is C99 and stands alone: no floating point, no allocation, no library. It
    holds the arithmetic of the library's own reference, ``ttfs_fixed.h``, the tables
    and weights as arrays, and the memory to work in. It gives the same classes, ticks
    and weights as the estimator, bit for bit. Its first lines tell how features become
    ticks and declare the functions:

    - ``int ttfs_model_infer(const uint16_t ticks[])`` gives the number of a class in
      `classes_`; ``ttfs_model_output_ticks()`` and ``ttfs_model_output_u()`` tell what
      the output neurons did.
    - with `learn`, ``int ttfs_model_learn(uint16_t ticks[], int label)`` is one online
      step, and ``ttfs_model_weights(layer)`` are the weights, to be saved and restored.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".
    path : str or path-like
        The file. One that exists is replaced as a whole, behind a symbolic link too.
    learn : bool, default=False
        Whether the model can learn: what `partial_fit` of one sample does, with the
        present parameters of `clf`: `learning_rate_init` is the constant rate. Needs
        gradient="local".
    prefix : str, default="ttfs_model"
        What names of functions, and in upper case of macros, begin with.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator, or `prefix` not the beginning of a name in C.
    OSError
        If the file cannot be written.

    See Also
    --------
    ticks : What the functions take.
    to_json : The model as data.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier(
    ...     (20,), arithmetic="fixed", gradient="local", max_iter=1, random_state=0
    ... ).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.c")
    ...     export.to_c(clf, path, learn=True)
    ...     print(*path.read_text().splitlines()[:2], sep="\n")
    /* ttfs_model: a network of first-spike neurons in integers, 8-20-3, written by ttfs
     * 0.1.0.
    """
    _check(clf, learn=learn)
    _check_prefix(prefix)
    network = _for_learning(clf) if learn else _for_inference(clf)
    _, model = _model(network, learn=learn)
    weight = _C_TYPES[_weight_type(network, learn=learn)]
    name = prefix.upper()
    names = {"PREFIX": prefix, "NAME": name, "WEIGHT": weight}

    def named(text):
        return re.sub("PREFIX|NAME|WEIGHT", lambda match: names[match[0]], text)

    macros = {
        "N_CHANNELS": clf.n_channels_in_,
        "N_CLASSES": len(clf.classes_),
        "N_TICKS": network.n_ticks,
        "N_LAYERS": len(network.layers),
    }
    declarations = _DECLARATIONS + (_DECLARATIONS_LEARN if learn else "")
    definitions = _DEFINITIONS + (_DEFINITIONS_LEARN if learn else "")
    code = model + "\n" + named(definitions)
    qualifier = "" if learn else "const "
    parts = [
        _head(clf, prefix, learn=learn),
        "#include <stdint.h>\n",
        "".join(f"#define {name}_{key} {value}\n" for key, value in macros.items()),
        named(declarations),
        f"#define TTFS_FIXED_WEIGHT {qualifier}{weight}\n",
        _arithmetic(code, learn=learn),
        _banner("The model"),
        code.lstrip("\n"),
    ]
    write_text(path, "\n".join(parts))


def _banner(title):
    return f"/* -- {title} ".ljust(_WIDTH - 5, "-") + " */\n"


def _check_prefix(prefix):
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a str, got {type(prefix).__name__}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", prefix) or re.match(
        "ttfs_fixed", prefix, re.IGNORECASE
    ):
        raise ValueError(
            "prefix must be letters, digits and underscores, begin with a letter, and "
            f"not with 'ttfs_fixed', got {prefix!r}"
        )


# -- JSON --------------------------------------------------------------------------

_FORMAT = {"format": "ttfs-fixed", "version": 1}

_LAYER = (
    "fraction current_shift threshold decay_mem decay_syn rise slope_syn slope_mem "
    "slope_bounds"
).split()
_LAYER_LEARNING = (
    "kernel kernel_slope most rest decay rate_shift error_shift feedback lfsr silence"
).split()
_NETWORK_LEARNING = "softmax reciprocal gain push feedback drop may_drop lfsr".split()


def _fields(x, names):
    return {name: getattr(x, name) for name in names}


def _plain(x):
    """Lists and numbers of Python in place of those of NumPy; NaN becomes None."""
    if isinstance(x, dict):
        return {name: _plain(value) for name, value in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    if isinstance(x, np.ndarray | np.generic):
        return _plain(x.tolist())
    return None if isinstance(x, float) and np.isnan(x) else x


def _json(value, indent=""):
    """JSON with a line for each row of numbers."""
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


def _encoder_data(clf):
    encoder = clf._encoder
    data = {
        "kind": encoder.kind,
        "tick": clf.tick_,
        "n_features": encoder.n_features,
        "n_channels": encoder.n_channels,
        "begin": encoder.begin,
    }
    if encoder.kind == "spike_times":
        return data
    data |= _fields(encoder, ["window", "low", "high", "scale", "absent"])
    if encoder.kind == "population":
        data["n_receptive_fields"] = encoder.n_receptive_fields
    return data | {"complemented": encoder.complemented}


def to_json(clf, path):
    """Write a model as JSON.

    Everything that the specification, ``docs/fixed_point.md``, says a model consists
    of, by its names: for circuits, and for programs in other languages. Numbers are
    integers, except in ``encoder``.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".
    path : str or path-like
        The file. One that exists is replaced as a whole, behind a symbolic link too.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator, or a class is not a string or a number.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_c : The same as a program.

    Notes
    -----
    The keys:

    - ``format``, ``version``: "ttfs-fixed", 1. `ttfs` is the version that wrote it.
    - ``classes``: the labels, in the order of the output neurons.
    - ``n_ticks``, ``silent_delay``.
    - ``layers``: ``n_in``, ``n_bias``, ``n_out``, ``bias_ticks``; ``weights``,
      a row for each input, biases last; ``fraction`` 0; ``current_shift``,
      ``threshold``; the tables ``decay_mem``, ``decay_syn``, ``rise``; ``slope_syn``,
      ``slope_mem``, ``slope_bounds``.
    - ``encoder``: how features become ticks. With those of :class:`TTFSClassifier`, a
      feature x is limited to ``low`` ... ``high``; v = (x/2 - low/2) ``scale``, at most
      1. It spikes at ``window`` (1 - v) in its own channel, unless the limited x is
      ``absent`` (null: nothing is), and at ``window`` v in one more, after those of all
      features, if it is one of ``complemented``. With "population" there are
      ``n_receptive_fields`` channels for each feature, and with "spike_times" x -
      ``begin`` is the time. A time, rounded to float32, becomes floor(time / ``tick`` +
      1/2).

    And where gradient="local":

    - ``learning`` of the model: ``softmax``, ``reciprocal``, ``gain``, ``push``,
      ``feedback``, ``rounding``, ``drop``, ``may_drop``, ``lfsr`` of the deletions.
    - ``learning`` of each layer: ``accumulators``, what is stored of the weights, with
      ``fraction`` more bits; ``kernel``, ``kernel_slope``, ``most``, ``rest``,
      ``decay``, ``rate_shift``, ``error_shift``, ``feedback`` (null if there is none),
      ``lfsr``, ``silence``. Gain, shift and decay are those of the next `partial_fit`
      of one sample.

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
    _check(clf)
    network = _for_inference(clf)
    data = _FORMAT | {
        "ttfs": __version__,
        "classes": clf.classes_,
        "n_ticks": network.n_ticks,
        "silent_delay": network.silent_delay,
        "encoder": _encoder_data(clf),
        "layers": [
            {
                "n_in": layer.weights.shape[0],
                "n_bias": len(layer.bias_ticks),
                "n_out": layer.weights.shape[1],
                "bias_ticks": layer.bias_ticks,
                "weights": layer.weights,
            }
            | _fields(layer, _LAYER)
            for layer in network.layers
        ],
    }
    if clf._fitted_structure["gradient"] == "local":
        network = _for_learning(clf)
        data["learning"] = _fields(network, _NETWORK_LEARNING) | {
            "rounding": "floor" if network.is_floor else "stochastic"
        }
        for layer, its_data in zip(network.layers, data["layers"], strict=True):
            its_data["learning"] = {
                "accumulators": layer.weights,
                "fraction": layer.fraction,
            } | _fields(layer, _LAYER_LEARNING)
    data = _plain(data)
    for label in data["classes"]:
        if not isinstance(label, str | int | float):
            raise ValueError(
                "to_json needs classes that are strings or numbers, got "
                f"{type(label).__name__}"
            )
    write_text(path, _json(data) + "\n")


# -- Cost --------------------------------------------------------------------------


@dataclass(frozen=True)
class CostSheet:
    """What a model costs, counted on data; made by :func:`cost_sheet`.

    Parameters
    ----------
    sizes : tuple of int
        Input channels, and neurons of each layer.
    n_samples : int
        Samples that were counted.
    inference : dict of str to float
        Operations of an inference, the mean of the samples.
    most : dict of str to int
        The greatest number in one sample.
    learning : dict of str to float or None
        Operations that an online step has besides those of the inference it begins
        with, the mean of the samples. None where nothing was learned.
    inference_bytes, learning_bytes : dict of str to int
        Memory; None where the model cannot learn.
    weight_bytes : dict of str to int
        Memory of all weights: of up to 7 bits and a sign, alone, or as accumulators.
    """

    sizes: tuple
    n_samples: int
    inference: dict
    most: dict
    learning: dict | None
    inference_bytes: dict
    learning_bytes: dict | None
    weight_bytes: dict

    def __str__(self):
        lines = [f"network {'-'.join(map(str, self.sizes))}, {self.n_samples} samples"]
        for title, counts, most in (
            ("an inference", self.inference, self.most),
            ("an online step, besides", self.learning, None),
        ):
            if counts is None:
                continue
            lines += [
                "",
                f"{title:<26}{'mean':>14}" + ("most".rjust(14) if most else ""),
            ]
            for name, count in counts.items():
                line = f"  {name:<24}{count:>14,.1f}"
                lines.append(line + (f"{most[name]:>14,}" if most else ""))
        for title, counts in (
            ("bytes for inference", self.inference_bytes),
            ("bytes for learning", self.learning_bytes),
        ):
            if counts is None:
                continue
            lines += ["", f"{title:<26}"]
            lines += [f"  {name:<24}{count:>14,}" for name, count in counts.items()]
        lines += ["", "bytes of weights"]
        lines += [f"  {k:<24}{v:>14,}" for k, v in self.weight_bytes.items()]
        return "\n".join(lines)


class _Timeline:
    """Spikes of samples by tick, and how many come before others.

    Parameters
    ----------
    samples, ticks : ndarray of shape (n_spikes,)
    shape : tuple of (int, int)
        Number of samples and of ticks.
    """

    def __init__(self, samples, ticks, shape):
        at = np.zeros((shape[0], shape[1] + 1), np.int64)
        np.add.at(at, (samples, ticks), 1)
        at[:, -1] = 0  # absent ones
        self.n = at.sum(axis=1)
        self.first = np.where(self.n > 0, np.argmax(at > 0, axis=1), shape[1])
        self._spikes = np.cumsum(at, axis=1) - at
        self._times = np.cumsum(at > 0, axis=1) - (at > 0)

    @classmethod
    def of_events(cls, events, n_ticks):
        counts = (events.end - events.begin).astype(np.intp)
        samples = np.repeat(np.arange(len(events)), counts)
        return cls(samples, events.ticks, (len(events), n_ticks))

    @classmethod
    def of_neurons(cls, ticks, n_ticks):
        samples = np.repeat(np.arange(len(ticks)), ticks.shape[1])
        return cls(samples, ticks.ravel(), (len(ticks), n_ticks))

    def before(self, ticks):
        """Spikes before each tick of (n_samples, n) ticks."""
        return np.take_along_axis(self._spikes, ticks.astype(np.intp), axis=1)

    def times_before(self, ticks):
        """Different ticks with spikes before each tick."""
        return np.take_along_axis(self._times, ticks.astype(np.intp), axis=1)


def _timelines(network, events, ticks):
    """The input spikes of each layer."""
    lines = [_Timeline.of_events(events, network.n_ticks)]
    for layer, before in zip(network.layers[1:], ticks, strict=False):
        biases = np.tile(layer.bias_ticks, (len(before), 1))
        inputs = np.hstack([before, biases])
        lines.append(_Timeline.of_neurons(inputs, network.n_ticks))
    return lines


def _inference_counts(network, events, ticks):
    """Operations of section 3, (n_samples,) each."""
    n_ticks = network.n_ticks
    n = dict.fromkeys(
        ["input spikes", "synaptic events", "membrane updates", "state updates"], 0
    )
    spikes = 0
    for line, fired in zip(_timelines(network, events, ticks), ticks, strict=True):
        has_fired = fired < n_ticks
        last = np.where(has_fired, fired, n_ticks - 1).astype(int)
        n["input spikes"] += line.n
        n["synaptic events"] += line.before(fired).sum(axis=1)
        n["membrane updates"] += np.maximum(last - line.first[:, None], 0).sum(axis=1)
        n["state updates"] += (line.times_before(fired) - has_fired).sum(axis=1)
        spikes += has_fired.sum(axis=1)
    membrane, state = n["membrane updates"], n["state updates"]
    return n | {
        "spikes": spikes,
        "look-ups": 2 * membrane + 3 * state + spikes,
        "multiplies": 2 * membrane + 3 * state + 3 * spikes,
        "adds": n["synaptic events"] + membrane + state + spikes,
    }


def _step_counts(core, network, events, labels):
    """Operations of sections 5 to 7 in online steps, (n_samples,) each."""
    if events.repeats > 1:
        raise ValueError(_SEVERAL)
    left, ticks, errors = core.errors(events, labels)
    n_ticks, layers = network.n_ticks, network.layers
    n_samples, n_classes = ticks[-1].shape
    fired = [times < n_ticks for times in ticks]
    learns = [(error != 0).any(axis=1) for error in errors]

    # Outputs: e R, its look-up and rounding, t - min t, S, delta, and the rounding of
    # c; delta gain, but for silent ones that are not the label; what those missed.
    silent = np.count_nonzero(~fired[-1], axis=1)
    label_is_silent = ~fired[-1][np.arange(n_samples), labels]
    n_errors = np.full(n_samples, n_classes)
    look_ups = n_errors + 1
    multiplies = n_errors + (n_classes - silent + label_is_silent) + silent
    adds = 5 * n_errors + 2 * silent

    for k in range(len(layers) - 1):
        n_fired = fired[k].sum(axis=1)
        n_errors = n_errors + n_fired
        adds += len(layers[k].lfsr) + n_fired  # silence; rounding
        if network.feedback == "target":
            multiplies += n_fired
        elif network.feedback == "direct":
            multiplies += learns[-1] * n_fired * n_classes
            adds += learns[-1] * n_fired * n_classes
        else:
            line = _Timeline.of_neurons(ticks[k], n_ticks)
            causal = np.sum(line.before(ticks[k + 1]) * (errors[k + 1] != 0), axis=1)
            is_rounded = network.feedback == "symmetric" and layers[k + 1].fraction > 0
            look_ups += causal
            multiplies += 2 * causal
            adds += causal * (1 + is_rounded)

    eligibilities, moves, random = 0, 0, 0
    lines = _timelines(network, left, ticks)
    for layer, line, times, does in zip(layers, lines, ticks, learns, strict=True):
        n_synaptic = line.before(times).sum(axis=1)
        eligibilities += does * n_synaptic
        adds += n_synaptic * (layer.fraction > 0)
        n_moved = does * line.n * times.shape[1]
        moves += n_moved
        # w - rest, G - decay, + r, + W; a weight is rounded from its accumulator.
        random += n_moved * (not network.is_floor)
        adds += n_moved * (3 + (not network.is_floor) + (layer.fraction > 0))
    if network.drop:
        may_drop = np.add.reduceat(
            np.append(network.may_drop[events.inputs].astype(int), 0),
            events.begin.astype(np.intp),
        )
        random += np.where(events.end > events.begin, may_drop, 0)
    return {
        "errors": n_errors,
        "eligibilities": eligibilities,
        "weight moves": moves,
        "random numbers": random,
        "look-ups": look_ups + eligibilities,
        "multiplies": multiplies + eligibilities + moves,
        "adds": adds,
    }


def _memory(network, *, learn):
    """Bytes of what the exported file has in memory, by what it is for."""
    groups = {
        "weights": "weights",
        "feedback": "feedback weights",
        "lfsr": "registers",
        "silence": "registers",
        **dict.fromkeys(("ticks", "u", "slope", "error", "events", "counts"), "work"),
    }
    n_bytes = {}
    for name, size in _model(network, learn=learn)[0].bytes.items():
        group = groups.get(re.sub(r"_\d+$", "", name), "tables")
        n_bytes[group] = n_bytes.get(group, 0) + size
    n_bytes["total"] = sum(n_bytes.values())
    if learn:
        # G of 32 bits, and a mark of each row
        n_bytes["sums, for batches only"] = sum(
            4 * layer.weights.size + len(layer.weights) for layer in network.layers
        )
    return n_bytes


def cost_sheet(clf, X, y=None):
    """Count what a model costs on data: operations and memory.

    Parameters
    ----------
    clf : TTFSClassifier
        Fitted, with arithmetic="fixed".
    X : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, n_features)
        Features of typical samples.
    y : array-like of shape (n_samples,), default=None
        Their classes. With them online steps are counted, each from the weights that
        the model has now. Needs gradient="local".

    Returns
    -------
    sheet : CostSheet
        ``print`` shows it as a table.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator or the data are not valid; or, with `y`, if a
        channel has several spikes in a sample.

    Notes
    -----
    Counted is what the functions of :func:`to_c` do, sample by sample and neuron by
    neuron. Additions and multiplications are those of the specification,
    ``docs/fixed_point.md``; shifts, comparisons, addresses, counters of loops, and the
    sorting of input spikes are not counted.

    An inference:

    - *input spikes* of all layers, biases included.
    - *synaptic events*: an input spike of a layer and a neuron that has not fired
      before it, at the tick of the input spike or earlier. One add each.
    - *membrane updates*: a tick of a neuron, from its first input spike to its own
      spike, or to the end: 2 look-ups, 2 multiplies, 1 add.
    - *state updates*: U and I move to the next tick with input spikes: 3, 3, 1.
    - *spikes* of neurons: their slope, 1, 3, 1.

    An online step begins with one (input dropout may leave it fewer input spikes). With
    accumulators every weight that is read, in that too, takes one more add, to be
    rounded. Then come:

    - *errors*: of all outputs, and of hidden neurons that fired. An output takes 1
      look-up, 2 multiplies, 5 adds; a silent one 1 multiply and 2 adds for its time,
      and no multiply by the gain unless it is the label. There is 1 look-up of the
      reciprocal. A hidden neuron takes 1 add, those that count its silence included 2;
      and for each later neuron of the next layer with an error 1 look-up, 2 multiplies,
      1 add. With feedback="direct" it is 1 multiply and 1 add for each output, with
      "target" 1 multiply.
    - *eligibilities*: an input spike and a neuron that fires later, or never, in layers
      with an error: 1 look-up, 1 multiply.
    - *weight moves*: all synapses of input spikes, in layers with an error: 1 multiply,
      4 adds; 3 if rounding="floor".
    - *random numbers*: one for each move, a step of a register; and one, 8 steps, for
      each input spike that may be deleted.

    Bytes are those of the arrays in the exported file. *Sums* are not in it: they are
    what batches of more than one sample would take.

    Examples
    --------
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> sheet = export.cost_sheet(clf, X)
    >>> sheet.inference_bytes["weights"]  # (8 + 1) 20 + (20 + 1) 3
    243
    """
    _check(clf, learn=y is not None)
    network, learner = clf._network.core.network(), None
    if clf._fitted_structure["gradient"] == "local":
        learner = _for_learning(clf)
        core = _fixed.FixedCore(learner)
    if y is not None:
        labels = _labels(clf, y, np.shape(X)[0])
    inference, learning = [], []
    for on_ticks, rows, spikes in clf._blocks(X):
        events = on_ticks.events(spikes)
        ticks, _ = on_ticks.core.run(events)
        inference.append(_inference_counts(network, events, ticks))
        if y is not None:
            learning.append(_step_counts(core, learner, events, labels[rows]))
    inference, learning = _joined(inference), _joined(learning)
    n_weights = sum(layer.weights.size for layer in network.layers)
    bytes_alone = _weight_type(network, learn=True).itemsize
    return CostSheet(
        sizes=_sizes(clf),
        n_samples=len(inference["spikes"]),
        inference=_means(inference),
        most={name: int(np.max(count)) for name, count in inference.items()},
        learning=_means(learning) or None,
        inference_bytes=_memory(network, learn=False),
        learning_bytes=learner and _memory(learner, learn=True),
        weight_bytes={
            f"alone, {8 * bytes_alone} bits": bytes_alone * n_weights,
            "accumulators, 16 bits": 2 * n_weights,
        },
    )


def _joined(blocks):
    """Counts of all samples."""
    names = blocks[0] if blocks else ()
    return {name: np.concatenate([block[name] for block in blocks]) for name in names}


def _labels(clf, y, n_samples):
    """Numbers of classes."""
    y = column_or_1d(y)
    if len(y) != n_samples:
        raise ValueError(f"X has {n_samples} samples, but y has {len(y)}")
    unknown = np.setdiff1d(y, clf.classes_)
    if len(unknown):
        raise ValueError(f"y contains labels that are not in classes_: {unknown!r}")
    return np.searchsorted(clf.classes_, y).astype(np.uintp)


def _means(counts):
    return {name: float(np.mean(count)) for name, count in counts.items()}
