"""The parts of the C headers that an exported model needs."""

import re
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
_IF_LEARNING = re.compile(r"#ifdef TTFS_DEVICE_LEARN\n([\s\S]*?)#endif\n")


def _body(name):
    """The text of a header between its guards."""
    header = Path(get_include(), name).read_text(encoding="utf-8")
    guard = name.upper().replace(".", "_")
    _, text = header.split(f"#define {guard}\n")
    text, _ = text.split(f"#endif /* {guard} */")
    return re.sub("#include .*\n", "", text)


def needed(headers, code, *, learn):
    """What C code needs of headers.

    Parameters
    ----------
    headers : sequence of str
        Names of files of `ttfs.get_include()`, each after those that it includes.
    code : str
        The code.
    learn : bool
        Whether the network learns: without it, what is for learning only is left out.

    Returns
    -------
    text : str
        The macros, types and functions that the code needs, and what these need, with
        their comments and in their order. What does not belong to one of them is there
        as a whole.
    """
    text = "".join(map(_body, headers))
    text = _IF_LEARNING.sub(r"\1" if learn else "", text)
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
