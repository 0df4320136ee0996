"""The package nir, and how its neurons are those of ttfs.

A spike of weight w moves the current I of a neuron of ttfs by w, and its membrane u
follows du/dt = -u / tau_mem + I / tau_syn. NIR has [1]_

    tau_syn dI/dt = -I + w_in S        tau_mem dv/dt = v_leak - v + r I

where S holds an impulse of the weight w for a spike: I moves by w_in w / tau_syn. With
v = u that asks for r w_in = tau_mem. Simulators with steps take a spike for a pulse of
the height 1 and the width of a step dt: then r w_in dt = tau_mem.

There is no CubaLIF with an infinite tau_mem. Two nodes have the same equations: LI, tau
dv/dt = v_leak - v + r S, whose v is the current, and IF or I, dv/dt = r I.

References
----------
.. [1] J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified
   instruction set for interoperable brain-inspired computing", Nature Communications
   15, 8122 (2024).
"""

import numpy as np


def load():
    """The package nir; ImportError says which extra brings it."""
    try:
        import nir
    except ImportError as error:
        raise ImportError(
            'to_nir and from_nir need the package nir: pip install "scikit-ttfs[nir]"'
        ) from error
    return nir


def unit_factors(neuron, dt):
    """r and w_in of a CubaLIF in which weights are those of ttfs.

    Their product is tau_mem, or tau_mem / dt with the width `dt` of a spike, where r is
    what snnTorch asks for. tau_mem is finite.
    """
    if dt is None:
        return neuron.tau_mem / neuron.tau_syn, neuron.tau_syn
    return neuron.tau_mem / dt, 1.0


def synapse_factors(tau_syn, dt):
    """r of an LI that is a synapse, and of an IF or I behind it, likewise."""
    return (tau_syn if dt is None else tau_syn / dt), 1.0 / tau_syn


def check_dt(dt):
    """Raise ValueError unless dt is None or the width of a spike."""
    if dt is not None and not (np.isreal(dt) and 0 < dt < np.inf):
        raise ValueError(f"dt must be None or a positive number, got {dt!r}")
