"""Programs for machines without an operating system, built and run in emulators.

tests/c/bare has the program, what it needs of each machine, and adapters of models.
Tests and benchmarks/microcontroller.py run it.
"""

import re
import subprocess
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shutil import which

import fixed_networks
import numpy as np
import pytest

from ttfs.export.model import read_learner, read_model

FIRMWARE = Path(__file__).parents[1] / "c/bare"
MAIN = FIRMWARE / "firmware.c"
TTFS = FIRMWARE / "ttfs_adapter.h"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


_TOO_LARGE = "not within region|overflowed by|size of array"


class BuildError(Exception):
    """The compiler or the linker refuses; the message is theirs."""


class NoRoomError(BuildError):
    """The program is too large for the machine."""


@dataclass(frozen=True)
class Machine:
    """A processor, the compiler for it, and an emulator.

    Parameters
    ----------
    title : str
        Name in tables.
    compiler : str
        Prefix of the names of the tools, in front of "gcc" and "size".
    flags : tuple of str
        Of the compiler, for this processor.
    emulator : tuple of str
        Command; the program follows.
    start : str
        What the program starts with, a file of FIRMWARE; empty on machines for which
        the compiler has it.
    max_samples : int
        Bytes that samples may have in the program; 0 for any number.
    """

    title: str
    compiler: str
    flags: tuple = ()
    emulator: tuple = ()
    start: str = ""
    max_samples: int = 0

    @property
    def is_qemu(self):
        """Whether the emulator takes plugins."""
        return any("qemu" in name for name in self.emulator[:1])

    def missing(self):
        """Names of the programs that are not installed."""
        programs = [f"{self.compiler}gcc", *self.emulator[:1]]
        return [name for name in programs if which(name) is None]


