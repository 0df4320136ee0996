"""A network before training, drawn from the activity of training data."""

import numpy as np

from ..model import Network
from ..model.geometry import geometries_of
from ..model.read_out import with_read_out
from . import recipe as recipes


def draw_network(engine, encoder, X, n_outputs, rng):
    """A network with random weights, in the scale of the activity of training data.

    `X` are data that the fitted encoder has validated.
    """
    structure = engine.structure
    t_max, read_out = _horizon(engine, encoder)
    some = rng.permutation(X.shape[0])[: recipes.N_INITIAL_SAMPLES]
    bias_times = engine.possible_times(engine.bias_times(encoder.end_))
    dtype = engine.dtype
    spikes = encoder.spikes(X[some], bias_times.astype(dtype), t_max)
    n_channels = encoder.n_channels_
    geometries = geometries_of(n_channels, [*structure.hidden_layer_sizes, n_outputs])
    engine.check_sizes([n_channels, *(geometry.n_out for geometry in geometries)])
    layers = engine.draw_layers(rng, geometries, spikes, bias_times, t_max)
    network = Network(tuple(layers), t_max)
    if read_out < t_max:
        weights = engine.output_weights(layers)
        layers[-1] = with_read_out(layers[-1], read_out, *weights)
        network = Network(tuple(layers), t_max, read_out)
    return engine.prepare(network, encoder.may_drop_, rng)


def _horizon(engine, encoder):
    """The end of the experiment and the time of the read-out, +inf if there is none.

    Both count from the start of the inputs.
    """
    structure, recipe = engine.structure, engine.recipe
    tau_syn, n_layers = structure.tau_syn, len(structure.neurons)
    t_max = structure.t_max
    read_out = structure.read_out if engine.has_read_out else None
    if read_out == "auto":
        read_out = encoder.end_ + recipe.read_out_per_layer * n_layers * tau_syn
        if t_max is not None:
            least = min(0.25 * t_max, recipes.LEAST_AFTER * tau_syn)
            read_out = min(read_out, t_max - least)
    elif read_out is not None:
        _check_time("read_out", read_out, tau_syn)
    if t_max is None and read_out is None:
        t_max = encoder.end_ + recipe.time_per_layer * n_layers * tau_syn
    elif t_max is None:
        t_max = read_out + recipes.AFTER_READ_OUT * tau_syn
    _check_time("t_max", t_max, tau_syn)
    t_max = engine.end_of_experiment(float(t_max))
    if read_out is None:
        return t_max, np.inf
    read_out = float(engine.possible_times(np.float64(read_out)))
    if not 0 < read_out < t_max:
        raise ValueError(
            f"the read-out, at {read_out:g}, must be between 0 and t_max={t_max:g}, so "
            "that the outputs can fire after it; a network with read_out=None has none"
        )
    return t_max, read_out


def _check_time(name, time, tau_syn):
    """Raise ValueError unless a time of the experiment is possible."""
    if not 0 < time <= recipes.MAX_T_MAX * tau_syn:
        raise ValueError(
            f"{name}={time:g} must be positive, since it counts from the start of "
            f"the inputs, and at most {recipes.MAX_T_MAX:g} tau_syn"
        )
