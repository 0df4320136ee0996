"""Networks of microcontroller.py: data, how they are learned, and limits."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import joblib
import numpy as np
from _common import changes, mnist_16, yin_yang
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from ttfs import TTFSClassifier, __version__
from ttfs.parameters import CrossEntropy, FixedPoint

N_SAMPLES = 100  # that are counted


def digits(is_validation):
    """8x8 digits, scaled to 1; three tenths are for testing."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        (X / 16).astype(np.float32),
        y,
        test_size=0.3,
        stratify=y,
        random_state=1 if is_validation else 0,
    )
    return X, y, X_test, y_test


@dataclass(frozen=True)
class Network:
    """A network of one hidden layer, its data, and what it must reach.

    Parameters
    ----------
    work : str
        Name of the data.
    load : callable
        (X, y, X_test, y_test) of load(is_validation).
    hidden : int
        Number of hidden neurons.
    parameters : dict
        Of TTFSClassifier, besides the arithmetic.
    shift_ticks : dict
        Tick of the shift kernel [tau_syn] for each gradient it is trained by.
    instructions : tuple of int or None
        Of an inference, Cortex-M0+, -Os: at most the first must be, and the second
        should be.
    learns : bool
        Whether a step of learning is measured too.
    learn_instructions : tuple of int or None
        The same of a step of learning.
    cycles : dict
        Greatest shares of the cycles of peers, with the small multiplier.
    room : tuple of (int, int)
        Greatest flash and RAM of a model that learns on an ATmega328.
    mlp_epochs : int
        Epochs of MLPClassifier.
    forest : dict
        Parameters of the forest.
    scale : int
        What features are multiplied by for the forest, which takes integers.
    """

    work: str
    load: callable
    hidden: int
    parameters: dict = field(default_factory=dict)
    shift_ticks: dict = field(default_factory=lambda: {"local": 1 / 16})
    instructions: tuple | None = None
    learns: bool = False
    learn_instructions: tuple | None = None
    cycles: dict = field(default_factory=dict)
    room: tuple = ()
    mlp_epochs: int = 1000
    forest: dict = field(default_factory=dict)
    scale: int = 1000

    @cached_property
    def data(self):
        return self.load(False)

    def integers(self, X):
        """Features as the forest takes them.

        They are even: thresholds are halfway between two of them, and emlearn would
        round those that are not whole.
        """
        return 2 * np.round(X * self.scale).astype(np.int16)

    @cached_property
    def samples(self):
        """Features and labels of the test samples that are counted."""
        _, _, X, y = self.data
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(X), N_SAMPLES, replace=False)
        return X[chosen], y[chosen]


# Parameters with the exact gradient: decisions come early, which saves ticks, and
# pixels have no second channel, which saves spikes. On held-back training data digits
# lose nothing by it (96.5 % against 96.0, four seeds).
_EARLY = {
    "time_scale": 0.1,
    "loss": CrossEntropy(early_firing=0.1),
    "encoder": "latency",
}
_DIGITS = {
    "shift_ticks": {"local": 1 / 16, "exact": 1 / 8},
    "scale": 16,
    "forest": {"n_estimators": 20},
}
_MNIST = {
    "parameters": {"batch_size": 200, "input_dropout": 0.1, "max_iter": 40},
    "scale": 255,
    "mlp_epochs": 30,
    "forest": {"n_estimators": 20, "max_leaf_nodes": 400},
}
NETWORKS = {
    "4-30-3": Network(
        "Yin-Yang",
        yin_yang,
        30,
        {"encoder": "latency"},
        {"local": 1 / 32},
        (30_000, 10_000),
        learns=True,
        learn_instructions=(75_000, 40_000),
        room=((32_768, 2_048), (4_096, 800)),
        forest={"n_estimators": 10},
    ),
    "64-32-10": Network("digits", digits, 32, instructions=(30_000, 14_000), **_DIGITS),
    "64-100-10": Network(
        "digits",
        digits,
        100,
        learns=True,
        learn_instructions=(300_000, 150_000),
        **_DIGITS,
    ),
    "256-64-10": Network(
        "MNIST 16x16",
        mnist_16,
        64,
        instructions=(70_000, 40_000),
        cycles={"int8, dense": 0.3, "int8, skips zeros": 0.5},
        **_MNIST,
    ),
    "256-246-10": Network(
        "MNIST 16x16", mnist_16, 246, instructions=(250_000, 150_000), **_MNIST
    ),
}


def variants(network):
    """Parameters of TTFSClassifier of a network by the kernel.

    The exact gradient trains more accurately with coarse ticks; without the local rule
    the device cannot learn.
    """
    found = {"table": {"arithmetic": FixedPoint(), "gradient": "local"}}
    for gradient, tick in network.shift_ticks.items():
        arithmetic = FixedPoint(decay="shift", tick=tick)
        found[f"shift, {gradient} gradient"] = {
            "arithmetic": arithmetic,
            "gradient": gradient,
            **(_EARLY if gradient == "exact" else {}),
        }
    return {name: network.parameters | parameters for name, parameters in found.items()}


class Fits:
    """Fitted models, which a folder keeps for the next run.

    Parameters
    ----------
    folder : path or None
        Where models are kept; one without a parent is made.
    is_quick : bool
        Whether to train for a few epochs, on a part of the data.
    """

    def __init__(self, folder, *, is_quick):
        self.folder, self.is_quick = folder, is_quick
        if folder is not None:
            Path(folder).mkdir(exist_ok=True)

    def fit(self, name, network, model, prepare=lambda X: X):
        """The model, fitted to the training data of a network, prepared."""
        X, y, _, _ = network.data
        X = prepare(X)
        if self.is_quick:
            X, y = X[:3000], y[:3000]
        if self.folder is None:
            return model.fit(X, y)
        parameters = changes(model.get_params())
        key = f"{__version__} {type(model).__name__} {len(X)} {parameters}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        path = Path(self.folder, f"{name}-{digest}.joblib")
        if not path.exists():
            joblib.dump(model.fit(X, y), path)
        return joblib.load(path)

    def ttfs(self, name, network, parameters, hidden=None):
        """TTFSClassifier with parameters of `variants`; `hidden`: other layers."""
        if self.is_quick:
            parameters = parameters | {"max_iter": 8}
        model = TTFSClassifier(
            hidden or (network.hidden,), random_state=0, **parameters
        )
        return self.fit(f"{name}-ttfs", network, model)

    def mlp(self, name, network):
        """MLPClassifier of the same size."""
        epochs = 8 if self.is_quick else network.mlp_epochs
        model = MLPClassifier((network.hidden,), max_iter=epochs, random_state=0)
        return self.fit(f"{name}-mlp", network, model)

    def forest(self, name, network):
        """A small RandomForestClassifier."""
        model = RandomForestClassifier(**network.forest, random_state=0)
        return self.fit(f"{name}-forest", network, model, network.integers)
