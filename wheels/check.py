"""Check what a source distribution and a wheel hold.

Usage: python wheels/check.py SDIST WHEEL, in a clone with git.

The source distribution must hold every file that git tracks (or would add), and the
wheel the package with its C headers, but without any other C or Cython source.
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath


def main(sdist, wheel):
    root = Path(__file__).resolve().parent.parent
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listing, cwd=root, check=True, capture_output=True).stdout
    tracked = {name for name in output.decode().split("\0") if (root / name).is_file()}
    with tarfile.open(sdist) as archive:
        packed = {
            str(PurePosixPath(*PurePosixPath(name).parts[1:]))
            for name in archive.getnames()
        }
    missing = sorted(tracked - packed)
    assert not missing, f"missing in {sdist}: {missing}"
    built = sorted(name for name in packed if name.startswith(("build/", "dist/")))
    assert not built, f"build products in {sdist}: {built}"

    names = zipfile.ZipFile(wheel).namelist()
    package = {name for name in names if name.startswith("ttfs/")}
    wanted = {
        name
        for name in tracked
        if name.startswith("ttfs/") and name.endswith((".py", ".pyi", "py.typed"))
    }
    assert wanted <= package, f"missing in {wheel}: {sorted(wanted - package)}"
    compiled = [name for name in package if name.endswith((".so", ".pyd"))]
    modules = sorted(name.split(".")[0] for name in compiled)
    expected = [f"ttfs/_{n}" for n in ("baselines", "fixed", "float32", "float64")]
    assert modules == expected, f"compiled in {wheel}: {modules}"
    promised = {
        f"ttfs/{n}" for n in tracked if n.startswith("include/") and n.endswith(".h")
    }
    assert promised <= package, f"missing in {wheel}: {sorted(promised - package)}"
    kinds = ".c", ".h", ".inc", ".pyx", ".pxd", ".pxi"
    sources = [n for n in set(names) - promised if n.endswith(kinds)]
    assert not sources, f"sources in {wheel}: {sources}"
    strange = [n for n in names if n.split("/")[0].split(".")[0] in ("tests", "pyx")]
    assert not strange, f"not for users, in {wheel}: {strange}"
    for path, entries in ((sdist, packed), (wheel, names)):
        print(f"{Path(path).name}: {len(entries)} entries, complete")


if __name__ == "__main__":
    main(*sys.argv[1:])
