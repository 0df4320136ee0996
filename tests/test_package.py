"""What the package is for those who install it: its names, files and dependencies."""

import ast
import importlib
import pydoc
import re
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

import ttfs

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(ttfs.__file__).resolve().parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST = ROOT / ".ci" / "oldest.txt"
# Names of distributions, where the module has another one.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
# Packages that are imported by functions that say which extra brings them; polars is
# taken for pandas where it is there.
OPTIONAL = {
    *("dask", "matplotlib", "msgpack", "nir", "pandas", "polars", "skops", "tqdm")
}


def bounds(requirements):
    return dict(re.split("[>=]=", one) for one in requirements)


def test_public_names():
    names = {name for name in vars(ttfs) if not name.startswith("_")}
    # Importing anything of a package makes its modules attributes.
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert names - modules <= set(ttfs.__all__)
    assert {"encoders", "parameters", "substrates"} <= set(ttfs.__all__)
    assert "extend_path" not in names


def test_imported_packages_are_declared():
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.partition(".")[0])
    found -= {*sys.stdlib_module_names, "ttfs", *OPTIONAL}
    found = {DISTRIBUTIONS.get(name, name) for name in found}
    assert found == set(bounds(PROJECT["dependencies"]))


@pytest.mark.skipif(not OLDEST.exists(), reason="there is no .ci here: not a clone")
def test_the_oldest_versions_are_the_ones_that_are_tested():
    lines = [line for line in OLDEST.read_text().splitlines() if line[0] != "#"]
    tested = bounds(lines)
    required = bounds(PROJECT["dependencies"])
    assert required.items() <= tested.items()


def test_help_begins_with_what_a_newcomer_needs():
    text = pydoc.plain(pydoc.render_doc(ttfs.TTFSClassifier))
    first = text[: text.index("Parameters\n")]
    order = ["fit", "predict", "predict_proba", "score"]
    places = [first.index(f"`{name}`") for name in order]
    assert places == sorted(places)
    hidden = re.findall(r"^ \|  (_[a-z]\w*)", text, re.MULTILINE)
    assert not hidden


@pytest.mark.parametrize("version", ["0.0.1", None])
@pytest.mark.parametrize("name", ["_baselines", "_fixed", "_float32", "_float64"])
def test_compiled_modules_of_another_version_are_refused(name, version, monkeypatch):
    module = getattr(ttfs, name)
    if version is None:  # as in versions that did not write it
        monkeypatch.delattr(module, "__version__")
    else:
        monkeypatch.setattr(module, "__version__", version)
    with pytest.raises(ImportError, match=f"version {version or 'unknown'}"):
        importlib.reload(ttfs)


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python has its GIL"
)
def test_the_core_turns_the_gil_on_again():
    assert sys._is_gil_enabled()
