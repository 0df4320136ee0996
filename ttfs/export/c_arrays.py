"""A network in integers, and the memory to work in, as arrays and structures of C."""

import re
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
_QUARTER = 2**14  # of the range of a current


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
        return self._named(name, n * n_bytes)

    def records(self, name, c_type, rows, n_bytes):
        """Define an array of structures of integers, a row for each; return its name.

        `n_bytes` is the size of one.
        """
        self.lines.append(f"static {c_type} PREFIX_{name}[{len(rows)}] = {{")
        self.lines += [f"    {{{', '.join(map(str, row))}}}," for row in rows]
        self.lines.append("};")
        return self._named(name, n_bytes * len(rows))

    def define(self, name, array, c_type):
        """Define an array with its contents; return its name."""
        begin = f"static {c_type} PREFIX_{name}[{array.size}] = {{"
        self._contents(begin, array, "};")
        return self._named(name, array.nbytes)

    def constant_words(self, name, array):
        """Define a constant array that begins at a word; return its name."""
        union = _words(_C_TYPES[array.dtype], array.size)
        begin = f"static const TTFS_DEVICE_FLASH {union} PREFIX_{name} = {{{{"
        self._contents(begin, array, "}};")
        return f"{self._named(name, array.nbytes)}.values"

    def buffer_words(self, name, n):
        """Define a buffer of int16_t that begins at a word; return its name."""
        self.lines.append(f"static {_words('int16_t', n)} PREFIX_{name};")
        return f"{self._named(name, 2 * n)}.values"

    def _named(self, name, n_bytes):
        """Note the size of an array; return its name."""
        self.n_bytes[name] = n_bytes
        return f"PREFIX_{name}"

    def _contents(self, begin, array, end):
        self.lines += filled(begin, "", "    ")
        for row in np.atleast_2d(array):
            self.lines += filled(", ".join(map(str, row.tolist())) + ",", "    ")
        self.lines.append(end)


def _words(c_type, n):
    """The type of an array of n elements that begins at a word."""
    return f"union {{ {c_type} values[{n}]; uint32_t word; }}"


def bytes_by_kind(n_bytes):
    """Sizes of arrays by their names without the number of a layer, added up."""
    kinds = {}
    for name, size in n_bytes.items():
        kind = re.sub(r"_\d+$", "", name)
        kinds[kind] = kinds.get(kind, 0) + size
    return kinds


def struct(fields, indent):
    """A structure with named members in C, whose lines are indented."""
    pad = " " * indent
    inner = "".join(f"{pad}    .{name} = {value},\n" for name, value in fields.items())
    return f"{{\n{inner}{pad}}}"


def attributes(x, names):
    """Attributes of an object by their names, which a string holds."""
    return {name: getattr(x, name) for name in names.split()}


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
    """The types and numbers that the headers leave to a model: macros by name."""
    layers = network.layers
    weight = _C_TYPES[weight_type(network, learn=learn)]
    has_words = sums_words(network, learn=learn)
    sizes = [layer.n_in * row_stride(layer, has_words=has_words) for layer in layers]
    macros = {
        "TTFS_FIXED_WEIGHT": weight if learn else f"const TTFS_DEVICE_FLASH {weight}",
        "TTFS_DEVICE_ROW": "uint32_t" if max(sizes) >= _MAX_ROWS else "uint16_t",
    }
    for name in ("fraction", "syn_shift", "mem_shift"):
        values = {getattr(layer, name) for layer in layers}
        if len(values) == 1 and (network.has_shifts or name == "fraction"):
            macros[f"TTFS_DEVICE_{name.upper()}(layer)"] = str(*values)
    if has_words:
        macros["TTFS_DEVICE_WORDS"] = "1"
    return macros


def _greatest(layer, *, learn):
    """The magnitude of the greatest weight, now or ever."""
    if learn:
        return layer.max_stored >> layer.fraction
    return int(np.abs(layer.integers()).max(initial=0))


def _burst(layer):
    """So many input spikes move a current by 2^14 at most, up to 255."""
    return min(
        255, _QUARTER // (max(1, _greatest(layer, learn=False)) << layer.current_shift)
    )


def sums_words(network, *, learn):
    """Whether weights are summed four at once: include/ttfs_device_shift.h."""
    return (
        network.has_shifts
        and not learn
        and weight_type(network, learn=False) == np.int8
        and all(layer.fraction == 0 and _burst(layer) > 0 for layer in network.layers)
    )


