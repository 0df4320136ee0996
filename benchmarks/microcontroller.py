"""What a network costs on a microcontroller, beside other models in C.

    python benchmarks/microcontroller.py [--only NETWORK ...] [--cache DIR]
        [--json FILE] [--quick] [--bits]

Exported models and peers of the same size run in emulators. Instructions are counted
by a plugin of QEMU, cycles of an AVR by simavr; both are means of 100 test samples,
fewer where they have no room in an AVR. Cycles of a Cortex-M0+ follow from its manual,
for memory without wait states: with the multiplier of one cycle, and with that of 32.
Flash and RAM are what the model adds to a program; stack is what the call takes.
`wrong` counts samples whose class, or tick or membrane of the output spike, is not that
of the estimator, and after steps of learning the weights and registers that are not.
Accuracy is that of the estimator, membranes included, on all test data.

--bits compares 20,000 random inputs of each network, and 2,000 steps of learning, with
the estimator: on this computer, Cortex-M0+, RV32 and, fewer of them, ATmega1284.

--cache DIR keeps fitted models; remove it when training has changed. --quick trains for
a few epochs, on a part of the data: its accuracy says nothing.

Machines without a compiler or an emulator are skipped, and so is emlearn where it is
not installed. Needs the extra `test`; README.md says where MNIST comes from.
"""

import argparse
import json
import platform
import tempfile
import time
import warnings
from pathlib import Path

from _common import verdict
from _mcu_measure import Bench
from _mcu_networks import NETWORKS, Fits
from _mcu_peers import (
    emlearn_forest,
    emlearn_mlp,
    float_trainer,
    has_emlearn,
    int8,
)
from _mcu_program import bare_metal, exports
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

import ttfs

# Machines of the table, and how the compiler optimises for them.
TARGETS = (("m0+", "-Os"), ("m0+", "-O2"), ("m4f", "-O2"), ("rv32", "-Os"))
# The smaller AVR; the larger one where a program does not fit.
AVR = (("atmega328", "-Os"), ("avr", "-Os"))
# Machines of --bits, and their numbers of random inferences and steps of learning.
BITS = {
    "host": (20_000, 2_000),
    "m0+": (20_000, 2_000),
    "rv32": (20_000, 2_000),
    "avr": (1_000, 100),
}
JUDGED = "m0+ -Os"
LOSS = 0.5  # points of accuracy by which another kernel may be below the table's

COLUMNS = {
    "flash": 8,
    "ram": 7,
    "stack": 6,
    "instructions": 13,
    "multiplications": 9,
    "cycles": 11,
    "cycles_32": 11,
    "wrong": 6,
}
HEADS = {"ram": "RAM", "multiplications": "mult.", "cycles_32": "mult. 32"}


def shown(figure):
    """A figure as the table shows it."""
    return "-" if figure is None else f"{figure:,.0f}"


def print_head():
    heads = "".join(f"{HEADS.get(key, key):>{n}}" for key, n in COLUMNS.items())
    print(f"  {'':29s}{heads}")


def print_row(machine, opt, figures):
    cells = [f"{shown(figures.get(key)):>{n}}" for key, n in COLUMNS.items()]
    print(f"    {machine.title + ' ' + opt:27s}{''.join(cells)}", flush=True)


def report_program(bench, program):
    """Print what a program takes on each machine, and return it by machine."""
    what = "a step of learning" if program.learns else f"{program.accuracy:.2f} %"
    print(f"  {program.title}: {what}")
    found = {}
    for name, opt in TARGETS:
        if name in bench.machines:
            found[f"{name} {opt}"] = bench.measure(program, name, opt)
            print_row(bench.machines[name], opt, found[f"{name} {opt}"])
    for name, opt in AVR:
        if name not in bench.machines:
            continue
        try:
            found[f"{name} {opt}"] = bench.measure(program, name, opt)
        except bare_metal.NoRoomError:
            print(f"    {bench.machines[name].title} {opt}: no room")
            continue
        print_row(bench.machines[name], opt, found[f"{name} {opt}"])
        break
    return found


def programs(folder, name, network, fits):
    """Exported models and peers."""
    yield from exports(folder, name, network, fits)
    mlp = fits.mlp(name, network)
    yield from int8(folder, network, mlp)
    if has_emlearn():
        yield emlearn_mlp(folder, network, mlp)
        yield emlearn_forest(folder, network, fits.forest(name, network))
    else:
        print("  SKIPPED: peers of emlearn, which is not installed")
    if network.learns:
        yield float_trainer(folder, network, mlp)


