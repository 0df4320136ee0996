"""A model in integers as one file of C."""

from __future__ import annotations

import re
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._files import write_text
from .._headers import get_include
from ..core import __version__
from .model import read_learner, read_model

if TYPE_CHECKING:
    from .._typing import FilePath
    from ..estimators import TTFSClassifier

_WIDTH = 88
_BYTES = {"uint16_t": 2, "int16_t": 2, "ttfs_fixed_event": 4}
_C_TYPES = {
    np.dtype(name): f"{name}_t" for name in ("int8", "int16", "uint8", "uint16")
}

# A macro, a type or a function of the header, with the comment before it.
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
    """The parts of ttfs_fixed.h that C code needs."""
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
    """Definitions of static arrays in C; equal constant arrays are written once.

    The definitions are `lines`; `n_bytes` holds the size of each array by its name.
    """

    def __init__(self):
        self.lines, self.n_bytes, self._known = [], {}, {}

    def constant(self, name, array):
        """Define a constant array unless there is one like it; return its name."""
        key = array.dtype, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = name
            self.define(name, array, "const ")
        return self._known[key]

    def variable(self, name, array):
        """Define an array that changes; return its name."""
        self.define(name, array, "")
        return name

    def buffer(self, c_type, name, n):
        """Define an array without contents; return its name."""
        self.lines.append(f"static {c_type} {name}[{n}];")
        self.n_bytes[name] = n * _BYTES[c_type]
        return name

    def define(self, name, array, qualifier):
        """Define an array with its contents."""
        self.lines.append(
            f"static {qualifier}{_C_TYPES[array.dtype]} {name}[{array.size}] = {{"
        )
        for row in np.atleast_2d(array):
            self.lines += _filled(", ".join(map(str, row.tolist())) + ",", "    ")
        self.lines.append("};")
        self.n_bytes[name] = array.nbytes


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
        # No text ends the comment, starts another one, or holds a trigraph.
        for part in ("*/", "/*", "??"):
            text = text.replace(part, " ".join(part))
        following = " * " + " " * len(label)
        lines += _filled(text, f" * {label}", following) or [" *"]
    lines[0] = "/" + lines[0].lstrip()
    return "\n".join([*lines, " */", ""])


def _struct(fields, indent):
    pad = " " * indent
    inner = "".join(f"{pad}    .{name} = {value},\n" for name, value in fields.items())
    return f"{{\n{inner}{pad}}}"


def weight_type(network, *, learn):
    """The smallest type that holds the weights, and all they become with `learn`."""
    greatest = max(
        layer.max_stored if learn else int(np.abs(layer.weights).max(initial=0))
        for layer in network.layers
    )
    return np.dtype(np.int8 if greatest <= 127 else np.int16)