def row_stride(layer, *, has_words):
    """The distance of rows of weights: full words, if these are summed."""
    return -(-layer.n_out // 4) * 4 if has_words else layer.n_out


def _bound(layer, *, learn):
    """What ttfs_device_bound says of a layer."""
    bound = {"max_weight": _greatest(layer, learn=learn)}
    if layer.syn_shift:
        return {"burst": _burst(layer)} | bound
    top = int(np.argmax(layer.kappa))
    rise, fall = np.diff(layer.kappa[: top + 1]), np.diff(layer.kappa[top:])
    if (rise < 0).any() or (fall > 0).any() or (np.diff(layer.decay_mem) > 0).any():
        raise ValueError("kappa must have one peak, and decay_mem must fall")
    return {"kappa_peak": top} | bound


def count_shift(n_ticks, n_channels):
    """Ticks are counted in ranges of 2^shift, at most as many as channels."""
    shift = 0
    while (n_ticks - 1 >> shift) + 1 > max(4, n_channels):
        shift += 1
    return shift


def model_number(network):
    """A number of 32 bits that networks share between which weights may go."""
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

    Returned are the size of each array by its name, in bytes, and the definitions of
    all arrays and structures, whose names begin with "PREFIX_".
    """
    arrays = Arrays()
    dtype = weight_type(network, learn=learn)
    is_wide = settings(network, learn=learn)["TTFS_DEVICE_ROW"] == "uint32_t"
    event_bytes = 8 if is_wide else 4
    has_words = sums_words(network, learn=learn)
    layers, states, lines, parts = [], [], [], []
    for k, layer in enumerate(network.layers):
        n_in, n_out = layer.n_in, layer.n_out
        arrays.lines.append(f"\n/* Layer {k}: {n_in} inputs, {n_out} neurons */\n")
        stride = row_stride(layer, has_words=has_words)
        rows = np.pad(layer.weights.astype(dtype), ((0, 0), (0, stride - n_out)))
        if has_words:
            weights = arrays.constant_words(f"weights_{k}", rows)
        else:
            weights = arrays.define(f"weights_{k}", rows, "ttfs_fixed_weight")

        def table(name, k=k, layer=layer):
            return arrays.constant(f"{name}_{k}", getattr(layer, name))

        fields = {
            **attributes(layer, "n_in n_bias n_out"),
            "stride": stride,
            "bias_ticks": table("bias_ticks"),
            "weights": weights,
            **attributes(layer, "fraction current_shift threshold"),
        }
        if layer.syn_shift:
            fields |= attributes(layer, "syn_shift mem_shift")
        else:
            tables = "decay_mem", "decay_syn", "kappa"
            fields |= {name: table(name) for name in tables}
        is_output = k == len(network.layers) - 1
        state = {}
        if learn or is_output:
            state["ticks"] = arrays.buffer("uint16_t", f"ticks_{k}", n_out)
        if is_output:
            state["u"] = arrays.buffer("int16_t", f"u_{k}", n_out)
        events = arrays.buffer("ttfs_device_event", f"events_{k}", n_in, event_bytes)
        if layer.syn_shift:
            neurons = {"u": arrays.buffer_words(f"neurons_{k}", 2 * stride)}
        else:
            name = f"neurons_{k}"
            neurons = {"neurons": arrays.buffer("ttfs_device_neuron", name, n_out, 6)}
        lines.append({"events": events, **neurons, "stride": stride})
        if learn:
            fields |= {
                **attributes(layer, "slope_mem slope_syn"),
                "slope_bounds": table("slope_bounds"),
                "n_fixed": layer.n_fixed,
                "kernel": table("kernel"),
                "kernel_slope": table("kernel_slope"),
                **attributes(layer, "max_stored rest decay rate_shift error_shift"),
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
        **attributes(network, "silent_delay read_out stretch"),
    }
    if learn:
        lfsr = arrays.variable("lfsr", network.lfsr)
        parts.append(lfsr)
        fields |= {
            "n_softmax": len(network.softmax),
            "softmax": arrays.constant("softmax_table", network.softmax),
            "reciprocal": arrays.constant("reciprocal", network.reciprocal),
            **attributes(network, "gain push learn_from learn_until"),
            "feedback": f"TTFS_FIXED_{network.feedback.upper()}",
            "is_floor": int(network.is_floor),
            "drop": network.drop,
            "may_drop": arrays.constant("may_drop", network.may_drop),
            "lfsr": lfsr,
        }
    n_channels = network.n_channels
    shift = count_shift(network.n_ticks, n_channels)
    # Counts of ranges of ticks, or a bit for each channel.
    n_counts = max((network.n_ticks - 1 >> shift) + 1, -(-n_channels // 16))
    work = {
        "network": "&PREFIX_net",
        "bounds": "PREFIX_bounds",
        "lines": "PREFIX_lines",
        "states": "PREFIX_states",
        "counts": arrays.buffer("uint16_t", "counts", n_counts),
        "count_shift": shift,
    }
    bounds = [_bound(layer, learn=learn) for layer in network.layers]
    code = [
        "\n".join(arrays.lines) + "\n\n",
        _structs("const ttfs_fixed_layer", "layers", layers),
        f"static const ttfs_fixed_network PREFIX_net = {struct(fields, 0)};\n\n",
        _structs("const ttfs_device_bound", "bounds", bounds),
        _structs("ttfs_device_line", "lines", lines),
        _structs("ttfs_fixed_state", "states", states),
        f"static const ttfs_device_machine PREFIX_work = {struct(work, 0)};\n",
    ]
    if learn:
        rows = [{"data": part, "n_bytes": f"sizeof {part}"} for part in parts]
        code.append(_structs("const ttfs_device_part", "parts", rows))
    return arrays.n_bytes, "".join(code)
