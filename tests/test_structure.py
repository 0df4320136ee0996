"""The structure of the project: who imports whom, who decides, who looks inside."""

import ast
import inspect
import re
from graphlib import CycleError, TopologicalSorter
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import ttfs
from ttfs import estimators

PACKAGE = Path(ttfs.__file__).resolve().parent
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = "benchmarks", "docs", "examples", "tests", "wheels"  # some only in a clone
C_FOLDERS = "include", "src", "tests/c"

# The greatest number of lines of a file, by its suffix.
MAX_LINES = dict.fromkeys((".py", ".pyx", ".pxi", ".pxd"), 800)
MAX_LINES |= dict.fromkeys((".c", ".h"), 600)
MAX_FUNCTION_LINES = 100  # of C, without blank lines and comments
MAX_PARAMETERS = 31  # of an estimator

# The parts of the package in the order of docs/architecture.md: a part imports from the
# parts before it. Modules that are in no part come before all of them.
PARTS = (
    *("model", "encoders", "fixed", "substrates", "parameters", "datasets", "energy"),
    *("engines", "estimators", "baselines", "out_of_core", "export", "interchange"),
    "plotting",
    "ttfs",  # the names that the package exports
    "cli",
)
# Modules of the top folder that belong to a part of another name.
PART_OF = {"_trusted": "ttfs", "__main__": "cli"}

# Parameters of which ttfs.engines alone asks what they are.
DECIDED = {"arithmetic", "gradient"}
# The names by which code calls an estimator.
ESTIMATOR_NAMES = {"classifier", "clf", "estimator", "model", "reg", "regressor"}


def package_files():
    return sorted(PACKAGE.rglob("*.py"))


def all_files():
    """Python files of the package, and of all else that is there."""
    folders = [ROOT / name for name in FOLDERS]
    others = [path for folder in folders for path in folder.rglob("*.py")]
    return sorted({*package_files(), *others, *ROOT.glob("*.py")})


def core_files():
    """Files of the C core, of its tests and of the bindings, where they are."""
    folders = [ROOT / name for name in (*C_FOLDERS, "pyx")]
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in MAX_LINES
    )


def compiled_files():
    """The compiled modules of the package, wherever they are in it."""
    folders = [Path(folder).resolve() for folder in ttfs.__path__]
    return {
        path.relative_to(folder)
        for folder in folders
        for suffix in EXTENSION_SUFFIXES
        for path in folder.rglob(f"*{suffix}")
    }


def is_in(path, part):
    """Whether a file belongs to a part of the package, ttfs.engines for example."""
    return path.is_relative_to(PACKAGE / part)


def shown(path):
    """A path as messages show it."""
    bases = [base for base in (PACKAGE.parent, ROOT) if path.is_relative_to(base)]
    return str(path.relative_to(bases[0]))


def find_all(find, paths):
    """What find(source) finds in files: their paths and lines, and the code."""
    return [
        f"{shown(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in paths
        for node in find(path.read_text(encoding="utf-8"))
    ]


# -- Imports -----------------------------------------------------------------------


def imports_of(source, package, modules):
    """The part of `modules` that a module of a package imports.

    Imports in functions and those that only type checkers read count too. Importing a.b
    from a package a counts as an import of a.b, and not of a.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            parts = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found.update(name if name in modules else base for name in names)
    return found & modules


def import_graph(sources, others=()):
    """Which modules each module imports.

    `sources` are those of modules by their paths in the package; `others` are names of
    modules that are not written in Python.
    """
    names, packages = {}, {}
    for path in sources:
        parts = ["ttfs", *Path(path).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        names[path] = ".".join(parts[:-1] if is_package else parts)
        packages[path] = ".".join(parts[:-1])
    modules = {*names.values(), *others}
    return {
        names[path]: imports_of(source, packages[path], modules)
        for path, source in sources.items()
    }


def find_circle(graph):
    """Names of modules that import each other in a circle; None if there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def find_upward(graph):
    """Pairs of a module and a package around it from which it takes a name."""
    return [
        (module, package)
        for module, names in graph.items()
        for package in sorted(names)
        if module.startswith(f"{package}.")
    ]


def position(module):
    """The place of a module's part in the order of the parts."""
    name = module.split(".")[1] if "." in module else module
    name = PART_OF.get(name, name)
    return PARTS.index(name) if name in PARTS else -1


def find_downward(graph):
    """Pairs of a module and one that it imports from a part further down."""
    return [
        (module, imported)
        for module, names in graph.items()
        for imported in sorted(names)
        if position(imported) > position(module)
    ]


