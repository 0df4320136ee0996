"""The code in pages runs: Python blocks, and commands of ttfs.

A page's Python blocks run one after the other, in an empty folder. What they need and a
reader does not is in comments of the page: <!-- python ... -->.
"""

import re
import shlex
from pathlib import Path

import pytest

from ttfs.cli import main as cli

ROOT = Path(__file__).resolve().parent.parent
# tests/test_docstrings.py runs those of README.md, and looks at what they print.
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("[!.]*/*.md")),
    *sorted(ROOT.glob("docs/*/*.md")),
]
BLOCK = re.compile(r"^(?:```|<!-- )python\n(.*?)^(?:```|-->)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?\n(.*?)^```|((?:^    .*\n)+)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|&& )(ttfs .*)", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not (ROOT / "README.md").exists(), reason="not in a clone"
)


def text_of(page):
    return page.read_text(encoding="utf-8")


def with_blocks():
    """A page that has Python blocks, each with its line: marked where it takes long."""
    for page in PAGES:
        if page.name != "README.md" and BLOCK.search(text_of(page)):
            marks = [pytest.mark.slow] if "<!-- slow -->" in text_of(page) else []
            yield pytest.param(page, id=page.name, marks=marks)


@pytest.mark.parametrize("page", [*with_blocks()])
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, text = {}, text_of(page)
    for block in BLOCK.finditer(text):
        # Empty lines before it make the line numbers of errors those of the page.
        lines = "\n" * (text[: block.start(1)].count("\n"))
        try:
            exec(compile(lines + block[1], page, "exec"), names)
        except ModuleNotFoundError as error:
            if error.name.startswith("ttfs"):
                raise
            pytest.skip(f"{error.name} is not installed")


def commands():
    """The commands of ttfs that pages show in blocks, and between backticks."""
    for page in PAGES:
        text = text_of(page)
        blocks = "".join(found[1] or found[2] for found in FENCE.finditer(text))
        blocks = re.sub(r"^    ", "", blocks.replace("\\\n", " "), flags=re.MULTILINE)
        inline = re.findall(r"`(ttfs [\w-]+ [^`\n]+)`", text)
        for command in [*COMMAND.findall(blocks), *inline]:
            yield pytest.param(command, id=f"{page.name}: {command}")


@pytest.mark.parametrize("command", [*commands()])
def test_commands_are_understood(command):
    words = shlex.split(command, comments=True)[1:]
    cli._parser().parse_args(words)


def test_commands_are_found():
    found = {param.values[0] for param in commands()}
    assert {"ttfs compare", "ttfs serve --port 5000"} <= found
    assert any("--missing impute" in command for command in found)
