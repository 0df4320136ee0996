"""include/ttfs_fixed.h, compiled: by ctypes the counterpart of `fixed_twin.Twin`, and
as a program that stands alone."""

import ctypes
import os
import pickle
import shutil
import subprocess
import sys
from ctypes import POINTER, Structure, c_int, c_int16, c_uint8, c_uint16
from pathlib import Path

import fixed_twin
import numpy as np
from fixed_twin import Plain, State

ROOT = Path(__file__).resolve().parents[2]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
if not COMPILERS and shutil.which("cc"):
    COMPILERS = ["cc"]
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-Wconversion"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

_FEEDBACKS = ("symmetric", "random", "direct", "target")


def run(command, **environment):
    # A preloaded sanitizer (.ci/sanitize) is for Python, not for the compiler.
    kept = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    return subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env=kept | environment,
        check=False,
    )


def build(folder, compiler, *flags, source="tests/c/fixed_shim.c"):
    """The shared library; raises OSError where the compiler refuses."""
    library = Path(folder) / "fixed.so"
    includes = f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}"
    command = [compiler, *FLAGS, *flags, "-shared", "-fPIC", *includes]
    built = run([*command, ROOT / source, "-o", library])
    if built.returncode:
        raise OSError(built.stdout)
    return library


class _Event(Structure):
    _fields_ = [("tick", c_uint16), ("input", c_uint16)]


class _State(Structure):
    _fields_ = [
        ("ticks", POINTER(c_uint16)),
        ("u", POINTER(c_int16)),
        ("slope", POINTER(c_int16)),
        ("error", POINTER(c_int16)),
        ("learns", c_uint8),
    ]


class _Workspace(Structure):
    _fields_ = [
        ("events", POINTER(_Event)),
        ("counts", POINTER(c_uint16)),
        ("states", POINTER(_State)),
    ]


def _layer_type(weight):
    class Layer(Structure):
        _fields_ = [
            ("n_in", c_uint16),
            ("n_bias", c_uint16),
            ("n_out", c_uint16),
            ("stride", c_uint16),
            ("bias_ticks", POINTER(c_uint16)),
            ("weights", POINTER(weight)),
            ("fraction", c_uint8),
            ("current_shift", c_uint8),
            ("threshold", c_int16),
            ("decay_mem", POINTER(c_int16)),
            ("decay_syn", POINTER(c_int16)),
            ("kappa", POINTER(c_int16)),
            ("syn_shift", c_uint8),
            ("mem_shift", c_uint8),
            ("slope_mem", c_int16),
            ("slope_syn", c_int16),
            ("slope_bounds", POINTER(c_int16)),
            ("n_fixed", c_uint16),
            ("kernel", POINTER(ctypes.c_int8)),
            ("kernel_slope", POINTER(ctypes.c_int8)),
            ("max_stored", weight),
            ("rest", c_int16),
            ("decay", c_int16),
            ("rate_shift", c_uint8),
            ("error_shift", c_uint8),
            ("feedback", POINTER(c_int16)),
            ("sums", POINTER(ctypes.c_int32)),
            ("touched", POINTER(c_uint8)),
            ("lfsr", POINTER(c_uint16)),
            ("silence", POINTER(c_uint8)),
        ]

    return Layer


def _network_type(layer):
    class Network(Structure):
        _fields_ = [
            ("n_layers", c_uint16),
            ("n_ticks", c_uint16),
            ("layers", POINTER(layer)),
            ("silent_delay", c_uint16),
            ("read_out", c_uint16),
            ("stretch", c_uint16),
            ("n_softmax", c_uint16),
            ("softmax", POINTER(c_uint16)),
            ("reciprocal", POINTER(c_uint16)),
            ("gain", c_uint16),
            ("push", c_int16),
            ("learn_from", c_uint16),
            ("learn_until", c_uint16),
            ("feedback", c_int),
            ("is_floor", c_uint8),
            ("drop", c_uint8),
            ("may_drop", POINTER(c_uint8)),
            ("lfsr", POINTER(c_uint16)),
        ]

    return Network


