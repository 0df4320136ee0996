"""Docstrings of public names are complete, and their examples run."""

import ast
import doctest
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import ttfs
from ttfs import (
    _float32,
    _float64,
    baselines,
    core,
    datasets,
    encoders,
    energy,
    estimators,
    export,
    interchange,
    out_of_core,
    parameters,
    plotting,
    substrates,
)

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    ttfs,
    parameters,
    encoders,
    estimators,
    baselines,
    out_of_core,
    substrates,
    energy,
    export,
    interchange,
    plotting,
    datasets,
)
# Methods of substrates: Substrate and the function calibrate document them for all.
PROTOCOL = {"forward", "weight_limit", "weight_step", "calibrate"}


def public_methods(cls):
    """Public functions of a class, its own and those of its bases in ttfs."""
    is_substrate = isinstance(cls, type) and cls.__module__.startswith(
        "ttfs.substrates"
    )
    for base in cls.__mro__:
        if not base.__module__.startswith("ttfs"):
            continue
        for name, item in vars(base).items():
            if isinstance(item, classmethod):
                item = getattr(cls, name)
            if name.startswith("_") or not inspect.isroutine(item):
                continue
            if is_substrate and name in PROTOCOL and cls is not substrates.Substrate:
                continue
            if item.__module__.startswith("ttfs"):
                yield item


def find_public():
    """Classes and functions that the public modules export, and public methods."""
    for module in MODULES:
        for item in (getattr(module, name) for name in module.__all__):
            if inspect.isclass(item):
                yield item
                yield from public_methods(item)
            elif inspect.isfunction(item):
                yield item


def by_module():
    """Public items by the package that holds them, each once."""
    groups = {}
    for item in dict.fromkeys(find_public()):
        groups.setdefault(".".join(item.__module__.split(".")[:2]), []).append(item)
    return groups


PUBLIC = by_module()
every_public = pytest.mark.parametrize("items", PUBLIC.values(), ids=PUBLIC)
PARAMETER_OBJECTS, ENCODERS, ESTIMATORS = (
    [getattr(module, name) for name in module.__all__]
    for module in (parameters, encoders, estimators)
)


def entries(doc, title):
    """Names that a numpydoc section lists at the left margin, each with its type."""
    lines = inspect.cleandoc(doc).splitlines()
    underline = [k for k, line in enumerate(lines) if line == title]
    assert underline, f"no section {title}"
    found = []
    for k in range(underline[0] + 2, len(lines)):
        if set(lines[k]) == {"-"}:
            found.pop()  # the title of the next section
            break
        if lines[k] and not lines[k].startswith(" "):
            names, _, type_ = lines[k].partition(" : ")
            found += [(name.strip().lstrip("*"), type_) for name in names.split(",")]
    return found


def signature(item):
    """The parameters of a class or function, self excepted."""
    try:
        items = inspect.signature(item).parameters.items()
    except ValueError:  # an exception, which takes what its base takes
        return {}
    is_protocol = item is substrates.Substrate  # which nobody calls
    return {} if is_protocol else {k: v for k, v in items if k != "self"}


@every_public
def test_every_parameter_is_documented_in_order(items):
    for item in items:
        expected = list(signature(item))
        named = entries(item.__doc__, "Parameters") if expected else []
        assert [name for name, _ in named] == expected, item.__qualname__


@every_public
def test_documented_defaults_are_the_real_ones(items):
    for item, actual in zip(items, map(signature, items), strict=True):
        for name, type_ in entries(item.__doc__, "Parameters") if actual else ():
            default = actual[name].default
            name = f"{item.__qualname__}: {name}"
            found = re.search(r", default=(.+)$", type_)
            if default is inspect.Parameter.empty:
                assert found is None, f"{name} has no default"
            else:
                assert found, f"the default {default!r} of {name} is not documented"
                documented = eval(found[1], {"inf": float("inf"), "LIF": ttfs.LIF})
                assert type(documented) is type(default), name
                assert documented == default, name


def attributes(item):
    """Public attributes of an object that end in an underscore."""
    return {
        name
        for name in dir(item)
        if name.endswith("_") and not name.startswith("_") and hasattr(item, name)
    }


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_attribute_of_a_fitted_estimator_is_documented(cls):
    X, y = datasets.make_yin_yang(60, random_state=0)
    fitted = set()
    for arithmetic in ("float32", "fixed"):
        estimator = cls((5,), max_iter=1, arithmetic=arithmetic).fit(X, y)
        fitted |= attributes(estimator)
    documented = {name for name, _ in entries(cls.__doc__, "Attributes")}
    assert documented - {"feature_names_in_"} == fitted


