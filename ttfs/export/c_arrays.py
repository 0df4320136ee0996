"""A network in integers, and the memory to work in, as arrays and structures of C."""

import zlib

import numpy as np

from .c_text import filled

_C_TYPES = {
    np.dtype(name): f"{name}_t" for name in ("int8", "int16", "uint8", "uint16")
}
# Constants in flash memory, as include/ttfs_fixed.h names their types.
_CONSTANTS = {
    np.dtype("int8"): "ttfs_fixed_const8",
    np.dtype("uint8"): "ttfs_fixed_constu8",
    np.dtype("int16"): "ttfs_fixed_const16",
    np.dtype("uint16"): "ttfs_fixed_constu16",
}
_MAX_ROWS = 2**16  # offsets of rows that uint16_t holds


class Arrays:
    """Definitions of static arrays in C; equal constant arrays are written once.

    The definitions are `lines`; `n_bytes` holds the size of each array by its name,
    which in C has "PREFIX_" before it.
    """

    def __init__(self):
        self.lines, self.n_bytes, self._known = [], {}, {}

    def constant(self, name, array):
        """Define a constant array unless it is empty, or there is one like it.

        Returns its name, or that of no array.
        """
        if array.size == 0:
            return "0"
        key = array.dtype, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self.define(name, array, _CONSTANTS[array.dtype])
        return self._known[key]

    def variable(self, name, array):
        """Define an array that changes; return its name."""
        return self.define(name, array, _C_TYPES[array.dtype])

    def buffer(self, c_type, name, n, n_bytes=2):
        """Define an array without contents, of elements of 2 bytes; return its name."""
        self.lines.append(f"static {c_type} PREFIX_{name}[{n}];")
        self.n_bytes[name] = n * n_bytes
        return f"PREFIX_{name}"

    def records(self, name, c_type, rows, n_bytes):
        """Define an array of structures of integers, a row for each; return its name.

        `n_bytes` is the size of one.
        """
        self.lines.append(f"static {c_type} PREFIX_{name}[{len(rows)}] = {{")
        self.lines += [f"    {{{', '.join(map(str, row))}}}," for row in rows]
        self.lines.append("};")
        self.n_bytes[name] = n_bytes * len(rows)
        return f"PREFIX_{name}"

    def define(self, name, array, c_type):
        """Define an array with its contents; return its name."""
        self.lines.append(f"static {c_type} PREFIX_{name}[{array.size}] = {{")
        for row in np.atleast_2d(array):
            self.lines += filled(", ".join(map(str, row.tolist())) + ",", "    ")
        self.lines.append("};")
        self.n_bytes[name] = array.nbytes
        return f"PREFIX_{name}"


def struct(fields, indent):
    """A structure with named members in C, whose lines are indented."""
    pad = " " * indent
    inner = "".join(f"{pad}    .{name} = {value},\n" for name, value in fields.items())
    return f"{{\n{inner}{pad}}}"


def _structs(kind, name, items):
    inner = "".join(f"    {struct(item, 4)},\n" for item in items)
    return f"static {kind} PREFIX_{name}[{len(items)}] = {{\n{inner}}};\n"


def weight_type(network, *, learn):
    """The smallest type that holds the weights, and all they become with `learn`."""
    greatest = max(
        layer.max_stored if learn else int(np.abs(layer.weights).max(initial=0))
        for layer in network.layers
    )
    return np.dtype(np.int8 if greatest <= 127 else np.int16)


def settings(network, *, learn):
    """The types and numbers that the headers leave to a model, as macros.

    Parameters
    ----------
    network : FixedNetwork
        The integers.
    learn : bool
        Whether the network learns.

    Returns
    -------
    macros : dict of str to str
        What they stand for, by name.
    """
    (fraction,) = {layer.fraction for layer in network.layers}
    weight = _C_TYPES[weight_type(network, learn=learn)]
    is_wide = max(layer.weights.size for layer in network.layers) >= _MAX_ROWS
    return {
        "TTFS_FIXED_WEIGHT": weight if learn else f"const TTFS_DEVICE_FLASH {weight}",
        "TTFS_DEVICE_ROW": "uint32_t" if is_wide else "uint16_t",
        "TTFS_DEVICE_FRACTION(layer)": str(fraction),
    }


def _bound(layer, *, learn):
    """What ttfs_device_bound says of a layer."""
    top = int(np.argmax(layer.kappa))
    rise, fall = np.diff(layer.kappa[: top + 1]), np.diff(layer.kappa[top:])
    if (rise < 0).any() or (fall > 0).any() or (np.diff(layer.decay_mem) > 0).any():
        raise ValueError("kappa must have one peak, and decay_mem must fall")
    greatest = (
        layer.max_stored >> layer.fraction
        if learn
        else int(np.abs(layer.integers()).max(initial=0))
    )
    return {"kappa_peak": top, "max_weight": greatest}


