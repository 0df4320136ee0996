"""Counts and energy of networks of first spikes beside a dense network in 8 bits.

For each data set: what a network does until the decision, its energy by each cost
model, and what changes if a synaptic event costs more. The dense network has the same
shape, and reads each of its weights once.
"""

from dataclasses import dataclass, field

import numpy as np
from _common import mnist, run, seeds
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ttfs import TTFSClassifier
from ttfs.energy import COST_MODELS

DENSE = "cmos45-int8"
FACTORS = 1, 2, 5, 10


def digits(is_validation):
    """Three quarters to learn; validation data are a quarter of those."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    if is_validation:
        X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    return X, y, X_test, y_test


@dataclass
class Row:
    """One data set, and the parameters of its network."""

    name: str
    load: callable
    parameters: dict = field(default_factory=dict)


ROWS = {
    "digits": Row("digits, 100 hidden neurons", digits),
    "digits-int": Row("the same in integers", digits, {"arithmetic": "fixed"}),
    "mnist": Row("MNIST, 784-350-10", mnist, {"hidden_layer_sizes": (350,)}),
}


def report(row, n_seeds, is_validation):
    X, y, X_test, y_test = row.load(is_validation)
    scores, found = [], []
    for seed in seeds(n_seeds, is_validation):
        clf = TTFSClassifier(random_state=seed, **row.parameters).fit(X, y)
        scores.append(clf.first_spike_score(X_test, y_test))
        activity = clf.activity(X_test, DENSE)
        found.append(
            [
                *(activity.summary()[name] for name in NAMES),
                *(energy_of(activity, model) for model in COST_MODELS.values()),
                *(energy_of(activity, more) for more in costly()),
                activity.break_even,
            ]
        )
    means = np.mean(found, axis=0)
    counts, chips, more = np.split(
        means[:-1], np.cumsum([len(NAMES), len(COST_MODELS)])
    )
    print(f"\n{row.name}: {100 * np.mean(scores):.2f} % by first spikes")
    for name, count in zip(NAMES, counts, strict=True):
        print(f"  {name:34s}{count:12.5g}")
    print(
        f"  energy of an inference [nJ]; dense, {DENSE}: "
        f"{1e9 * activity.dense_energy:.4g}"
    )
    for (name, model), energy in zip(COST_MODELS.items(), chips, strict=True):
        print(f"    {name:16s}{model.kind:12s}{1e9 * energy:12.4g}")
    print(f"  {DENSE}, if an event costs more; as much as dense: x {means[-1]:.3g}")
    for factor, energy in zip(FACTORS, more, strict=True):
        share = energy / activity.dense_energy
        print(f"    x {factor:<4d}{1e9 * energy:12.4g} nJ{share:10.3f} of dense")


NAMES = (
    "input spikes",
    "hidden spikes",
    "hidden spikes until the decision",
    "synaptic events",
    "causal events",
    "events until the decision",
    "dense events",
    "share of dense events",
    "decision time",
)


def energy_of(activity, model):
    """Mean energy [J]."""
    return model.energy(activity).mean()


def costly():
    """The cost models whose events cost more."""
    return [COST_MODELS[DENSE].with_event_cost(factor) for factor in FACTORS]


if __name__ == "__main__":
    run(__doc__, ROWS, report, n_seeds=2)
