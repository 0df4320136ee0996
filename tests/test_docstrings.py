"""Docstrings of public names are complete, and their examples run."""

import ast
import doctest
import inspect
import re
from pathlib import Path

import pytest

import ttfs
from ttfs import _core, datasets, encoders, energy, export, substrates

ROOT = Path(__file__).resolve().parent.parent

PUBLIC = [
    ttfs.LIF,
    ttfs.LIF.kappa,
    ttfs.first_spike,
    ttfs.first_spike_vjp,
    ttfs.SpikeTrains,
    ttfs.TTFSClassifier,
    *(
        getattr(ttfs.TTFSClassifier, name)
        for name in (
            "fit",
            "partial_fit",
            "predict",
            "predict_proba",
            "predict_log_proba",
            "decision_function",
            "spike_times",
            "activity",
            "calibrate",
        )
    ),
    datasets.make_yin_yang,
    encoders.LatencyEncoder,
    encoders.PopulationEncoder,
    encoders.SpikeTimesEncoder,
    *(
        getattr(encoders.LatencyEncoder, name)
        for name in ("fit", "transform", "get_feature_names_out")
    ),
    energy.Activity,
    energy.CostModel,
    *(energy.CostModel.__dict__[name] for name in ("energy", "latency", "duration")),
    substrates.AnalogChip,
    substrates.AnalogChip.preset,
    substrates.Clocked,
    substrates.Ideal,
    substrates.Network,
    substrates.Preset,
    substrates.Remote,
    substrates.Server,
    substrates.serve,
    substrates.calibrate,
    substrates.Calibrated,
    substrates.Calibration,
    substrates.Calibration.compensate,
    substrates.Calibration.neurons,
    *(getattr(export, name) for name in export.__all__),
]


def section(doc, title):
    """Names that a numpydoc section lists at the left margin."""
    lines = inspect.cleandoc(doc).splitlines()
    underline = [k for k, line in enumerate(lines) if line == title]
    assert underline, f"no section {title}"
    names = []
    for k in range(underline[0] + 2, len(lines)):
        if set(lines[k]) == {"-"}:
            names.pop()  # the title of the next section
            break
        if lines[k] and not lines[k].startswith(" "):
            names += [name.strip() for name in lines[k].split(":")[0].split(",")]
    return names


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.__qualname__)
def test_every_parameter_is_documented_in_order(item):
    parameters = [name for name in inspect.signature(item).parameters if name != "self"]
    if parameters:
        names = [name.lstrip("*") for name in section(item.__doc__, "Parameters")]
        assert names == parameters


def test_every_fitted_attribute_is_documented():
    X, y = datasets.make_yin_yang(60, random_state=0)
    clf = ttfs.TTFSClassifier((5,), max_iter=1, arithmetic="fixed").fit(X, y)
    fitted = {
        name
        for name in dir(clf)
        if name.endswith("_") and not name.startswith("_") and hasattr(clf, name)
    }
    documented = set(section(clf.__doc__, "Attributes"))
    assert documented - {"feature_names_in_"} == fitted


@pytest.mark.parametrize(
    "item",
    [*PUBLIC, ttfs.get_include, substrates.NetworkError],
    ids=lambda item: item.__qualname__,
)
def test_examples_run(item):
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in finder.find(item, item.__qualname__, globs={}):
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize(
    "item",
    [ttfs.LIF, ttfs.first_spike, ttfs.first_spike_vjp, ttfs.TTFSClassifier],
    ids=lambda item: item.__qualname__,
)
def test_examples_and_sources_are_there(item):
    assert ">>>" in item.__doc__
    assert "Göltz" in item.__doc__


def test_stub_names_what_the_compiled_module_has():
    stub = ast.parse((Path(ttfs.__file__).parent / "_core.pyi").read_text())
    named = {
        node.name: node
        for node in stub.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    }
    own = {
        name: item
        for name, item in vars(_core).items()
        if not name.startswith("_") and getattr(item, "__module__", "") == "ttfs._core"
    }
    assert set(named) == set(own)
    classes = {name for name, item in own.items() if inspect.isclass(item)}
    assert classes >= {"Events", "Network", "Spikes", "Trainer"}
    for name in classes:
        node = named[name]
        assert isinstance(node, ast.ClassDef)
        bases = [base.__name__ for base in own[name].__bases__ if base is not object]
        assert [base.id for base in node.bases] == bases
        methods = {item.name: item for item in node.body if hasattr(item, "name")}
        attributes = {item.target.id for item in node.body if hasattr(item, "target")}
        public = {name for name in vars(own[name]) if not name.startswith("_")}
        stubbed = {name for name in methods if not name.startswith("_")} | attributes
        assert stubbed == public, name
        assert not attributes & set(methods)
    constants = {
        item.target.id for item in stub.body if isinstance(item, ast.AnnAssign)
    }
    assert constants == {"__version__", "TIME_LIMIT"}


def test_stub_has_the_parameters_of_the_compiled_module():
    stub = ast.parse((Path(ttfs.__file__).parent / "_core.pyi").read_text())
    checked = 0
    for node in stub.body:
        owner = getattr(_core, getattr(node, "name", ""), None)
        if isinstance(node, ast.ClassDef) and owner is not None:
            pairs = [(item, owner) for item in node.body if hasattr(item, "args")]
        elif isinstance(node, ast.FunctionDef):
            pairs = [(node, _core)]
        else:
            continue
        for function, holder in pairs:
            compiled = getattr(holder, function.name)
            try:
                signature = inspect.signature(compiled)
            except ValueError:  # of __init__ and of functions for several dtypes
                continue
            kinds = {parameter.kind for parameter in signature.parameters.values()}
            if inspect.Parameter.VAR_KEYWORD in kinds:
                continue
            arguments = [*function.args.args, *function.args.kwonlyargs]
            expected = [argument.arg for argument in arguments]
            assert list(signature.parameters) == expected, function.name
            checked += 1
    assert checked >= 12


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="not in a clone")
def test_readme_examples_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, second, third = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(first, names)
    assert float(capsys.readouterr().out) > 0.9
    assert [times.shape[0] for times in names["times"]] == [178] * 3
    exec(second, names)
    assert names["clf"].score(names["X"], names["y"]) > 0.9
    assert "int ttfs_model_learn(" in (tmp_path / "model.c").read_text()
    exec(third, names)
    assert names["clf"].score(names["X"], names["y"]) > 0.9
    assert "brainscales2: " in capsys.readouterr().out
