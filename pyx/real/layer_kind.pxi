# The tables of functions of layers, by the kind of their geometry.
cdef dict ADDED_KINDS = {}  # addresses of the tables of kinds from other libraries


def add_layer_kind(str name, size_t address):
    """Let layers have a kind from another library.

    Parameters
    ----------
    name : str
        The `kind` of its geometry.
    address : int
        Where its table of functions is, ttfs_layer_functions in C, built for the
        instruction set in use.
    """
    ADDED_KINDS[name] = address


cdef const ttfs_layer_functions *_kind_of(
    object layer, object delays, Py_ssize_t k
) except NULL:
    """The table of layer k; ValueError unless there is one."""
    cdef ttfs_layer_kind kind
    name = layer.geometry.kind
    if name == "full":
        if delays is None:
            kind = TTFS_FULL
        else:
            kind = TTFS_AXONAL if np.ndim(delays) == 1 else TTFS_SYNAPTIC
        return KERNELS.kinds[<int>kind]
    if name not in ADDED_KINDS:
        raise ValueError(f"layer {k} is of a kind that the core does not have: {name}")
    if delays is not None:
        raise ValueError(f"layer {k}, of kind {name}, cannot have delays")
    return <const ttfs_layer_functions *><size_t>ADDED_KINDS[name]