class Library:
    """The header, compiled.

    weight : type of stored weights, as TTFS_FIXED_WEIGHT of the build
    """

    def __init__(self, path, weight=c_int16):
        self.c = ctypes.CDLL(str(path))
        self.weight = weight
        self.layer = _layer_type(weight)
        self.network = _network_type(self.layer)
        structures = _Event, self.layer, self.network, _State, _Workspace, weight
        self.c.shim_size.restype = ctypes.c_size_t
        for which, structure in enumerate(structures):
            assert self.c.shim_size(which) == ctypes.sizeof(structure), structure

    def apply(self, name, *arrays, out):
        """An operation on arrays of equal length."""
        result = np.empty(len(arrays[0]), out)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*arrays, result)]
        getattr(self.c, f"shim_{name}")(ctypes.c_size_t(len(result)), *pointers)
        return result


def _fill(structure, name, value):
    """Set a field, or point it at an array, which is returned to be kept alive."""
    kind = dict(structure._fields_)[name]
    if not hasattr(kind, "contents"):
        setattr(structure, name, int(value))
        return None
    if value is None:
        return None
    array = np.array(value, np.dtype(kind._type_), order="C")
    setattr(structure, name, array.ctypes.data_as(kind))
    return array


class Header:
    """A network in the arithmetic of the header, with the methods of a `Twin`.

    padding : columns of weights and sums beyond those of the neurons
    """

    def __init__(self, network, library, padding=3):
        self.library = library
        self.n_ticks = network.n_ticks
        self.arrays = []  # by layer
        layers = (library.layer * len(network.layers))()
        for layer, fixed in zip(layers, network.layers, strict=True):
            n_in, n_out = np.shape(fixed.weights)
            stride = n_out + padding
            weights = np.full((n_in, stride), -1)
            weights[:, :n_out] = fixed.weights
            made = {
                "n_in": n_in,
                "n_bias": len(fixed.bias_ticks),
                "n_out": n_out,
                "stride": stride,
                "weights": weights,
                "sums": np.zeros((n_in, stride)),
                "touched": np.zeros(n_in),
            }
            arrays = {}
            for name, _ in layer._fields_:
                value = made[name] if name in made else getattr(fixed, name)
                arrays[name] = _fill(layer, name, value)
            self.arrays.append(arrays)
        made = {
            "n_layers": len(layers),
            "n_softmax": len(network.softmax),
            "feedback": _FEEDBACKS.index(network.feedback),
        }
        self.network, self.kept = library.network(), {}
        for name, _ in self.network._fields_:
            if name == "layers":
                self.network.layers = ctypes.cast(layers, POINTER(library.layer))
                self.kept[name] = layers
            else:
                value = made[name] if name in made else getattr(network, name)
                self.kept[name] = _fill(self.network, name, value)
        self._make_workspace(layers)

    def _make_workspace(self, layers):
        states = (_State * len(layers))()
        self.states = []
        for state, layer in zip(states, layers, strict=True):
            names = "ticks", "u", "slope", "error"
            columns = np.zeros(layer.n_out)
            self.states.append({name: _fill(state, name, columns) for name in names})
        max_n_in = max(layer.n_in for layer in layers)
        self.events, self.first = (_Event * max_n_in)(), (_Event * max_n_in)()
        self.kept["states"] = states
        self.work = _Workspace()
        self.work.events = ctypes.cast(self.events, POINTER(_Event))
        self.kept["counts"] = _fill(self.work, "counts", np.zeros(self.n_ticks))
        self.work.states = ctypes.cast(states, POINTER(_State))

    def _states(self, errors):
        return [
            State(
                state["ticks"].tolist(),
                state["u"].tolist(),
                state["slope"].tolist(),
                state["error"].tolist() if errors else None,
            )
            for state in self.states
        ]

    def _call(self, name, *arguments):
        work = ctypes.byref(self.work)
        return getattr(self.library.c, name)(
            ctypes.byref(self.network), *arguments, work
        )

    def infer(self, ticks):
        """The states of the layers, and the neuron that decides."""
        ticks = np.array(ticks, np.uint16)
        decision = self._call("shim_infer", ctypes.c_void_p(ticks.ctypes.data))
        return self._states(errors=False), decision

    def learn(self, batch, labels):
        """Learn from a batch, as `Twin.learn`."""
        results = []
        for ticks, label in zip(batch, labels, strict=True):
            ticks = np.array(ticks, np.uint16)
            pointer = ctypes.c_void_p(ticks.ctypes.data)
            decision = self._call("shim_accumulate", pointer, int(label), self.first)
            results.append((self._states(errors=True), decision))
        self.library.c.shim_update(ctypes.byref(self.network))
        return results

    def learn_online(self, ticks, label):
        """Learn from one sample without sums: the function for microcontrollers."""
        ticks = np.array(ticks, np.uint16)
        pointer = ctypes.c_void_p(ticks.ctypes.data)
        decision = self._call("shim_learn", pointer, int(label))
        return [(self._states(errors=True), decision)]

    def state(self):
        """What learning changes, as lists."""
        for arrays, layer in zip(self.arrays, self.kept["layers"], strict=True):
            # Padding, sums and marks are as they were.
            assert (arrays["weights"][:, layer.n_out :] == -1).all()
            assert not arrays["sums"].any()
            assert not arrays["touched"].any()
        return {
            "weights": [
                arrays["weights"][:, : layer.n_out].tolist()
                for arrays, layer in zip(self.arrays, self.kept["layers"], strict=True)
            ],
            "lfsr": [
                *(arrays["lfsr"].tolist() for arrays in self.arrays),
                self.kept["lfsr"].tolist(),
            ],
            "silence": [arrays["silence"].tolist() for arrays in self.arrays],
        }