@pytest.fixture(scope="module")
def graph():
    """The import graph of the package."""
    sources = {
        path.relative_to(PACKAGE): path.read_text(encoding="utf-8")
        for path in package_files()
    }
    compiled = {f"ttfs.{path.name.partition('.')[0]}" for path in compiled_files()}
    return import_graph(sources, {*compiled, "ttfs.include"})  # of C headers alone


def test_no_modules_import_each_other_in_a_circle(graph):
    assert {"ttfs.model", "ttfs.engines"} <= graph["ttfs.estimators.base"]
    assert graph["ttfs.core"] == {"ttfs._float32", "ttfs._float64"}
    assert find_circle(graph) is None


def test_modules_import_from_the_module_that_defines_a_name(graph):
    assert find_upward(graph) == []


def test_imports_go_upwards_only(graph):
    assert find_downward(graph) == []


def test_the_order_of_the_parts_is_that_of_the_page():
    page = ROOT / "docs/architecture.md"
    if not page.exists():
        pytest.skip("needs a clone")
    _, _, rest = page.read_text(encoding="utf-8").partition("\nttfs/\n")
    listed, _, _ = rest.partition("\ntests/")
    names = re.findall(r"(\w+)(?:/ {2,}|\.py)", listed)
    assert names == [name for name in PARTS if name != "ttfs"]


@pytest.mark.parametrize(
    ("module", "imported", "is_downward"),
    [
        ("ttfs.model.lif", "ttfs.core", False),
        ("ttfs.engines", "ttfs.parameters", False),
        ("ttfs.engines.base", "ttfs.engines.recipe", False),
        ("ttfs.__main__", "ttfs.cli.main", False),
        ("ttfs.cli.main", "ttfs", False),
        ("ttfs.model.lif", "ttfs.encoders", True),
        ("ttfs.parameters", "ttfs.engines.losses", True),
        ("ttfs.core", "ttfs.model", True),
        ("ttfs.export.cost", "ttfs", True),
    ],
)
def test_downward_imports_are_found(module, imported, is_downward):
    found = find_downward({module: {imported}})
    assert found == [(module, imported)] * is_downward


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from .b import f", "from .a import g"),
        ("from .b import f", "def f():\n    from . import a"),
        ("from . import b", "import ttfs.a"),
        ("from . import a", ""),
        ("from . import f", ""),  # a name of the package, which imports a
        ("from ttfs.b import f", "class C:\n    from ttfs import a"),
        ("from .b import f", "if TYPE_CHECKING:\n    from .a import g"),
    ],
)
def test_circles_of_imports_are_found(one, other):
    sources = {"__init__.py": "from .a import g", "a.py": one, "b.py": other}
    assert find_circle(import_graph(sources)) is not None


@pytest.mark.parametrize(
    ("path", "source", "package"),
    [
        ("sub/c.py", "from .. import f", "ttfs"),
        ("sub/c.py", "def f():\n    import ttfs", "ttfs"),
        ("sub/c.py", "if TYPE_CHECKING:\n    from . import f", "ttfs.sub"),
        ("sub/c.py", "from ttfs.sub import f, d", "ttfs.sub"),
        ("sub/__init__.py", "from .. import sub, f", "ttfs"),
        ("c.py", "from . import f", "ttfs"),
        ("c.py", "from . import sub, _fixed\nfrom .sub import d, f", None),
        ("sub/c.py", "from . import d\nfrom .d import f\nimport ttfs.sub.d", None),
    ],
)
def test_names_of_the_packages_around_are_found(path, source, package):
    empty = dict.fromkeys(("__init__.py", "sub/__init__.py", "sub/d.py"), "")
    graph = import_graph(empty | {path: source}, {"ttfs._fixed"})
    assert [found for _, found in find_upward(graph)] == [package] * bool(package)


def test_imports_are_found():
    sources = {
        "__init__.py": "from .sub import f\nfrom . import other",
        "other.py": "from .sub.a import f",
        "sub/__init__.py": "from .a import f\nfrom ..other import g",
        "sub/a.py": "from . import b\nimport numpy",
        "sub/b.py": "from .. import _fixed",
    }
    graph = import_graph(sources, {"ttfs._fixed"})
    assert graph == {
        "ttfs": {"ttfs.sub", "ttfs.other"},
        "ttfs.other": {"ttfs.sub.a"},
        "ttfs.sub": {"ttfs.sub.a", "ttfs.other"},
        "ttfs.sub.a": {"ttfs.sub.b"},
        "ttfs.sub.b": {"ttfs._fixed"},
    }
    assert find_circle(graph) is None


