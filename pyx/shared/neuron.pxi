# Parameters of neurons, and the units that the core is given times and weights in.
cdef int _init(ttfs_neuron *neuron, object parameters) except -1:
    cdef ttfs_status status = ttfs_neuron_init(
        neuron, parameters.tau_mem, parameters.tau_syn, parameters.threshold
    )
    if status != TTFS_OK:
        raise ValueError(ttfs_strerror(status).decode())
    return 0


def check_neuron(parameters):
    """Raise ValueError unless parameters has a valid tau_mem, tau_syn, threshold."""
    cdef ttfs_neuron neuron
    _init(&neuron, parameters)


# -- Units -------------------------------------------------------------------------
#
# The kernels are given times and weights in units that are powers of two, so chosen
# that tau_syn and the threshold (of the first layer) are in [1, 2): single precision
# is then far from its limits whatever the units outside, and no number loses a bit on
# its way in or out, so that results are the same in all units.

cdef enum:
    MAX_EXPONENT_SPREAD = 40  # between the layers of a network


def powers_of(neuron):
    """The units of a neuron's times and of its threshold: their exponents."""
    check_neuron(neuron)
    return frexp(neuron.tau_syn)[1] - 1, frexp(neuron.threshold)[1] - 1


def in_units(neuron, int time, int threshold):
    """Parameters of a neuron in units of 2^time and 2^threshold."""
    return SimpleNamespace(
        tau_mem=ldexp(neuron.tau_mem, -time),
        tau_syn=ldexp(neuron.tau_syn, -time),
        threshold=ldexp(neuron.threshold, -threshold),
    )


def shift(array, int power, str name, double limit=TTFS_TIME_LIMIT):
    """array * 2^power, or the array itself where that is the same.

    Raises ValueError where the magnitude of a finite number is not below `limit` then.
    """
    if power == 0:
        return array
    with np.errstate(over="ignore", under="ignore"):
        shifted = np.ldexp(array, power)
    if np.any((np.abs(shifted) >= limit) & np.isfinite(array)):
        raise ValueError(
            f"{name} are out of range: choose units in which tau_syn and the threshold "
            "are nearer to 1"
        )
    return shifted