def _numbers(rng, bits, n):
    """Integers of `bits` bits and a sign: large, small and extreme ones."""
    limit = 2**bits
    numbers = rng.integers(-limit, limit, n) >> rng.integers(0, bits, n)
    return np.where(rng.random(n) < 0.1, rng.choice([-limit, limit - 1], n), numbers)


def check_operations(rng, library, n):
    """Insist that n random operations of each kind are those of the twin.

    Returns how many there were.
    """
    values = [_numbers(rng, 15, n).astype(np.int16) for _ in range(2)]
    # Factors come from tables, which never hold -1.
    factors = [np.maximum(_numbers(rng, 15, n), -32767).astype(np.int16) for _ in "ab"]
    sums = [_numbers(rng, 31, n).astype(np.int32) for _ in range(2)]
    shifts = rng.integers(1, 32, n).astype(np.uint8)
    registers = rng.integers(1, 65536, n).astype(np.uint16)
    cases = [
        ("multiply", fixed_twin.multiply, (factors[0], values[0]), np.int16),
        (
            "mac",
            fixed_twin.mac,
            (factors[0], values[0], factors[1], values[1]),
            np.int16,
        ),
        ("add", lambda a, b: fixed_twin.sat32(a + b), sums, np.int32),
        ("round", fixed_twin.rounded, (sums[0], shifts), np.int32),
        ("step", fixed_twin.step, (registers,), np.uint16),
    ]
    for name, operation, arrays, dtype in cases:
        expected = list(map(operation, *(array.tolist() for array in arrays)))
        assert library.apply(name, *arrays, out=dtype).tolist() == expected, name
    return n * len(cases) + _check_moves(rng, library, n)


def _check_moves(rng, library, n):
    """The same for moves of weights, each by a sum."""
    done, width = 0, 50
    while done < n:
        fraction = int(rng.integers(0, 10))
        max_stored = (2 ** int(rng.integers(2, 16 - fraction)) - 1) << fraction
        layer = Plain(
            {
                "weights": [rng.integers(-max_stored, max_stored + 1, width).tolist()],
                "fraction": fraction,
                "max_stored": max_stored,
                "rest": int(_numbers(rng, 15, 1)[0]),
                "decay": int(rng.choice([0, 1, -1, 5000, 32767, -32768])),
                "rate_shift": int(rng.integers(0, 31)),
                "lfsr": rng.integers(1, 65536, width).tolist(),
            }
        )
        is_floor = bool(rng.integers(2))
        sums = _numbers(rng, 31, width).astype(np.int32)
        made, arrays = library.layer(), {}
        for name, value in vars(layer).items():
            arrays[name] = _fill(made, name, value)
        made.n_out = made.stride = width
        library.c.shim_move(
            ctypes.byref(made), int(is_floor), ctypes.c_void_p(sums.ctypes.data)
        )
        G = fixed_twin.Sums(layer)
        G.rows[0] = sums.tolist()
        fixed_twin.update(layer, G, is_floor)
        assert arrays["weights"].tolist() == layer.weights
        assert arrays["lfsr"].tolist() == layer.lfsr
        done += width
    return done


_C_TYPES = {
    c_int16: "int16_t",
    c_uint16: "uint16_t",
    c_uint8: "uint8_t",
    ctypes.c_int8: "int8_t",
    ctypes.c_int32: "int32_t",
}