def model_code(network, *, learn):
    """A network and the memory to work in as C.

    Parameters
    ----------
    network : FixedNetwork
        The integers.
    learn : bool
        Whether the network learns.

    Returns
    -------
    n_bytes : dict of str to int
        The size of each array, by its name.
    code : str
        Definitions of all arrays and structures.
    """
    arrays = _Arrays()
    dtype = weight_type(network, learn=learn)
    layers, states = [], []
    for k, layer in enumerate(network.layers):
        n_in, n_out = layer.weights.shape
        arrays.lines.append(f"\n/* Layer {k}: {n_in} inputs, {n_out} neurons */\n")
        define = arrays.variable if learn else arrays.constant
        weights = define(f"weights_{k}", layer.weights.astype(dtype))

        def table(name, k=k, layer=layer):
            return arrays.constant(f"{name}_{k}", getattr(layer, name))

        if layer.syn_shift:
            decay = {"syn_shift": layer.syn_shift, "mem_shift": layer.mem_shift}
        else:
            decay = {name: table(name) for name in ("decay_mem", "decay_syn", "kappa")}
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
            **decay,
            "slope_mem": layer.slope_mem,
            "slope_syn": layer.slope_syn,
            "slope_bounds": table("slope_bounds"),
        }
        state = {
            "ticks": arrays.buffer("uint16_t", f"ticks_{k}", n_out),
            "u": arrays.buffer("int16_t", f"u_{k}", n_out),
            "slope": arrays.buffer("int16_t", f"slope_{k}", n_out),
        }
        if learn:
            fields |= {
                "n_fixed": layer.n_fixed,
                "kernel": table("kernel"),
                "kernel_slope": table("kernel_slope"),
                "max_stored": layer.max_stored,
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
            state["error"] = arrays.buffer("int16_t", f"error_{k}", n_out)
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
            "read_out": network.read_out,
            "stretch": network.stretch,
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
    max_inputs = max(layer.weights.shape[0] for layer in network.layers)
    work = {
        "events": arrays.buffer("ttfs_fixed_event", "events", max_inputs),
        "counts": arrays.buffer("uint16_t", "counts", network.n_ticks),
        "states": "states",
    }

    def structs(kind, name, items):
        inner = "".join(f"    {_struct(item, 4)},\n" for item in items)
        return f"static {kind} {name}[{len(items)}] = {{\n{inner}}};\n"

    lines = "\n".join(arrays.lines)
    return arrays.n_bytes, (
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
    """Numbers with their repetitions, as in "0.0, 3 x 1.0"."""
    runs = [(value, len(list(run))) for value, run in groupby(map(_number, values))]
    return ", ".join(f"{n} x {value}" if n > 1 else value for value, n in runs)


def _numbers_of(indices):
    """Ascending numbers as ranges, as in "0-2, 7"."""
    runs = np.split(indices, np.flatnonzero(np.diff(indices.astype(int)) != 1) + 1)
    return ", ".join(f"{a[0]}-{a[-1]}" if len(a) > 1 else f"{a[0]}" for a in runs)


def _input_notes(model):
    """Paragraphs that say how features become ticks."""
    code = model.code
    n = code.n_features
    notes = [
        f"A channel that spikes at time t does so in tick floor(t / {model.tick!r} + "
        "1/2), where t is rounded to float32 first; ticks before 0 count as 0. What "
        f"is not below {model.network.n_ticks} is no spike.",
        "",
    ]
    if code.kind == "spike_times":
        return [
            *notes,
            f"Features x are spike times, NaN or infinity = no spike. Channel i: "
            f"t = x[i] - {_number(code.begin)}.",
        ]
    notes += [
        "A feature x[i] is limited to low[i] ... high[i]; then "
        "v[i] = (x[i] - low[i]) / (high[i] - low[i]).",
        "",
    ]
    window = _number(code.window)
    if code.kind == "population":
        m = code.n_receptive_fields
        notes.append(
            f"Channel {m} * i + k, k = 0 ... {m - 1}: t = {window} * (1 - g) where "
            "g = exp(-z^2 / 2) >= 0.1, else no spike; "
            f"z = 1.5 * ({m - 2} * v[i] + 1/2 - k)."
        )
    else:
        notes.append(f"Channel i, i = 0 ... {n - 1}: t = {window} * (1 - v[i]).")
    if len(code.complemented):
        notes.append(
            f"Channel {n} + c: t = {window} * v[i], where i is number c, from 0, of "
            f"{_numbers_of(code.complemented)}."
        )
    if code.levels is not None:
        last = code.levels - 1
        notes.append(
            f"Each time {window} * u is rounded: t = k * ({window} / {last}) where "
            f"k = floor({last} * u + 1/2), and t = {window} for k = {last}."
        )
    absent = np.flatnonzero(code.zero_is_absent & (code.scale > 0))
    if len(absent):
        notes.append(f"No spike where x[i] is 0 for i = {_numbers_of(absent)}.")
    constant = np.flatnonzero(code.scale == 0)
    if len(constant):
        notes.append(f"No spike at all for i = {_numbers_of(constant)}.")
    return [
        *notes,
        "",
        "low and high of i = 0, 1, ..., where n x a stands for n times a:",
        "",
        ("low:  ", _in_runs(code.low)),
        ("high: ", _in_runs(code.high)),
    ]


def _head(model, prefix, *, learn):
    """The comment at the top of the file of a model."""
    paragraphs = [
        f"{prefix}: a network of first-spike neurons in integers, "
        f"{'-'.join(map(str, model.sizes))}, written by ttfs {__version__}.",
        "",
        "Copyright (c) 2026, The ttfs developers",
        "SPDX-License-Identifier: BSD-3-Clause",
        "",
        "C99 without floating point, allocation or calls of a library; the arithmetic "
        "is the specification docs/spec/fixed_point.md of ttfs, whose sections are "
        "cited as [n]. The functions share static memory: one call at a time.",
    ]
    if learn:
        paragraphs += [
            "",
            f"{prefix}_learn() does what partial_fit of one sample does.",
        ]
    paragraphs += ["", "INPUT", "", *_input_notes(model), "", "CLASSES", ""]
    paragraphs += [
        (f"{k}: ", ascii(label)) for k, label in enumerate(model.classes.tolist())
    ]
    return _comment(paragraphs)


def to_c(
    clf: TTFSClassifier,
    path: FilePath,
    *,
    learn: bool = False,
    prefix: str = "ttfs_model",
) -> None:
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
        If `clf` is not such an estimator, or `prefix` not the beginning of a name in C;
        or, with `learn`, if parameters have changed without which `partial_fit` does
        not go on.
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
    model = read_model(clf)
    network = read_learner(clf) if learn else model.network
    _check_prefix(prefix)
    _, definitions = model_code(network, learn=learn)
    weight = _C_TYPES[weight_type(network, learn=learn)]
    name = prefix.upper()
    names = {"PREFIX": prefix, "NAME": name, "WEIGHT": weight}

    def named(text):
        return re.sub("PREFIX|NAME|WEIGHT", lambda match: names[match[0]], text)

    macros = {
        "N_CHANNELS": model.code.n_channels,
        "N_CLASSES": len(model.classes),
        "N_TICKS": network.n_ticks,
        "N_LAYERS": len(network.layers),
    }
    declarations = _DECLARATIONS + (_DECLARATIONS_LEARN if learn else "")
    functions = _DEFINITIONS + (_DEFINITIONS_LEARN if learn else "")
    code = definitions + "\n" + named(functions)
    qualifier = "" if learn else "const "
    parts = [
        _head(model, prefix, learn=learn),
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
