"""What microcontroller.py measures of a program on a machine."""

import subprocess
from pathlib import Path
from shutil import which

import numpy as np
from _mcu_program import bare_metal
from bare_metal import MACHINES

C = Path(__file__).with_name("microcontroller")


class Bench:
    """Builds programs in a folder, runs and measures them.

    Parameters
    ----------
    folder : Path
        For files of a moment.
    """

    def __init__(self, folder):
        self.folder = folder
        self.machines = {
            name: machine for name, machine in MACHINES.items() if self._has(machine)
        }
        self._counter = self._build_counter()
        self._frames = {}  # sizes of programs without a model

    @staticmethod
    def _has(machine):
        missing = machine.missing()
        if missing:
            print(f"SKIPPED: {machine.title}, for lack of {' and '.join(missing)}")
        return not missing

    def _build_counter(self):
        """The plugin of QEMU, or None if this computer cannot build it."""
        if which("gcc") is None:
            print("SKIPPED: counts of instructions, for lack of gcc")
            return None
        library = self.folder / "counter.so"
        command = ["gcc", "-O2", "-shared", "-fPIC", C / "counter.c", "-o", library]
        subprocess.run(list(map(str, command)), check=True)
        return library

    def _frame(self, machine, opt):
        """Sizes of a program without a model."""
        key = machine.title, opt
        if key not in self._frames:
            program = self.folder / "frame"
            macros = {"ADAPTER": C / "nothing.h", "SIZE_ONLY": True}
            bare_metal.build(machine, program, opt=opt, **macros)
            self._frames[key] = bare_metal.sizes(machine, program)
        return self._frames[key]

    def measure(self, program, name, opt):
        """Figures of a call of a model on a machine.

        Parameters
        ----------
        program : Program
        name : str
            Of the machine.
        opt : str
            How the compiler optimises.

        Returns
        -------
        figures : dict
            Bytes of flash, ram and stack; means of instructions, multiplications and
            cycles, as far as they are counted; and what is wrong.

        Raises
        ------
        NoRoomError
            If the program does not fit.
        """
        machine = self.machines[name]
        figures = self.sizes(program, name, opt)
        n_samples = len(program.samples)
        if machine.max_samples:
            room = machine.max_samples // program.samples[0].nbytes
            n_samples = min(n_samples, room)
        output, counts = self.run(program, name, opt, slice(n_samples))
        figures["stack"] = output.stack
        if counts is not None:
            figures |= means(counts)
            if name != "m0+":
                del figures["cycles_32"]  # no such multiplier
        if output.cycles:
            figures["cycles"] = output.cycles / n_samples
        figures["wrong"] = program.count_wrong(output.rows, n_samples)
        return figures

    def sizes(self, program, name, opt):
        """Bytes of flash and ram that a model adds to a program, by name."""
        machine, elf = self.machines[name], self.folder / "program"
        macros = {"ADAPTER": program.adapter, "SIZE_ONLY": True, **program.macros}
        bare_metal.build(machine, elf, *program.flags, opt=opt, **macros)
        sizes = bare_metal.sizes(machine, elf)
        flash, ram = np.subtract(sizes, self._frame(machine, opt)).tolist()
        return {"flash": flash, "ram": ram}

    def run(self, program, name, opt, chosen):
        """Run chosen samples of a program: what it writes, and counts if there are.

        Parameters
        ----------
        program : Program
        name : str
            Of the machine.
        opt : str
            How the compiler optimises.
        chosen : slice or ndarray of int
            The samples.

        Returns
        -------
        output : Output
        counts : ndarray of shape (n_samples, 5), or None
            A row of what the plugin counts for each sample.
        """
        machine, elf = self.machines[name], self.folder / "program"
        samples = program.samples[chosen]
        macros = {
            "ADAPTER": program.adapter,
            "N_SAMPLES": len(samples),
            "SAMPLES": bare_metal.samples_header(
                self.folder / "samples.h", samples, program.labels[chosen]
            ),
        }
        bare_metal.build(
            machine, elf, *program.flags, opt=opt, **macros, **program.macros
        )
        if not (self._counter and machine.is_qemu):
            return bare_metal.run(machine, elf), None
        path = self.folder / "counts"
        output = bare_metal.run(machine, elf, "-plugin", f"{self._counter},out={path}")
        return output, np.loadtxt(path, ndmin=2)

    def count_wrong(self, program, name, n):
        """How many of the first n random samples are wrong on a machine."""
        machine, elf = self.machines[name], self.folder / "program"
        macros = {"ADAPTER": program.adapter, "N_SAMPLES": n, **program.macros}
        bare_metal.build(machine, elf, *bare_metal.WARNINGS, **macros)
        return program.count_wrong(bare_metal.run(machine, elf).rows, n)


def means(counts):
    """Means over samples of what the plugin has counted."""
    instructions, multiplications, words, branches, extra = counts.mean(axis=0)
    cycles = instructions + words + branches + extra
    return {
        "instructions": instructions,
        "most_instructions": counts[:, 0].max(),
        "multiplications": multiplications,
        "cycles": cycles,
        "cycles_32": cycles + 31 * multiplications,
    }
