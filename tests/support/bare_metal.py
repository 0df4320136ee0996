"""Programs for machines without an operating system, built and run in emulators.

tests/c/bare has the program, what it needs of each machine, and adapters of models.
Tests and benchmarks/microcontroller.py run it.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import numpy as np

FIRMWARE = Path(__file__).parents[1] / "c/bare"
TTFS = FIRMWARE / "ttfs_adapter.h"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")


class BuildError(Exception):
    """The compiler or the linker refuses; the message is theirs."""


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
    max_bytes : int
        The size that constant data of the program may have.
    """

    title: str
    compiler: str
    flags: tuple = ()
    emulator: tuple = ()
    start: str = ""
    max_bytes: int = 2**21

    def missing(self):
        """Names of the programs that are not installed."""
        programs = [f"{self.compiler}gcc", *self.emulator[:1]]
        return [name for name in programs if which(name) is None]


_QEMU = ("-nographic", "-monitor", "none")
_ARM = (
    *_QEMU,
    *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
)
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
        (
            *("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
            *_CORTEX_M,
        ),
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
        "AVR",
        "avr-",
        ("-mmcu=atmega2560",),
        ("simavr", "-m", "atmega2560", "-f", "16000000"),
        max_bytes=40_000,
    ),
    "atmega328": Machine(
        "ATmega328",
        "avr-",
        ("-mmcu=atmega328p",),
        ("simavr", "-m", "atmega328p", "-f", "16000000"),
        max_bytes=20_000,
    ),
}
BARE = ("m0+", "m4f", "rv32", "avr")


@dataclass
class Output:
    """What a program has written.

    Parameters
    ----------
    rows : list of list of int
        A line for each sample, and those of the end.
    stack : int
        Bytes of stack that the model needed; 0 on this computer.
    cycles : int
        Cycles of all samples, where the machine counts them; else 0.
    """

    rows: list
    stack: int = 0
    cycles: int = 0


def build(machine, program, adapter, *flags, opt="-Os", **macros):
    """Build the firmware.

    Parameters
    ----------
    machine : Machine
    program : path
        The file that is made.
    adapter : path
        Header of the model, see firmware.c.
    *flags : str
        More flags of the compiler.
    opt : str
        How the compiler optimises.
    **macros
        Their values: a path becomes the name of a header, True a macro without a value,
        and False none.

    Raises
    ------
    BuildError
    """
    command = [f"{machine.compiler}gcc", *machine.flags, opt, "-std=gnu99"]
    command += ["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", *flags]
    for name, value in {"ADAPTER": Path(adapter), **macros}.items():
        if isinstance(value, Path):
            command.append(f'-D{name}="{value.resolve()}"')
        elif value is not False:
            command.append(f"-D{name}" if value is True else f"-D{name}={value}")
    if machine.start:
        command += ["-T", FIRMWARE / f"{machine.start}.ld"]
        command.append(FIRMWARE / f"{machine.start}.c")
    command += [FIRMWARE / "firmware.c", "-o", program, "-lm"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise BuildError(done.stderr)


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
    output = Output([])
    for line in text.splitlines():
        words = line.replace(".", " ").split()
        if len(words) == 2 and words[0] in ("stack", "cycles"):
            setattr(output, words[0], int(words[1]))
        elif words and all(re.fullmatch(r"-?\d+", word) for word in words):
            output.rows.append(list(map(int, words)))
    if machine.emulator and not output.stack:
        raise RuntimeError(f"{program} does not end: {text[-500:]}")
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


# -- Random samples, as firmware.c makes them ---------------------------------------


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