def _count_shift(n_ticks, n_channels):
    """Ticks are counted in ranges of 2^shift, a quarter as many as channels."""
    shift = 0
    while (n_ticks - 1 >> shift) + 1 > max(4, n_channels // 4):
        shift += 1
    return shift


def model_number(network):
    """A number of 32 bits that networks share between which weights may go.

    Parameters
    ----------
    network : FixedNetwork
        The integers.

    Returns
    -------
    number : int
    """
    number = 0
    changing = "weights", "lfsr", "silence", "layers"
    for part in (network, *network.layers):
        for name, value in sorted(vars(part).items()):
            if name == "weights":
                value = value.shape
            elif name in changing:
                continue
            if isinstance(value, np.ndarray):
                value = value.dtype.str, value.tolist()
            number = zlib.crc32(repr((name, value)).encode(), number)
    return number


def model_code(network, *, learn):
    """A network and the memory to work in as C.

    Parameters
    ----------
    network : FixedNetwork
        The integers.
    learn : bool
        Whether the network learns.

    Returns
    -------
    n_bytes : dict of str to int
        The size of each array, by its name.
    code : str
        Definitions of all arrays and structures, whose names begin with "PREFIX_".
    """
    arrays = Arrays()
    dtype = weight_type(network, learn=learn)
    is_wide = settings(network, learn=learn)["TTFS_DEVICE_ROW"] == "uint32_t"
    event_bytes = 8 if is_wide else 4
    layers, states, lines, parts = [], [], [], []
    for k, layer in enumerate(network.layers):
        n_in, n_out = layer.weights.shape
        arrays.lines.append(f"\n/* Layer {k}: {n_in} inputs, {n_out} neurons */\n")
        weights = arrays.define(
            f"weights_{k}", layer.weights.astype(dtype), "ttfs_fixed_weight"
        )

        def table(name, k=k, layer=layer):
            return arrays.constant(f"{name}_{k}", getattr(layer, name))

        fields = {
            "n_in": n_in,
            "n_bias": len(layer.bias_ticks),
            "n_out": n_out,
            "stride": n_out,
            "bias_ticks": table("bias_ticks"),
            "weights": weights,
            "fraction": layer.fraction,
            "current_shift": layer.current_shift,
            "threshold": layer.threshold,
            "decay_mem": table("decay_mem"),
            "decay_syn": table("decay_syn"),
            "kappa": table("kappa"),
        }
        is_output = k == len(network.layers) - 1
        state = {}
        if learn or is_output:
            state["ticks"] = arrays.buffer("uint16_t", f"ticks_{k}", n_out)
        if is_output:
            state["u"] = arrays.buffer("int16_t", f"u_{k}", n_out)
        events = arrays.buffer("ttfs_device_event", f"events_{k}", n_in, event_bytes)
        neurons = arrays.buffer("ttfs_device_neuron", f"neurons_{k}", n_out, 6)
        lines.append({"events": events, "neurons": neurons, "stride": n_out})
        if learn:
            fields |= {
                "slope_mem": layer.slope_mem,
                "slope_syn": layer.slope_syn,
                "slope_bounds": table("slope_bounds"),
                "n_fixed": layer.n_fixed,
                "kernel": table("kernel"),
                "kernel_slope": table("kernel_slope"),
                "max_stored": layer.max_stored,
                "rest": layer.rest,
                "decay": layer.decay,
                "rate_shift": layer.rate_shift,
                "error_shift": layer.error_shift,
            }
            if layer.feedback is not None:
                fields["feedback"] = table("feedback")
            kept = {
                "lfsr": arrays.variable(f"lfsr_{k}", layer.lfsr),
                "silence": arrays.variable(f"silence_{k}", layer.silence),
            }
            fields |= kept
            parts += [weights, *kept.values()]
            state["slope"] = arrays.buffer("int16_t", f"slope_{k}", n_out)
            state["error"] = arrays.buffer("int16_t", f"error_{k}", n_out)
        layers.append(fields)
        states.append(state or {"ticks": 0})
    lines.append({"events": 0})

    arrays.lines.append("\n/* The network */\n")
    fields = {
        "n_layers": len(layers),
        "n_ticks": network.n_ticks,
        "layers": "PREFIX_layers",
        "silent_delay": network.silent_delay,
        "read_out": network.read_out,
        "stretch": network.stretch,
    }
    if learn:
        lfsr = arrays.variable("lfsr", network.lfsr)
        parts.append(lfsr)
        fields |= {
            "n_softmax": len(network.softmax),
            "softmax": arrays.constant("softmax_table", network.softmax),
            "reciprocal": arrays.constant("reciprocal", network.reciprocal),
            "gain": network.gain,
            "push": network.push,
            "feedback": f"TTFS_FIXED_{network.feedback.upper()}",
            "is_floor": int(network.is_floor),
            "drop": network.drop,
            "may_drop": arrays.constant("may_drop", network.may_drop),
            "lfsr": lfsr,
        }
    first = network.layers[0]
    n_channels = len(first.weights) - len(first.bias_ticks)
    shift = _count_shift(network.n_ticks, n_channels)
    work = {
        "network": "&PREFIX_net",
        "bounds": "PREFIX_bounds",
        "lines": "PREFIX_lines",
        "states": "PREFIX_states",
        "counts": arrays.buffer(
            "uint16_t", "counts", (network.n_ticks - 1 >> shift) + 1
        ),
        "count_shift": shift,
    }
    code = [
        "\n".join(arrays.lines) + "\n\n",
        _structs("const ttfs_fixed_layer", "layers", layers),
        f"static const ttfs_fixed_network PREFIX_net = {struct(fields, 0)};\n\n",
        _structs(
            "const ttfs_device_bound",
            "bounds",
            [_bound(layer, learn=learn) for layer in network.layers],
        ),
        _structs("ttfs_device_line", "lines", lines),
        _structs("ttfs_fixed_state", "states", states),
        f"static const ttfs_device_machine PREFIX_work = {struct(work, 0)};\n",
    ]
    if learn:
        code.append(
            _structs(
                "const ttfs_device_part",
                "parts",
                [{"data": part, "n_bytes": f"sizeof {part}"} for part in parts],
            )
        )
    return arrays.n_bytes, "".join(code)
