"""Pages are true: what they point to exists, and the examples run."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("[!.]*/*.md"))
PAGES += sorted(ROOT.glob("docs/*/*.md"))
KINDS = "py", "pyi", "pyx", "pxd", "pxi", "c", "h", "inc"
SOURCES = [
    path
    for folder in ("ttfs", "src", "include", "pyx", "tests", "benchmarks", "examples")
    for kind in KINDS
    for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
]
SOURCES += [ROOT / "noxfile.py", ROOT / "setup.py", ROOT / "wheels/build"]
SOURCES += sorted((ROOT / ".ci").glob("*"))
EXAMPLES = [
    path
    for path in sorted((ROOT / "examples").glob("*.py"))
    if not path.name.startswith("plot_")  # test_examples.py has the gallery
]

# A path from the root of the project, as pages and comments name it.
PATH = re.compile(
    r"(?<![\w./-])(?:\.ci|benchmarks|docs|examples|include|pyx|src|tests|ttfs|wheels)/"
    r"[\w./*-]*[\w*]"
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
# Folders and files that are made, not kept.
NOT_IN_GIT = {"wheels/dist", "docs/api/generated", "docs/api/generated/ttfs"}

pytestmark = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="not in a clone"
)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)


def missing_paths(text):
    """The paths in a text that do not exist; * stands for any name."""
    named = set(PATH.findall(text)) - NOT_IN_GIT
    return sorted(path for path in named if not any(ROOT.glob(path)))


@every_page
def test_paths_in_pages_exist(page):
    assert missing_paths(page.read_text(encoding="utf-8")) == []


def test_paths_in_sources_exist():
    missing = {
        str(path.relative_to(ROOT)): missing_paths(path.read_text(encoding="utf-8"))
        for path in SOURCES
    }
    assert {path: paths for path, paths in missing.items() if paths} == {}


@every_page
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_of_docs_is_in_the_index():
    linked = set(LINK.findall((ROOT / "docs/index.md").read_text(encoding="utf-8")))
    folder = ROOT / "docs"
    pages = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert pages - linked == {"index.md"}


def test_sessions_are_documented():
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    sessions = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`nox -s (\w+)", text)) == sessions


def test_terms_of_the_glossary_are_in_order():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        terms = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
        assert terms == sorted(terms, key=str.lower)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_run(example, tmp_path):
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
