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
    """The commands of ttfs that pages show in blocks."""
    for page in PAGES:
        found = FENCE.finditer(text_of(page))
        blocks = "".join(block[1] or block[2] for block in found).replace("\\\n", " ")
        for command in COMMAND.findall(re.sub("^    ", "", blocks, flags=re.MULTILINE)):
            yield pytest.param(command, id=f"{page.name}: {command}")


def mentions():
    """Subcommands and options that pages name between backticks."""
    for page in PAGES:
        for name, rest in re.findall(r"`ttfs ([a-z]\w*)([^`]*)`", text_of(page)):
            for option in re.findall(r"(?<!\S)--[\w-]+", rest) or [""]:
                yield name, option


@pytest.mark.parametrize("command", [*commands()])
def test_commands_are_understood(command):
    words = shlex.split(command, comments=True)[1:]
    cli._parser().parse_args(words)


def test_options_that_pages_name_exist():
    parsers = cli._parser()._subparsers._group_actions[0].choices
    named = set(mentions())
    assert ("serve", "--port") in named
    unknown = {
        (name, option)
        for name, option in named
        if name not in parsers
        or (option and option not in parsers[name]._option_string_actions)
    }
    assert unknown == set()


def test_commands_are_found():
    found = {param.values[0] for param in commands()}
    assert {"ttfs compare", "ttfs serve --socket chip.socket"} <= {
        command.partition("   ")[0].partition(" --preset")[0] for command in found
    }
    assert any("--missing impute" in command for command in found)
