"""Links from the HTML representation of estimators to the documentation site."""

from __future__ import annotations

import sys

# The address of the site, which is that of pyproject.toml. docs/conf.py makes it.
SITE = "https://scikit-ttfs.readthedocs.io/en/latest/"


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