# -- Decisions ---------------------------------------------------------------------


def name_of(node):
    """The last part of a name: "b" of a.b."""
    return getattr(node, "attr", getattr(node, "id", None))


def find_decisions(source):
    """Code that decides by arithmetic, gradient, or the class of an engine."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            if any(name_of(operand) in DECIDED for operand in operands):
                yield node
        elif isinstance(node, ast.Match):
            if name_of(node.subject) in DECIDED:
                yield node.subject
        elif isinstance(node, ast.Call) and name_of(node.func) == "isinstance":
            classes = [name_of(item) or "" for item in ast.walk(node.args[1])]
            if any(name.endswith(("Engine", "Trainer")) for name in classes):
                yield node


def test_engines_alone_decide_what_computes():
    outside = [path for path in package_files() if not is_in(path, "engines")]
    assert find_all(find_decisions, outside) == []


@pytest.mark.parametrize(
    "source",
    [
        "if clf.gradient == 'local': pass",
        "x = 'fixed' != self.arithmetic",
        "y = arithmetic in ('float32', 'float64')",
        "match clf.arithmetic:\n    case 'fixed': pass",
        "isinstance(engine, IntegerEngine)",
        "isinstance(trainer, (float, engines.FloatTrainer))",
        "isinstance(engine, HardwareEngine | None)",
    ],
)
def test_decisions_are_found(source):
    assert len(list(find_decisions(source))) == 1


# -- Privacy -----------------------------------------------------------------------


def is_private(name):
    """Other names with underscores are protocols: __dict__, _repr_html_."""
    return name.startswith("_") and not name.endswith("_")


def find_private(source):
    """Code that touches a private attribute of what is called like an estimator."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = node.value
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            # getattr, setattr, hasattr, monkeypatch.setattr
            owner, name = node.args[:2]
            if not isinstance(name, ast.Constant) or not is_private(str(name.value)):
                continue
        else:
            continue
        if name_of(owner) in ESTIMATOR_NAMES:
            yield node


def test_nobody_touches_private_attributes_of_an_estimator():
    outside = [path for path in all_files() if not is_in(path, "estimators")]
    assert find_all(find_private, outside) == []


@pytest.mark.parametrize(
    "source",
    [
        "clf._optimizer = None",
        "names = self.estimator._window",
        "reg._engine",
        "getattr(model, '_rng', None)",
        "def f(clf):\n    return [clf._run(X) for X in data]",
        "monkeypatch.setattr(clf, '_run', None)",
    ],
)
def test_private_attributes_are_found(source):
    assert len(list(find_private(source))) == 1


# -- Sizes and places --------------------------------------------------------------


def test_no_file_is_long():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in (*all_files(), *core_files())
    }
    long = {shown(path): n for path, n in lengths.items() if n > MAX_LINES[path.suffix]}
    assert long == {}


def function_lengths(source):
    """Numbers of lines of code of the functions of a C file, by their first lines.

    clang-format puts the opening brace of a function, and no other, alone in the first
    column.
    """
    without_comments = re.sub(
        r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), source, flags=re.DOTALL
    )
    lengths, begin = {}, None
    lines = without_comments.splitlines()
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            lengths[begin] = sum(map(bool, map(str.strip, lines[begin : number - 1])))
            begin = None
    return lengths


def test_no_c_function_is_long():
    long = {
        f"{shown(path)}:{line}": length
        for path in core_files()
        if path.suffix in {".c", ".h"}
        for line, length in function_lengths(path.read_text(encoding="utf-8")).items()
        if length > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_lines_of_c_functions_are_counted():
    source = """typedef struct {
    int a;
} pair_t;

static int one(void)
{
    /* A comment
     * of two lines. */
    int a = 1; /* code */

    if (a) {
        a = 2;
    }
    return a;
}

void none(void)
{
}
"""
    assert function_lengths(source) == {6: 5, 18: 0}


@pytest.mark.parametrize("name", estimators.__all__)
def test_estimators_have_few_parameters(name):
    parameters = inspect.signature(getattr(estimators, name)).parameters
    assert len(parameters) <= MAX_PARAMETERS


def test_compiled_modules_lie_directly_in_the_package():
    found = compiled_files()
    assert found
    assert {path for path in found if len(path.parts) > 1} == set()