@pytest.mark.parametrize(
    "cls", [cls for cls in ENCODERS if cls is not encoders.SpikeTrains]
)
def test_every_attribute_of_a_fitted_encoder_is_documented(cls):
    X = np.array([[0.0, 1.0], [2.0, 0.5]])
    if cls in (encoders.FilterBank, encoders.LevelCrossingEncoder):
        X = np.sin(np.arange(80.0)).reshape(2, 1, 40)  # signals
    encoder = cls().fit(X)
    documented = {name for name, _ in entries(cls.__doc__, "Attributes")}
    assert documented - {"feature_names_in_"} == attributes(encoder)


def test_every_attribute_of_spike_trains_is_documented():
    documented = {name for name, _ in entries(ttfs.SpikeTrains.__doc__, "Attributes")}
    found = inspect.getmembers(ttfs.SpikeTrains, inspect.isdatadescriptor)
    assert documented == {name for name, _ in found if not name.startswith("_")}


def run_examples(items):
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for item in items:
        for test in finder.find(item, item.__qualname__, globs={}):
            runner.run(test)
    assert runner.failures == 0


@every_public
def test_examples_run(items):
    run_examples([item for item in items if item is not substrates.Remote])


@pytest.mark.slow  # starts a server
def test_the_example_of_a_remote_chip_runs():
    run_examples([substrates.Remote])


def test_examples_and_sources_are_there():
    sourced = [ttfs.LIF, ttfs.first_spike, ttfs.first_spike_vjp, ttfs.TTFSClassifier]
    for item in [*PARAMETER_OBJECTS, *ENCODERS, *ESTIMATORS, *sourced]:
        assert ">>>" in item.__doc__, item
        assert item not in sourced or "Göltz" in item.__doc__, item


STUB = ast.parse((Path(ttfs.__file__).parent / "core.pyi").read_text())
both_precisions = pytest.mark.parametrize("module", [_float32, _float64])


@both_precisions
def test_stub_names_what_the_core_has(module):
    named = {
        node.name: node
        for node in STUB.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    }
    constants = {
        item.target.id for item in STUB.body if isinstance(item, ast.AnnAssign)
    }
    assert constants == {"__version__", "TIME_LIMIT"}
    assert set(named) | constants == set(core.__all__)
    classes = {name for name in named if inspect.isclass(getattr(core, name))}
    assert classes >= {"LayerBatch", "Simulator", "Spikes", "Trainer"}
    for name in classes:
        node, own = named[name], getattr(module, name, getattr(core, name))
        assert isinstance(node, ast.ClassDef)
        bases = [base.__name__ for base in own.__bases__ if base is not object]
        assert [base.id for base in node.bases] == bases
        methods = {item.name: item for item in node.body if hasattr(item, "name")}
        attributes = {item.target.id for item in node.body if hasattr(item, "target")}
        public = {name for name in vars(own) if not name.startswith("_")}
        stubbed = {name for name in methods if not name.startswith("_")} | attributes
        assert stubbed == public, name
        assert not attributes & set(methods)


@both_precisions
def test_stub_has_the_parameters_of_the_core(module):
    checked = 0
    for node in STUB.body:
        name = getattr(node, "name", "")
        owner = getattr(module, name, getattr(core, name, None))
        if isinstance(node, ast.ClassDef) and owner is not None:
            pairs = [(item, owner) for item in node.body if hasattr(item, "args")]
        elif isinstance(node, ast.FunctionDef):
            pairs = [
                (node, holder) for holder in (core, module) if hasattr(holder, name)
            ]
        else:
            continue
        for function, holder in pairs:
            compiled = getattr(holder, function.name)
            try:
                signature = inspect.signature(compiled)
            except ValueError:  # of __init__
                continue
            kinds = {parameter.kind for parameter in signature.parameters.values()}
            if inspect.Parameter.VAR_KEYWORD in kinds:
                continue
            arguments = [*function.args.args, *function.args.kwonlyargs]
            expected = [argument.arg for argument in arguments]
            assert list(signature.parameters) == expected, function.name
            checked += 1
    assert checked >= 25


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="not in a clone")
def test_readme_examples_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    first, integers, chip = blocks
    names = {}
    exec(first, names)
    assert float(capsys.readouterr().out) > 0.96
    assert (tmp_path / "first_spikes.svg").stat().st_size > 10_000
    exec(integers, names)
    assert names["clf"].score(names["X"], names["y"]) > 0.9
    assert "int ttfs_model_learn(" in (tmp_path / "model.c").read_text()
    exec(chip, names)
    assert names["clf"].score(names["X"], names["y"]) > 0.9
    assert "brainscales2: " in capsys.readouterr().out