def ours(rows, *, learns, key=JUDGED):
    """Figures of ttfs on a machine, without those of models that are less accurate."""
    rows = [row for row in rows if row["is_ours"] and row["learns"] == learns]
    enough = max(row["accuracy"] for row in rows if "table" in row["title"]) - LOSS
    return [
        row["figures"][key]
        for row in rows
        if row["accuracy"] >= enough and key in row["figures"]
    ]


def judge_instructions(limits, rows, *, learns):
    """Print whether the best of ttfs is within the limits, which must and should be."""
    figures = ours(rows, learns=learns)
    what = "a step of learning" if learns else "an inference"
    if limits is None or not any("instructions" in each for each in figures):
        return
    best = min(each["instructions"] for each in figures)
    for word, limit in zip(("must", "stretch"), limits, strict=True):
        target = f"{limit:,} instructions of {what}, has {best:,.0f}"
        verdict(word, best <= limit, target)


def judge_cycles(shares, rows):
    """Print whether ttfs takes at most such shares of the cycles of peers."""
    figures = ours(rows, learns=False)
    if not any("cycles_32" in each for each in figures):
        return
    best = min(each["cycles_32"] for each in figures)
    for word, (title, share) in zip(("must", "stretch"), shares.items(), strict=False):
        (peer,) = (row["figures"][JUDGED] for row in rows if row["title"] == title)
        ratio = best / peer["cycles_32"]
        target = f"{share} of the cycles of {title}, mult. 32, has {ratio:.2f}"
        verdict(word, ratio <= share, target)


def judge_room(rooms, rows):
    """Print whether a model that learns has room, in bytes, on the smaller AVR."""
    figures = ours(rows, learns=True, key=" ".join(AVR[0]))
    if not figures:
        return
    for word, room in zip(("must", "stretch"), rooms, strict=False):
        best = min(figures, key=lambda each: each["flash"])
        need = best["flash"], best["ram"] + best["stack"]
        target = f"flash and RAM of {room} to learn, needs {need} with stack"
        verdict(word, need[0] <= room[0] and need[1] <= room[1], target)


def report(bench, folder, name, network, fits):
    """Print the rows of a network, and return them."""
    print(f"\n{name}, {network.work}")
    print_head()
    rows = []
    for program in programs(folder, name, network, fits):
        figures = report_program(bench, program)
        rows.append(
            {
                "network": name,
                "title": program.title,
                "accuracy": program.accuracy,
                "learns": program.learns,
                "is_ours": program.is_ours,
                "figures": figures,
            }
        )
    judge_instructions(network.instructions, rows, learns=False)
    judge_cycles(network.cycles, rows)
    if network.learns:
        judge_instructions(network.learn_instructions, rows, learns=True)
        judge_room(network.room, rows)
    return rows


def report_bits(bench, folder, name, network, fits):
    """Compare random samples with the estimator; returns rows, too."""
    print(f"\n{name}, {network.work}: random inputs, wrong bits")
    rows = []
    n_random = max(n for n, _ in BITS.values()), max(n for _, n in BITS.values())
    for program in exports(folder, name, network, fits, n_random=n_random):
        for machine in BITS:
            if machine not in bench.machines:
                continue
            n = BITS[machine][program.learns]
            what = "steps of learning" if program.learns else "inferences"
            start = time.perf_counter()
            try:
                wrong = bench.count_wrong(program, machine, n)
            except bare_metal.NoRoomError:
                wrong = None
            seconds = time.perf_counter() - start
            found = "no room" if wrong is None else f"{wrong} wrong"
            print(
                f"  {program.title:28s}{bench.machines[machine].title:15s}{n:7,} "
                f"{what:18s} {found}  ({seconds:.0f} s)",
                flush=True,
            )
            rows.append(
                {
                    "network": name,
                    "title": program.title,
                    "learns": program.learns,
                    "machine": machine,
                    "n": n,
                    "wrong": wrong,
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--cache", metavar="DIR", help="folder of fitted models")
    parser.add_argument("--json", metavar="FILE", help="write what was found")
    parser.add_argument("--quick", action="store_true", help="train for a few epochs")
    parser.add_argument("--bits", action="store_true", help="only compare bits")
    options = parser.parse_args()
    print(f"ttfs {ttfs.__version__}, {platform.machine()}")
    fits = Fits(options.cache, is_quick=options.quick)
    function = report_bits if options.bits else report
    rows = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name in options.only:
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                bench = Bench(folder)
                rows += function(bench, folder, name, NETWORKS[name], fits)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    wrong = [row for row in rows if has_wrong(row)]
    if wrong:
        raise SystemExit(f"{len(wrong)} rows are wrong")


def has_wrong(row):
    """Whether a row has wrong bits."""
    figures = row.get("figures", {"": row}).values()
    return any(each["wrong"] for each in figures)


if __name__ == "__main__":
    main()
