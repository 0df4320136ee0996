"""The parts of the C headers that an exported model needs."""

import re
from functools import partial
from pathlib import Path

from .._headers import get_include

# A macro, a type or a function of a header, with the comment before it.
_ITEM = re.compile(
    r"""(?:/\*(?:(?!\*/)[\s\S])*\*/\n)?
    (?:\#define\ (?P<macro>\w+)\ .*\n
    |typedef\ (?:struct|enum)\ \{\n[\s\S]*?\n\}\ (?P<type>\w+);\n
    |static\ (?:inline|TTFS_DEVICE_FAST)\ [^{;]*?(?P<function>\w+)\([^{;]*\)\n
        \{\n[\s\S]*?\n\}\n)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*[\s\S]*?\*/")
_BANNER = r"/\* -- [^\n]* -+ \*/\n"
_LEARNING = re.compile(r" *(?:/\* For learning only: \*/\n)[\s\S]*?(?=\} ttfs_fixed_)")
# The innermost conditions on kinds of models.
_LINES = r"((?:(?!\#if|\#e)[\s\S])*)"
_CONDITION = re.compile(
    rf"\#if(n?)def (TTFS_DEVICE_(?:LEARN|SHIFT))\n{_LINES}"
    rf"(?:\#else\n{_LINES})?\#endif\n"
)
_INCLUDE = re.compile(r"#include (?:<.*>|\"(.*)\")\n")


def _chosen(defined, condition):
    """The lines of a condition that are for models of a kind."""
    negated, macro, lines, others = condition.groups(default="")
    return lines if (macro in defined) != bool(negated) else others


def _body(name, defined, included):
    """The text of a header between its guards, with the headers that it includes.

    Conditions on kinds of models are met if they are in `defined`. A header that is in
    the set `included` is there already; others are added to it.
    """
    if name in included:
        return ""
    included.add(name)
    header = Path(get_include(), name).read_text(encoding="utf-8")
    guard = name.upper().replace(".", "_")
    _, text = header.split(f"#define {guard}\n")
    text, _ = text.split(f"#endif /* {guard} */")
    n = 1
    while n:
        text, n = _CONDITION.subn(partial(_chosen, defined), text)
    return _INCLUDE.sub(
        lambda found: _body(found[1], defined, included) if found[1] else "", text
    )


def needed(headers, code, learn, has_shifts):
    """What C code of a network that learns, or has shifts, needs of headers.

    These are the macros, types and functions of files of `ttfs.get_include()`, and of
    those that they include, that the code names, and what these name, with their
    comments and in their order, and as a whole what does not belong to one of them.
    """
    kinds = {"TTFS_DEVICE_LEARN": learn, "TTFS_DEVICE_SHIFT": has_shifts}
    defined, included = {name for name, is_so in kinds.items() if is_so}, set()
    text = "".join(_body(header, defined, included) for header in headers)
    if not learn:
        text = _LEARNING.sub("", text)
    items = {item.start(): item for item in _ITEM.finditer(text)}
    rest = _ITEM.sub("", text)

    def names(text):
        return set(re.findall(r"\w+", _COMMENT.sub("", text)))

    wanted = names(code) | names(rest)
    kept = set()
    while True:
        found = {at for at, item in items.items() if wanted & set(item.groups())}
        if found == kept:
            break
        for at in found - kept:
            wanted |= names(items[at][0])
        kept = found
    text = _ITEM.sub(lambda item: item[0] if item.start() in kept else "", text)
    text = re.sub(rf"{_BANNER}\s*(?={_BANNER}|\Z)", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def renamed(text, prefix):
    """C with the names of the headers, `ttfs_fixed_` ..., beginning with a prefix."""
    text = re.sub(r"\bttfs_(?:fixed|device)_", f"{prefix}_", text)
    return re.sub(r"\bTTFS_(?:FIXED|DEVICE)_", f"{prefix.upper()}_", text)