_QEMU = ("-nographic", "-monitor", "none")
_ARM = (*_QEMU, *("-serial", "none", "-semihosting-config", "enable=on,target=native"))
_CORTEX_M = ("-mthumb", "--specs=nano.specs", "-nostartfiles")
MACHINES = {
    "host": Machine("this computer", ""),
    "m0+": Machine(
        "Cortex-M0+",
        "arm-none-eabi-",
        ("-mcpu=cortex-m0plus", *_CORTEX_M),
        ("qemu-system-arm", "-M", "mps2-an385", *_ARM, "-kernel"),
        "cortex_m",
    ),
    "m4f": Machine(
        "Cortex-M4F",
        "arm-none-eabi-",
        (*("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"), *_CORTEX_M),
        ("qemu-system-arm", "-M", "mps2-an386", *_ARM, "-kernel"),
        "cortex_m",
    ),
    "rv32": Machine(
        "RV32IMC",
        "riscv64-unknown-elf-",
        (
            *("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
            *("-nostartfiles", "-msmall-data-limit=8"),
        ),
        (
            *("qemu-system-riscv32", "-M", "virt", "-bios", "none", *_QEMU),
            *("-serial", "stdio", "-kernel"),
        ),
        "riscv",
    ),
    "avr": Machine(
        "ATmega1284",
        "avr-",
        ("-mmcu=atmega1284p",),
        ("simavr", "-m", "atmega1284p", "-f", "16000000"),
        max_samples=12_000,
    ),
    "atmega328": Machine(
        "ATmega328",
        "avr-",
        ("-mmcu=atmega328p",),
        ("simavr", "-m", "atmega328p", "-f", "16000000"),
        max_samples=4_000,
    ),
}


def _parameter(name):
    missing = MACHINES[name].missing()
    reason = f"needs {' and '.join(missing)}"
    # Emulators are slow, and other compilers get the same C.
    marks = pytest.mark.slow, pytest.mark.skipif(bool(missing), reason=reason)
    return pytest.param(name, marks=marks)


every_machine = pytest.mark.parametrize(
    "machine", [_parameter(name) for name in ("m0+", "m4f", "rv32", "avr")]
)


@dataclass
class Output:
    """What a program has written.

    Parameters
    ----------
    rows : list of list of int
        The lines of numbers: one for each sample, and those of the end.
    text : str
        All of it.
    stack : int or None
        Bytes of stack that the model needed; None on this computer.
    cycles : int
        Cycles of all samples, where the machine counts them; else 0.
    """

    rows: list
    text: str
    stack: int | None = None
    cycles: int = 0


def build(machine, program, *flags, opt="-Os", source=MAIN, **macros):
    """Build a program, by default firmware.c.

    Parameters
    ----------
    machine : Machine
    program : path
        The file that is made.
    *flags : str
        More flags of the compiler.
    opt : str
        How the compiler optimises.
    source : path
        The program.
    **macros
        Their values, ADAPTER and others for firmware.c: a path becomes the name of a
        header, True a macro without a value, and False none.

    Raises
    ------
    BuildError, NoRoomError
    """
    command = [f"{machine.compiler}gcc", *machine.flags, opt, "-std=gnu99"]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", *flags]
    for name, value in macros.items():
        if isinstance(value, Path):
            command.append(f'-D{name}="{value.resolve()}"')
        elif value is not False:
            command.append(f"-D{name}" if value is True else f"-D{name}={value}")
    if machine.start:
        command += ["-T", FIRMWARE / f"{machine.start}.ld"]
        command.append(FIRMWARE / f"{machine.start}.c")
    command += [source, "-o", program, "-lm"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        message = "\n".join(line[:200] for line in errors or [done.stderr[-500:]])
        is_large = re.search(_TOO_LARGE, done.stderr)
        raise (NoRoomError if is_large else BuildError)(message)


def run(machine, program, *flags, timeout=600):
    """Run a program and read what it writes.

    Parameters
    ----------
    machine : Machine
    program : path
    *flags : str
        More flags of the emulator.
    timeout : float
        Seconds.

    Returns
    -------
    output : Output
    """
    done = subprocess.run(
        [*machine.emulator, str(program), *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=True,
    )
    # simavr writes colours, and a dot for the end of a line.
    text = re.sub(r"\x1b\[[\d;]*m", "", done.stdout.decode(errors="replace"))
    output = Output([], text)
    for line in text.splitlines():
        words = line.replace(".", " ").split()
        if len(words) == 2 and words[0] in ("stack", "cycles"):
            setattr(output, words[0], int(words[1]))
        elif words and all(re.fullmatch(r"-?\d+", word) for word in words):
            output.rows.append(list(map(int, words)))
    return output


def sizes(machine, program):
    """Bytes of flash, and of static memory, of a program."""
    listed = subprocess.run(
        [f"{machine.compiler}size", "-A", str(program)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = dict(re.findall(r"^\.(\S+)\s+(\d+)", listed, re.MULTILINE))
    section = {name: int(n) for name, n in found.items()}

    def total(*names):
        return sum(section.get(name, 0) for name in names)

    data = total("data", "sdata")
    return total("text", "rodata", "ARM.exidx") + data, data + total("bss", "sbss")


def c_array(name, array, c_type, qualifier="static const"):
    """Definition of an array in C."""
    array = np.asarray(array)
    values = ",".join(map(str, array.ravel().tolist()))
    return f"{qualifier} {c_type} {name}[{array.size}] = {{{values}}};\n"


def samples_header(path, samples, labels, c_type="input_t"):
    """Write samples for firmware.c; returns the path."""
    qualifier = "static const MACHINE_FLASH"
    path.write_text(
        c_array("samples", samples, c_type, qualifier)
        + c_array("labels", labels, "uint8_t", qualifier)
    )
    return path


def input_header(path, array):
    """Write what a program of input.h reads, an array; returns the path."""
    values = np.frombuffer(array.tobytes(), np.uint8)
    qualifier = "static const MACHINE_FLASH"
    path.write_text(c_array("input_bytes", values, "uint8_t", qualifier))
    return path


# -- Samples and what a model of ttfs makes of them -----------------------------------


def _scramble(n):
    n = (n + 1) * np.uint32(0x9E3779B1)
    n ^= n >> 15
    n *= np.uint32(0x85EBCA77)
    n ^= n >> 13
    n *= np.uint32(0xC2B2AE3D)
    return n >> 16


def random_samples(n_samples, n_inputs, n_ticks, n_classes):
    """The random samples of firmware.c: ticks (n_samples, n_inputs), and labels."""
    first = np.arange(n_samples, dtype=np.uint32)[:, None] * np.uint32(n_inputs + 2)
    kind, label = _scramble(first), _scramble(first + 1)
    x = _scramble(first + 2 + np.arange(n_inputs, dtype=np.uint32))
    ticks = x * (np.uint32(n_ticks + 20) >> (kind & 3)) >> 16
    is_absent = (x & 15) < (kind >> 4 & 15)
    labels = label[:, 0].astype(np.intp) * n_classes >> 16
    return np.where(is_absent, n_ticks, ticks).astype(np.uint16), labels


def answers(ticks, u, decisions):
    """Rows of the firmware: the decision, tick and membrane of the output of it.

    Parameters
    ----------
    ticks, u : list of ndarray of shape (n_samples, n_neurons)
        Of each layer.
    decisions : ndarray of shape (n_samples,)
    """
    rows = np.arange(len(decisions))
    columns = decisions, ticks[-1][rows, decisions], u[-1][rows, decisions]
    return np.column_stack([column.astype(int) for column in columns]).tolist()


def random_case(clf, n, *, learns):
    """Random samples of the firmware, and what a classifier makes of them.

    Parameters
    ----------
    clf : TTFSClassifier
        In integers.
    n : int
        Number of samples.
    learns : bool
        Whether the samples are learned.

    Returns
    -------
    ticks : ndarray of shape (n, n_channels)
    labels : ndarray of shape (n,)
        Numbers of classes.
    expected : callable
        expected(n) is what the firmware writes for the first n samples: rows, or with
        `learns` the numbers at the end.
    """
    model = read_model(clf)
    network = read_learner(clf) if learns else model.network
    ticks, labels = random_samples(
        n, model.code.n_channels, network.n_ticks, len(model.classes)
    )

    def expected(n):
        core = fixed_networks.Core(network)
        if not learns:
            return answers(*core.infer(ticks[:n].tolist()))
        for sample, label in zip(ticks[:n].tolist(), labels[:n], strict=True):
            core.learn([sample], [label])
        state = core.state()
        numbers = []
        for k, weights in enumerate(state["weights"]):
            numbers += chain(*weights, state["lfsr"][k], state["silence"][k])
        return numbers + state["lfsr"][-1]

    return ticks, labels, expected
