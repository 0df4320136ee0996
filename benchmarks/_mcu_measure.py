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
        machine, elf = self.machines[name], self.folder / "program"
        both = {"opt": opt, "ADAPTER": program.adapter, **program.macros}
        bare_metal.build(machine, elf, *program.flags, SIZE_ONLY=True, **both)
        sizes = bare_metal.sizes(machine, elf)
        flash, ram = np.subtract(sizes, self._frame(machine, opt)).tolist()
        n_samples = len(program.samples)
        if machine.max_samples:
            room = machine.max_samples // program.samples[0].nbytes
            n_samples = min(n_samples, room)
        samples = bare_metal.samples_header(
            self.folder / "samples.h", program.samples[:n_samples], program.labels
        )
        both |= {"N_SAMPLES": n_samples, "SAMPLES": samples}
        bare_metal.build(machine, elf, *program.flags, **both)
        counts, flags = self.folder / "counts", ()
        is_counted = self._counter and machine.is_qemu
        if is_counted:
            flags = ("-plugin", f"{self._counter},out={counts}")
        output = bare_metal.run(machine, elf, *flags)
        figures = {"flash": flash, "ram": ram, "stack": output.stack}
        if is_counted:
            figures |= _means(np.loadtxt(counts, ndmin=2), name == "m0+")
        if output.cycles:
            figures["cycles"] = output.cycles / n_samples
        figures["wrong"] = program.count_wrong(output.rows, n_samples)
        return figures

    def count_wrong(self, program, name, n):
        """How many of the first n random samples are wrong on a machine."""
        machine, elf = self.machines[name], self.folder / "program"
        macros = {"ADAPTER": program.adapter, "N_SAMPLES": n, **program.macros}
        bare_metal.build(machine, elf, *bare_metal.WARNINGS, **macros)
        return program.count_wrong(bare_metal.run(machine, elf).rows, n)


def _means(counts, has_cycles):
    """Means over samples of what the plugin has counted."""
    instructions, multiplications, words, branches, extra = counts.mean(axis=0)
    figures = {
        "instructions": instructions,
        "most_instructions": counts[:, 0].max(),
        "multiplications": multiplications,
    }
    if has_cycles:
        cycles = instructions + words + branches + extra
        figures |= {"cycles": cycles, "cycles_32": cycles + 31 * multiplications}
    return figures
