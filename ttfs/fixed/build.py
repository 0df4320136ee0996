"""A network in integers like one of real numbers; section 8 holds the recipe."""

import numpy as np

from ..model.initial_weights import feedback_weights, weight_unit
from ..model.layer import check_full
from .network import MAX_FEEDBACK, MAX_LEVELS, FixedLayer, FixedNetwork
from .shifts import NO_SHIFTS, realise
from .simulation import n_ticks_of
from .tables import (
    error_shift,
    layer_numbers,
    reciprocal_table,
    silent_delay,
    softmax_table,
    time_tables,
)

_LEVELS_HIDDEN, _LEVELS_OUT = 10.0, 5.0  # levels / sqrt(n_active), weights up to 63
_PUSH = 256  # error of neurons that are silent too often
_SPREAD_FEEDBACK = 2.5  # deviation of random feedback, like that of the weights
_DIRECT = 32  # unit of direct feedback, in least bits of a weight


def layer_levels(layers, max_weight, weight_range=1.0):
    """Least bits of a weight in `weight_unit`, for each layer: section 8."""
    scales = [_LEVELS_HIDDEN] * (len(layers) - 1) + [_LEVELS_OUT]
    levels = [
        max_weight / 63 / weight_range * scale * layer.n_active**0.5
        for layer, scale in zip(layers, scales, strict=True)
    ]
    return np.clip(levels, max_weight / 16, MAX_LEVELS).tolist()


def weight_steps(layers, weight_bits, weight_range):
    """The value of the least bit of a weight, for each layer with real weights."""
    levels = layer_levels(layers, 2**weight_bits - 1, weight_range)
    return [
        weight_unit(layer.neuron) / level
        for layer, level in zip(layers, levels, strict=True)
    ]


def round_weights(weights, max_weight):
    """Real weights as integers, int16, of at most the magnitude `max_weight`."""
    return np.clip(np.rint(weights), -max_weight, max_weight).astype(np.int16)


def shift_registers(seed, first, n):
    """The initial states, uint16, of n shift registers, from number `first` on."""
    numbers = np.arange(first, first + n, dtype=np.int64)
    return (1 + (seed + 40501 * (numbers + 1)) % 65535).astype(np.uint16)


def fixed_layer(
    weights,
    bias_times,
    neuron,
    *,
    levels,
    errors_from,
    is_from_output,
    n_ticks,
    tick,
    kernel,
    weight_bits,
    fraction,
    shifts=NO_SHIFTS,
    n_fixed=0,
    rest=0,
    feedback=None,
):
    """A FixedLayer, section 2, and its errors in the unit of those they are made from.

    `weights` (n_in + n_bias, n_out) are real numbers in the least bits of an integer
    weight, and `levels` are such bits in the unit threshold / (e kappa_p).
    `errors_from` are neuron and `levels` of the layer that errors come from, None for
    the output; `fraction` are the bits that an accumulator has besides those of a
    weight. `feedback` (n_out, n_sources), int16, are random weights of errors on their
    way back. Raises ValueError if the membrane is too fast for the threshold to be a
    large enough integer.
    """
    numbers = layer_numbers(neuron, levels, shifts)
    shift, error_gain = 0, 1.0
    if errors_from is not None:
        shift, error_gain = error_shift(*errors_from, is_from_output=is_from_output)
    max_stored = (2**weight_bits - 1) << fraction
    n_out = weights.shape[1]
    layer = FixedLayer(
        weights=round_weights(np.asarray(weights) * 2**fraction, max_stored),
        bias_ticks=np.minimum(n_ticks_of(bias_times, tick), n_ticks).astype(np.uint16),
        fraction=fraction,
        n_fixed=n_fixed,
        max_stored=max_stored,
        rest=int(rest),
        decay=0,
        rate_shift=16,
        error_shift=shift,
        feedback=feedback,
        lfsr=np.ones(n_out, np.uint16),
        silence=np.zeros(n_out, np.uint8),
        **numbers,
        **time_tables(neuron, float(tick), n_ticks, kernel, shifts),
    )
    return layer, error_gain


