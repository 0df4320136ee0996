"""Deliberate faults in C, Cython and Python, and whether the tests catch them.

    python benchmarks/faults.py
    python benchmarks/faults.py --only pruning --whole
    python benchmarks/faults.py --table

benchmarks/faults.toml lists the faults, each with the test that catches it. A fault
goes into a copy of the tree, where the compiled modules that it concerns are built
again, with little optimisation, and the test must fail there. Before that all these
tests must pass in the tree as it is. `--keep FOLDER` keeps the built copy for the next
call.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_suffix(".toml")
COMPILED = ".c", ".h", ".pyx", ".pxi", ".pxd"


def read_faults():
    """The faults as dictionaries: name, file, old, new, test and run."""
    return tomllib.loads(LIST.read_text(encoding="utf-8"))["fault"]


def table(faults):
    """The table of docs/develop.md."""
    lines = ["| fault | file | test that catches it | run |", "|---|---|---|---|"]
    for fault in faults:
        test = f"`{fault['test'].removeprefix('tests/')}`"
        cells = fault["name"], f"`{fault['file']}`", test, fault["run"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def is_compiled(fault):
    """Whether modules must be built again to have a fault."""
    return Path(fault["file"]).suffix in COMPILED


def left_out(folder, names):
    """What is not copied: of the folders called build, the one of results alone."""
    of_top = {"build", ".git", ".hypothesis"} if Path(folder) == ROOT else set()
    return {name for name in names if name in of_top | {"__pycache__"} or ".so" in name}


def copy_tree(to, *, must_build):
    """Copy the tree, and build its compiled modules there or take those of ttfs."""
    shutil.copytree(ROOT, to, ignore=left_out, dirs_exist_ok=True)
    if must_build:
        setup = to / "setup.py"
        setup.write_text(setup.read_text().replace('"-O3"', '"-O1"'))
        build(to)
        return
    from ttfs import _baselines, _fixed, _float32, _float64

    for module in (_baselines, _fixed, _float32, _float64):
        shutil.copy2(module.__file__, to / "ttfs")


def build(tree):
    """Build what has changed in a tree."""
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)


def run_tests(tree, options):
    """The result of pytest in a tree."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(
        [*command, *options], cwd=tree, env=environment, capture_output=True, text=True
    )


def options_of(tests, run):
    """Options of pytest for named tests; those of the default run must be in it."""
    return ["-n", "0", *(["-m", "slow or not slow"] if run == "slow" else []), *tests]


def is_caught(fault, base, *, whole):
    """Whether a test fails in a copy of the tree `base` that has the fault."""
    with tempfile.TemporaryDirectory(prefix="fault-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(base, tree)
        path = tree / fault["file"]
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(fault["old"], fault["new"]), encoding="utf-8")
        if is_compiled(fault):
            build(tree)
        options = [] if whole else options_of([fault["test"]], fault["run"])
        done = run_tests(tree, options)
    if done.returncode in (4, 5):  # no such test, or none in the default run
        sys.exit(f"{fault['name']}: {done.stdout}{done.stderr}")
    return done.returncode != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", metavar="NAME", help="faults with this in their name")
    parser.add_argument("--whole", action="store_true", help="run all default tests")
    parser.add_argument("--table", action="store_true", help="print the list")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="of the built copy")
    args = parser.parse_args()
    faults = read_faults()
    if args.table:
        print(table(faults))
        return 0
    faults = [fault for fault in faults if (args.only or "") in fault["name"]]
    kept = nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory()
    with kept as base:
        base = Path(base)
        copy_tree(base, must_build=any(map(is_compiled, faults)))
        for run in sorted({fault["run"] for fault in faults}):
            tests = {fault["test"] for fault in faults if fault["run"] == run}
            done = run_tests(base, options_of(sorted(tests), run))
            if done.returncode:
                sys.exit(f"tests fail without any fault:\n{done.stdout}{done.stderr}")
        n_missed = 0
        for fault in faults:
            start = time.perf_counter()
            caught = is_caught(fault, base, whole=args.whole)
            n_missed += not caught
            seconds = time.perf_counter() - start
            what = f"{'caught' if caught else 'MISSED'} in {seconds:.0f} s"
            print(f"{what}: {fault['name']} ({fault['file']})", flush=True)
    print(f"{len(faults) - n_missed} of {len(faults)} caught")
    return int(n_missed > 0)


if __name__ == "__main__":
    sys.exit(main())
