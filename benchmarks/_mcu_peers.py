"""Models that microcontroller.py compares with, as C."""

from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _mcu_program import Program
from bare_metal import c_array

IN_FLASH = "static const MACHINE_FLASH"
C = Path(__file__).with_name("microcontroller")


def _program(title, folder, adapter, network, samples, answers, right, **options):
    """A peer whose model is in folder / model.h.

    `answers` are numbers of classes, None if nobody knows, and `right` tells which test
    samples it classifies rightly.
    """
    _, labels = network.samples

    def expected(n):
        return None if answers is None else [[int(k)] for k in answers[:n]]

    macros = options.pop("macros", {}) | {"MODEL": folder / "model.h"}
    accuracy = 100 * float(np.mean(right))
    numbers = np.asarray(labels, int)
    return Program(
        title, accuracy, C / adapter, macros, samples, numbers, expected, **options
    )


def _two_layers(path, mlp, layers, c_type, bias_type, qualifier):
    """Weights and biases of two layers as C."""
    (n_inputs, n_hidden), (_, n_classes) = (w.shape for w in mlp.coefs_)
    text = (
        f"#define N_INPUTS {n_inputs}\n#define N_HIDDEN {n_hidden}\n"
        f"#define N_CLASSES {n_classes}\n"
    )
    for k, (weights, biases) in enumerate(layers, 1):
        text += c_array(f"weights_{k}", weights, c_type, qualifier)
        text += c_array(f"biases_{k}", biases, bias_type, qualifier)
    path.write_text(text)


class Int8:
    """An MLP in int8: weights, activations and inputs, with scales of powers of two."""

    def __init__(self, mlp, X):
        w_1, w_2 = mlp.coefs_
        b_1, b_2 = mlp.intercepts_
        bits_1, bits_2 = (
            np.floor(np.log2(127 / np.abs(weights).max())) for weights in (w_1, w_2)
        )
        self.w_1, self.w_2 = (
            np.round(weights * 2.0**bits).astype(int)
            for weights, bits in ((w_1, bits_1), (w_2, bits_2))
        )
        unit = 127 * 2.0**bits_1  # of the sums of the first layer
        self.b_1 = np.round(b_1 * unit).astype(int)
        # The greatest activations of the training data, but for few, are below 128.
        greatest = np.quantile(self._sums(X), 0.9999)
        self.shift = max(0, int(np.ceil(np.log2(greatest / 127))))
        self.b_2 = np.round(b_2 * unit / 2.0**self.shift * 2.0**bits_2).astype(int)

    @staticmethod
    def inputs(X):
        """Features from 0 to 1 as integers."""
        return np.round(np.asarray(X) * 127).astype(np.int8)

    def _sums(self, X):
        return np.maximum(self.inputs(X).astype(int) @ self.w_1 + self.b_1, 0)

    def predict(self, X):
        """Numbers of classes."""
        hidden = np.minimum(self._sums(X) >> self.shift, 127)
        return np.argmax(hidden @ self.w_2 + self.b_2, axis=1)


def int8(folder, network, mlp):
    """The dense loop, and the one that skips inputs and activations of zero."""
    X, _, X_test, y_test = network.data
    samples, _ = network.samples
    model = Int8(mlp, X)
    for title, skips in (("int8, dense", False), ("int8, skips zeros", True)):
        here = folder / title.replace(", ", "-").replace(" ", "-")
        here.mkdir()
        layers = [
            (w if skips else w.T, b)
            for w, b in ((model.w_1, model.b_1), (model.w_2, model.b_2))
        ]
        _two_layers(here / "model.h", mlp, layers, "int8_t", "int32_t", IN_FLASH)
        yield _program(
            title,
            here,
            "int8.h",
            network,
            model.inputs(samples),
            model.predict(samples),
            mlp.classes_[model.predict(X_test)] == y_test,
            macros={"SHIFT": model.shift, "SKIPS_ZEROS": skips},
        )


def float_trainer(folder, network, mlp):
    """A step of learning in float32."""
    samples, _ = network.samples
    here = folder / "float-trainer"
    here.mkdir()
    layers = zip(mlp.coefs_, mlp.intercepts_, strict=True)
    layers = [[a.astype(np.float32) for a in layer] for layer in layers]
    _two_layers(here / "model.h", mlp, layers, "float", "float", "static")
    samples = np.asarray(samples, np.float32)
    right = mlp.predict(network.data[2]) == network.data[3]
    return _program(
        "float32 SGD",
        here,
        "float_trainer.h",
        network,
        samples,
        None,
        right,
        learns=True,
    )


def has_emlearn():
    """Whether emlearn is installed."""
    return find_spec("emlearn") is not None


def _emlearn():
    errors = np.geterr()
    import emlearn

    np.seterr(**errors)  # the import changes them
    return emlearn, (f"-I{emlearn.includedir}",)


def emlearn_mlp(folder, network, mlp):
    """The MLP in float32."""
    emlearn, flags = _emlearn()
    _, _, X_test, y_test = network.data
    samples, _ = network.samples
    here = folder / "emlearn-mlp"
    here.mkdir()
    with chdir(here):  # where emlearn leaves files of its own
        code = emlearn.convert(mlp, method="loadable")
    (here / "model.h").write_text(code.save(name="model"))
    return _program(
        "emlearn MLP, float",
        here,
        "emlearn.h",
        network,
        np.asarray(samples, np.float32),
        np.searchsorted(mlp.classes_, mlp.predict(samples)),
        mlp.predict(X_test) == y_test,
        macros={"INPUT": "float", "N_INPUTS": samples.shape[1]},
        flags=flags,
    )


def _votes(forest, X):
    """The class that most trees take X for; scikit-learn averages probabilities."""
    votes = np.zeros((len(X), len(forest.classes_)))
    for tree in forest.estimators_:
        votes[np.arange(len(X)), tree.predict(X).astype(int)] += 1
    return forest.classes_[votes.argmax(axis=1)]


def emlearn_forest(folder, network, forest):
    """The forest on features in int16."""
    emlearn, flags = _emlearn()
    _, _, X_test, y_test = network.data
    samples, _ = network.samples
    here = folder / "emlearn-forest"
    here.mkdir()
    with chdir(here):
        code = emlearn.convert(forest, method="inline", dtype="int16_t")
    (here / "model.h").write_text(code.save(name="model"))
    samples = network.integers(samples)
    right = _votes(forest, network.integers(X_test)) == y_test
    return _program(
        "emlearn forest",
        here,
        "emlearn.h",
        network,
        samples,
        np.searchsorted(forest.classes_, _votes(forest, samples)),
        right,
        macros={"INPUT": "int16_t", "N_INPUTS": samples.shape[1]},
        flags=flags,
    )
