"""Comments of an exported model: what it is, and how features become ticks."""

import textwrap
from itertools import groupby

import numpy as np

from ..core import __version__

WIDTH = 88


def filled(text, indent, following=None):
    """Lines of a text, each after an indent."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_on_hyphens=False,
    )


def comment(paragraphs):
    """A C comment; paragraphs are strings, or pairs of a label and a string."""
    lines = []
    for paragraph in paragraphs:
        label, text = paragraph if isinstance(paragraph, tuple) else ("", paragraph)
        # No text ends the comment, starts another one, or holds a trigraph.
        for part in ("*/", "/*", "??"):
            text = text.replace(part, " ".join(part))
        following = " * " + " " * len(label)
        lines += filled(text, f" * {label}", following) or [" *"]
    lines[0] = "/" + lines[0].lstrip()
    return "\n".join([*lines, " */", ""])


def banner(title):
    """The line above a part of a file."""
    return f"/* -- {title} ".ljust(WIDTH - 5, "-") + " */\n"


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


def input_notes(model):
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


def head(model, prefix, learn, features, steps):
    """The comment at the top of the file of a model.

    `features` is the type of raw features that it takes, or None; `steps` are those of
    the pipeline before it.
    """
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
    paragraphs += ["", "INPUT", ""]
    if features is not None:
        paragraphs += [
            f"{prefix}_encode() makes ticks of raw features, {features}_t, in "
            "integers. What they are in real numbers:",
            "",
        ]
    if steps:
        paragraphs += [
            "Features x are those behind the steps of the pipeline: "
            f"{', '.join(steps)}.",
            "",
        ]
    paragraphs += [*input_notes(model), "", "CLASSES", ""]
    paragraphs += [
        (f"{k}: ", ascii(label)) for k, label in enumerate(model.classes.tolist())
    ]
    return comment(paragraphs)
