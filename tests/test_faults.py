"""The list of deliberate faults fits the source, the tests and the documentation."""

import ast
from pathlib import Path

import faults
import pytest

FAULTS = faults.read_faults()
IDS = [fault["name"] for fault in FAULTS]

pytestmark = pytest.mark.skipif(
    not (faults.ROOT / "ttfs").is_dir(), reason="needs a clone"
)


def marks_of(path, name):
    """The decorators of a test and of its class, and marks of the file, as text."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    marks = []
    for node in body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "pytestmark"
        ):
            marks += getattr(node.value, "elts", [node.value])
    for part in name.split("::"):
        (node,) = (node for node in body if getattr(node, "name", None) == part)
        marks += node.decorator_list
        body = node.body
    return set(map(ast.unparse, marks))


@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_a_fault_can_be_made_and_names_its_test(fault):
    text = (faults.ROOT / fault["file"]).read_text(encoding="utf-8")
    assert text.count(fault["old"]) == 1
    assert fault["new"] != fault["old"]
    path, _, name = fault["test"].partition("::")
    is_slow = "pytest.mark.slow" in marks_of(faults.ROOT / path, name.partition("[")[0])
    assert is_slow == (fault["run"] == "slow")


def test_faults_have_different_names():
    assert len(set(IDS)) == len(IDS)


def test_the_page_has_the_table():
    page = Path(faults.ROOT, "docs", "develop.md").read_text(encoding="utf-8")
    assert f"\n{faults.table(FAULTS)}\n" in page
