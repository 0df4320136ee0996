"""Documentation of estimators: text that docstrings share, and links to the site."""

from __future__ import annotations

import inspect
import re
import sys

# The address of the site, which is that of pyproject.toml. docs/conf.py makes it.
SITE = "https://scikit-ttfs.readthedocs.io/en/latest/"

# An entry of a numpydoc section, and a line that stands for entries of base classes.
_ENTRY = re.compile(r"^(\w+) : .*(?:\n+ .*)*", re.MULTILINE)
_SHARED = re.compile(r"^\.\. shared: (.*)", re.MULTILINE)


def with_shared_entries(cls):
    """Complete the docstring of a class by entries of those of its bases.

    A line ``.. shared: n_iter_, loss_`` becomes what base classes say of these
    parameters or attributes.
    """
    entries = {}
    for base in cls.__mro__[:0:-1]:
        found = _ENTRY.finditer(inspect.cleandoc(base.__doc__ or ""))
        entries.update({entry[1]: entry[0] for entry in found})

    def filled(line):
        return "\n\n".join(entries[name] for name in line[1].split(", "))

    if cls.__doc__:  # python -OO leaves none
        cls.__doc__ = _SHARED.sub(filled, inspect.cleandoc(cls.__doc__))
    return cls


class Documented:
    """Base of estimators and encoders that have a page in the reference."""

    # The names are those of scikit-learn, which puts the link together.
    _doc_link_module = "ttfs"
    _doc_link_template = f"{SITE}docs/api/generated/{{name}}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        package, part, *_ = type(self).__module__.split(".")
        name = type(self).__name__
        is_at_top = name in sys.modules[package].__all__
        return {
            "name": f"{package}.{name}" if is_at_top else f"{package}.{part}.{name}"
        }