def make_network(
    real, arithmetic, *, tick, kernel, feedback, window, may_drop, rests, rng
):
    """Make a network in integers, as a FixedPoint asks for, like one of real numbers.

    The `t_max` and the times of biases of the real network are multiples of `tick`, and
    with decay="shift" its neurons are those that shifts realise. Hidden neurons learn
    from spikes in the `window`, a pair of times. `may_drop` (n_in,), uint8, tells
    whether input dropout may delete spikes of an input, biases included; `rests` are
    the real weights that those of each layer decay to. `rng` draws random feedback and
    the states of the shift registers.

    Returned are the FixedNetwork, and for each layer the value of the least bit of a
    weight, and the sum G that moves a weight by it with a gain and a learning rate
    of 1.
    """
    check_full(real.layers, "a network in integers")
    layers = real.layers
    weight_bits, weight_range = arithmetic.weight_bits, arithmetic.weight_range
    max_weight = 2**weight_bits - 1
    fraction = 0  # where the weights are their accumulators
    if arithmetic.accumulator_bits is not None:
        fraction = arithmetic.accumulator_bits - 1 - weight_bits
    n_ticks = int(n_ticks_of(real.t_max, tick))
    n_layers = len(layers)
    levels = layer_levels(layers, max_weight, weight_range)
    steps = weight_steps(layers, weight_bits, weight_range)
    is_direct = feedback in ("direct", "target")
    drawn = None
    if feedback not in ("symmetric", "none"):
        n_active = [layer.n_active for layer in layers]
        drawn = feedback_weights(rng, layers, n_active, feedback, _SPREAD_FEEDBACK)
    fixed, gains = [], [1.0] * n_layers
    for k in reversed(range(n_layers)):
        layer = layers[k]
        source = None if k == n_layers - 1 else n_layers - 1 if is_direct else k + 1
        step, random = steps[k], None
        shifts = NO_SHIFTS
        if arithmetic.decay == "shift":
            shifts, _ = realise(layer.neuron, tick)
        if source is not None and drawn is not None:
            # Biases of the next layer are its last inputs and have no errors.
            random = drawn[k + 1][: layer.n_out]
            if is_direct:
                random = random * layers[-1].neuron.threshold * _DIRECT
            random = round_weights(random / steps[source], MAX_FEEDBACK)
        made, gain = fixed_layer(
            layer.unrolled / step,
            layer.bias_times,
            layer.neuron,
            levels=levels[k],
            errors_from=source and (layers[source].neuron, levels[source]),
            is_from_output=source == n_layers - 1,
            n_ticks=n_ticks,
            tick=tick,
            kernel=kernel,
            weight_bits=weight_bits,
            fraction=fraction,
            shifts=shifts,
            n_fixed=layer.n_fixed,
            rest=np.clip(np.rint(rests[k] / step), -max_weight, max_weight),
            feedback=random,
        )
        if source is not None:
            gains[k] = gain * gains[source]
            if is_direct:
                gains[k] *= _DIRECT / 127  # feedback takes the place of kernel_slope
            if feedback == "target":
                gains[k] /= 8  # the error is B gain, at an output 256 gain >> 5
        fixed.insert(0, made)
    seed = int(rng.randint(2**16))
    n = 0
    for layer in fixed:
        layer.lfsr = shift_registers(seed, n, layer.n_out)
        n += layer.n_out
    if feedback == "none":
        window = 0.0, 0.0  # in which no spike is, so that hidden neurons have no errors
    learn_from, learn_until = (
        int(np.clip(ticks, 0, n_ticks)) for ticks in n_ticks_of(window, tick)
    )
    network = FixedNetwork(
        layers=fixed,
        n_ticks=n_ticks,
        silent_delay=silent_delay(layers[-1].neuron, fixed[-1].threshold, tick),
        read_out=int(min(n_ticks_of(real.read_out, tick), n_ticks)),
        stretch=max(1, round(real.stretch)),
        softmax=softmax_table(tick, tick),  # until parameters of learning are known
        reciprocal=reciprocal_table(),
        gain=255,
        push=0 if feedback == "none" else _PUSH,
        feedback="symmetric" if feedback == "none" else feedback,
        learn_from=learn_from,
        learn_until=learn_until,
        is_floor=arithmetic.rounding == "floor",
        drop=0,
        may_drop=may_drop,
        lfsr=shift_registers(seed, n, 1),
    )
    # G of one input spike at the peak of the kernel, with an error of 1: 127 times
    # c = 256 gain >> 5. A learning rate of 1 moves the weight by one level.
    scales = [127 * 8 * gain / level for gain, level in zip(gains, levels, strict=True)]
    return network, steps, scales
