"""A model in integers as one file of C."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline

from .. import _fixed
from .._files import write_text
from .._typing import FeatureType, FilePath
from ..encoders import SpikeTrains
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from ..fixed.network import FixedNetwork
from .c_arrays import Arrays, model_code, model_number, settings, weight_type
from .c_encoder import encoder_code, encoder_settings
from .c_functions import EVENTS, FEATURES, INFERENCE, LEARNING, self_test_functions
from .c_headers import needed, renamed
from .c_text import banner, head
from .encoder import IntegerEncoder, integer_encoder
from .model import Model, events_at, read_learner, read_model
from .model import ticks as ticks_of
from .scalers import split

_ENGINE = "ttfs_device_"  # what the functions that infer and learn begin with

# Bytes that AVRs have at most, because their pointers have 16 bits.
_AVR_ARRAY = 2**15 - 1  # in an array
_AVR_ARRAYS = 2**16 - 1  # in all of them


@dataclass(frozen=True)
class CModel:
    """A model as C, of which files are made."""

    model: Model
    network: FixedNetwork  # its integers, with accumulators if it learns
    learn: bool
    prefix: str  # what names of functions, and in upper case of macros, begin with
    # What the self-test needs: `ticks` (n_samples, n_channels), or raw `features` if
    # there is an encoder, `labels`, numbers of classes, `output_ticks` and `output_u`
    # (n_samples, n_classes).
    samples: dict[str, np.ndarray] | None
    encoder: IntegerEncoder | None = None  # of raw features, if the model takes these
    steps: Sequence[str] = ()  # names of the steps of the pipeline before the model

    @property
    def functions(self):
        """The functions that the model has, as a list of `Functions`."""
        functions = [INFERENCE, EVENTS]
        if self.learn:
            functions.append(LEARNING)
        if self.encoder is not None:
            functions.append(FEATURES)
        if self.samples is not None:
            functions.append(self_test_functions(of_features=self.encoder is not None))
        return functions

    def named(self, text):
        """C with the names of this model, instead of "PREFIX_" and the like."""
        weight = weight_type(self.network, learn=self.learn)
        names = {
            "PREFIX_": f"{self.prefix}_",
            "NAME_": f"{self.prefix.upper()}_",
            "WEIGHT": f"{weight.name}_t",
            "FEATURE": f"{self.encoder.features}_t" if self.encoder else "",
            "ENGINE_": _ENGINE,
            "N_PARTS": str(3 * len(self.network.layers) + 1),
            "MODEL_NUMBER": f"0x{model_number(self.network):08X}",
            "N_SAMPLES": str(len(self.samples["labels"]) if self.samples else 0),
        }
        pattern = "|".join(rf"\b{name}" for name in names)
        text = re.sub(pattern, lambda match: names[match[0]], text)
        return renamed(text, self.prefix)

    def macros(self):
        """Definitions of the numbers of the model."""
        layers = self.network.layers
        macros = {
            "N_CHANNELS": self.model.code.n_channels,
            "N_CLASSES": len(self.model.classes),
            "N_TICKS": self.network.n_ticks,
            "N_LAYERS": len(layers),
        }
        if self.encoder is not None:
            macros["N_FEATURES"] = self.encoder.n_features
        if self.learn:
            width = weight_type(self.network, learn=True).itemsize
            n_bytes = sum((width * layer.n_in + 3) * layer.n_out for layer in layers)
            macros["STATE_SIZE"] = 4 + n_bytes + 2 + 4
        return self.named(
            "".join(f"#define NAME_{key} {value}\n" for key, value in macros.items())
        )

    def head(self):
        """The comment at the top of the file of a model."""
        features = self.encoder and self.encoder.features
        return head(self.model, self.prefix, self.learn, features, self.steps)

    def declarations(self):
        """Prototypes of the functions, with comments."""
        return self.named("\n".join(each.declarations for each in self.functions))

    def code(self):
        """The arithmetic, the arrays and the functions."""
        n_bytes, data = model_code(self.network, learn=self.learn)
        macros = settings(self.network, learn=self.learn)
        headers = ["ttfs_device_learn.h" if self.learn else "ttfs_device.h"]
        kind = ""
        if self.encoder is not None:
            of_encoder, encoder, kind = encoder_code(self.encoder)
            n_bytes = n_bytes | of_encoder
            data += "\n" + encoder
            macros |= encoder_settings(self.encoder)
            headers.append("ttfs_device_encode.h")
        if self.samples is not None:
            of_samples, samples = self._samples()
            n_bytes = n_bytes | of_samples
            data += "\n" + samples
        functions = "\n".join(each.definitions for each in self.functions)
        code = f"{data}\n{functions}".replace("ENGINE_", _ENGINE)
        code = code.replace("ENCODE(", f"{_ENGINE}encode_{kind}(")
        parts = [
            _limits_of_avr(n_bytes),
            "".join(f"#define {name} {value}\n" for name, value in macros.items()),
            needed(headers, code, self.learn, self.network.has_shifts),
            banner("The model"),
            code.lstrip("\n"),
        ]
        return self.named("\n".join(filter(None, parts)))

    def _samples(self):
        """The sizes of arrays by their names, and the arrays."""
        arrays = Arrays()
        for name, array in self.samples.items():
            arrays.constant(f"test_{name}", array)
        text = "/* Samples of the self-test */\n\n" + "\n".join(arrays.lines) + "\n"
        return arrays.n_bytes, text


def _limits_of_avr(n_bytes):
    """Lines that say why an AVR does not take arrays, by their sizes, or nothing.

    Beyond the limit of all arrays the tables would not be where `__flash` looks.
    """
    name = max(n_bytes, key=n_bytes.get)
    total = sum(n_bytes.values())
    if n_bytes[name] > _AVR_ARRAY:
        what = f"PREFIX_{name} has {n_bytes[name]} bytes, an array {_AVR_ARRAY} at most"
    elif total > _AVR_ARRAYS:
        what = f"all arrays have {total} bytes, but may have {_AVR_ARRAYS} at most"
    else:
        return ""
    return f'#ifdef __AVR__\n#error "too large for an AVR: {what}"\n#endif\n'


def c_model(clf, *, learn, prefix, self_test, features=None):
    """The `CModel` of a classifier; arguments and errors are those of `to_c`."""
    steps, last = split(clf)
    model = read_model(last)
    network = read_learner(last) if learn else model.network
    check_prefix(prefix)
    encoder = None if features is None else integer_encoder(clf, features)
    samples = None
    if self_test is not None:
        inputs, ticks = _test_inputs(clf, encoder, self_test)
        samples = inputs | _outputs(model.network, ticks)
    names = [name for name, _ in steps]
    return CModel(model, network, learn, prefix, samples, encoder, names)


def _test_inputs(clf, encoder, self_test):
    """What the self-test takes, as a dict of one array, and the ticks of channels."""
    shape = np.shape(self_test)
    if len(shape) != 2:
        raise ValueError(
            f"self_test must have shape (n_samples, n_features), got {shape}"
        )
    if shape[0] == 0:
        raise ValueError("self_test must have a sample at least; None: no self-test")
    if encoder is None:
        ticks = ticks_of(clf, self_test)
        return {"ticks": ticks}, ticks
    if isinstance(self_test, SpikeTrains):
        raise TypeError("self_test must be raw features, not SpikeTrains")
    raw = self_test.toarray() if issparse(self_test) else self_test
    raw = encoder.checked(raw, "self_test").astype(encoder.features)
    return {"features": raw}, encoder.encode(raw)


def _outputs(network, ticks):
    """What a network does with the ticks of its channels."""
    core = _fixed.FixedCore(network)
    events = events_at(network, ticks)
    output_ticks, output_u = (layers[-1] for layers in core.run(events))
    return {
        "labels": core.labels(events).astype(np.uint16),
        "output_ticks": output_ticks.astype(np.uint16),
        "output_u": output_u.astype(np.int16),
    }


def source_text(c, header=None):
    """The source of a model, which includes its header, or stands alone."""
    if header is None:
        parts = [c.head(), "#include <stdint.h>\n", c.macros(), c.declarations()]
    else:
        parts = [f'#include "{header}"\n']
    return "\n".join([*parts, c.code()])


def header_text(c):
    """The header of a model, for C and C++."""
    guard = f"{c.prefix.upper()}_H"
    parts = [
        c.head(),
        f"#ifndef {guard}\n#define {guard}\n",
        "#include <stdint.h>\n",
        c.macros(),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        c.declarations(),
        "#ifdef __cplusplus\n}\n#endif\n",
        f"#endif /* {guard} */\n",
    ]
    return "\n".join(parts)


def to_c(
    clf: TTFSClassifier | Pipeline,
    path: FilePath,
    *,
    learn: bool = False,
    prefix: str = "ttfs_model",
    self_test: Features | None = None,
    features: FeatureType | None = None,
) -> None:
    r"""Write a model as one file of C.

    The file is C99 and stands alone: no floating point, no allocation, no library. It
    holds the arithmetic, the tables and weights as arrays, and the memory to work in.
    It gives the same classes, ticks and weights as the estimator, bit for bit. Its
    first lines tell how features become ticks and declare the functions:

    - ``int ttfs_model_infer(const uint16_t ticks[])`` gives the number of a class in
      `classes_`, and ends with the first output spike;
      ``int ttfs_model_margin(const uint16_t ticks[], uint32_t *margin)`` goes on, and
      tells by how many ticks the next output neuron is later.
      ``ttfs_model_output_ticks()`` and ``ttfs_model_output_u()`` tell what the output
      neurons did.
    - ``ttfs_model_begin()``, ``ttfs_model_spike(channel, tick)`` and
      ``ttfs_model_advance(tick)`` take a sample spike by spike, and answer at the first
      output spike.
    - with `learn`, ``int ttfs_model_learn(uint16_t ticks[], int label)`` is one online
      step, ``ttfs_model_weights(layer)`` are the weights, and
      ``ttfs_model_save(state)`` and ``ttfs_model_restore(state)`` keep all that
      learning changes.
    - with `features`, ``void ttfs_model_encode(const int16_t x[], uint16_t ticks[])``
      makes ticks of raw features, and ``int ttfs_model_classify(const int16_t x[])``
      gives their class: the scalers of a pipeline and the encoder, in integers.
    - with `self_test`, ``int ttfs_model_self_test()`` is 0 if samples give the bits
      that they give here.

    All names in the file begin with the prefix: several models may be part of one
    program, or of one file.

    Parameters
    ----------
    clf : TTFSClassifier or Pipeline
        Fitted, with arithmetic="fixed"; or a pipeline that ends with such a classifier.
    path : str or path-like
        The file. One that exists is replaced as a whole, behind a symbolic link too.
    learn : bool, default=False
        Whether the model can learn: what `partial_fit` of one sample does, with the
        present parameters of `clf`: `learning_rate_init` is the constant rate. Needs
        gradient="local".
    prefix : str, default="ttfs_model"
        What names of functions, and in upper case of macros, begin with.
    self_test : {array-like, sparse matrix, SpikeTrains}, default=None
        Features of samples, (n_samples, n_features), for a function that tests the
        program where it runs. They are part of the file. With `features` raw ones,
        which cannot be SpikeTrains.
    features : {"uint8", "int16"} or NumPy type, default=None
        The type of raw features that the model takes besides ticks. What comes before
        the classifier in a pipeline is then part of the model, and must be scalers: see
        :func:`integer_encoder`.

    Raises
    ------
    NotFittedError
        If `clf` is not fitted.
    TypeError, ValueError
        If `clf` is not such an estimator, or `prefix` not the beginning of a name in C,
        or `self_test` not valid or empty; with `features`, if the encoder cannot be one
        of integers; or, with `learn`, if parameters have changed without which
        `partial_fit` does not go on.
    OSError
        If the file cannot be written.

    See Also
    --------
    ticks : What the functions take.
    integer_encoder : What they make of raw features.
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
    model = c_model(
        clf, learn=learn, prefix=prefix, self_test=self_test, features=features
    )
    write_text(path, source_text(model))


def check_prefix(prefix, name="prefix"):
    """Raise unless names in C can begin with a prefix, which errors call `name`."""
    if not isinstance(prefix, str):
        raise TypeError(f"{name} must be a str, got {type(prefix).__name__}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", prefix) or re.match(
        "ttfs_(fixed|device)", prefix, re.IGNORECASE
    ):
        raise ValueError(
            f"{name} must be ASCII letters, digits and underscores, and begin with a "
            "letter (an underscore first is the compiler's), but not with 'ttfs_fixed' "
            f"or 'ttfs_device', got {prefix!r}"
        )