def _initializer(value, kind, name, arrays):
    """C for a field; an array is added to `arrays` and named."""
    if not hasattr(kind, "contents"):
        return str(int(value))
    if value is None:
        return "0"
    ctype = _C_TYPES[kind._type_]
    numbers = np.ravel(np.array(value, np.dtype(kind._type_))).tolist()
    arrays.append(
        f"static {ctype} {name}[] = {{{', '.join(map(str, numbers or [0]))}}};"
    )
    return name


def golden_header(case):
    """golden.h for tests/c/fixed_main.c: a network that learns online."""
    network, after = case.network, case.online.after
    layer_type = _layer_type(c_int16)
    text, layers, states = [], [], []
    for k, layer in enumerate(network.layers):
        n_in, n_out = np.shape(layer.weights)
        made = {
            "n_in": n_in,
            "n_bias": len(layer.bias_ticks),
            "n_out": n_out,
            "stride": n_out,
            "sums": None,
            "touched": None,
        }
        made = [
            _initializer(
                made[name] if name in made else getattr(layer, name),
                kind,
                f"{name}_{k}",
                text,
            )
            for name, kind in layer_type._fields_
        ]
        layers.append("{" + ", ".join(made) + "}")
        names = [f"state_{k}_{name}" for name, _ in _State._fields_[:-1]]
        for name, (_, kind) in zip(names, _State._fields_, strict=False):
            text.append(f"static {_C_TYPES[kind._type_]} {name}[{n_out}];")
        states.append("{" + ", ".join([*names, "0"]) + "}")
    text += [
        f"static const ttfs_fixed_layer layers[] = {{{', '.join(layers)}}};",
        f"static ttfs_fixed_state states[] = {{{', '.join(states)}}};",
    ]
    made = {
        "n_layers": len(layers),
        "n_softmax": len(network.softmax),
        "feedback": _FEEDBACKS.index(network.feedback),
    }
    fields = [
        "layers"
        if name == "layers"
        else _initializer(
            made[name] if name in made else getattr(network, name), kind, name, text
        )
        for name, kind in _network_type(layer_type)._fields_
    ]
    text.append(f"static const ttfs_fixed_network network = {{{', '.join(fields)}}};")
    for name, kind, arrays in (
        ("weights_after", c_int16, after.weights),
        ("lfsr_after", c_uint16, after.lfsr),
        ("silence_after", c_uint8, after.silence),
    ):
        names = [
            _initializer(array, POINTER(kind), f"{name}_{k}", text)
            for k, array in enumerate(arrays)
        ]
        text.append(
            f"static const {_C_TYPES[kind]} *const {name}[] = {{{', '.join(names)}}};"
        )
    for name, array in (
        ("samples", case.samples.ticks),
        ("labels", case.samples.labels),
        ("decisions", case.online.decision),
    ):
        _initializer(array, POINTER(c_uint16), name, text)
    max_n_in = max(len(layer.weights) for layer in network.layers)
    n_samples, n_channels = np.shape(case.samples.ticks)
    text += [
        f"static ttfs_fixed_event events[{max_n_in}];",
        f"static uint16_t counts[{network.n_ticks}];",
        "static const ttfs_fixed_workspace work = {events, counts, states};",
        f"enum {{ N_SAMPLES = {n_samples}, N_CHANNELS = {n_channels} }};",
    ]
    return "\n".join(text) + "\n"


def build_program(folder, compiler, case, *flags):
    """tests/c/fixed_main.c for a golden case."""
    (Path(folder) / "golden.h").write_text(golden_header(case))
    program = Path(folder) / "golden"
    includes = [
        f"-I{path}" for path in (folder, ROOT / "include", ROOT / "tests/c/bare")
    ]
    source = ROOT / "tests/c/fixed_main.c"
    built = run([compiler, *FLAGS, *flags, *includes, source, "-o", program])
    if built.returncode:
        raise OSError(built.stdout)
    return program


def main(path, lessons):
    """Replay pickled lessons with a library."""
    library = Library(path)
    lessons = pickle.loads(Path(lessons).read_bytes())
    for lesson in lessons:
        lesson.replay(Header(lesson.network, library))
    check_operations(np.random.default_rng(0), library, 2000)
    print(f"{len(lessons)} networks agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
