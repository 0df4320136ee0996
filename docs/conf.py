"""Set-up of the documentation site, for Sphinx.

    sphinx-build -W -n --keep-going -c docs . build/site

The source folder is the root of the project, so that links between pages are plain
relative links, which work on the site as they do on a code host. The navigation is that
of docs/index.md: its sections, and the pages that each of them links to.
"""

import inspect
import os
import re
import sys
from pathlib import Path

import ttfs

sys.path.insert(0, str(Path(__file__).parent))  # gallery_order.py

project = "ttfs"
author = copyright = "The ttfs developers"
version = release = ttfs.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
root_doc = "docs/index"
include_patterns = ["*.md", "benchmarks/README.md", "docs/**"]
exclude_patterns = ["build", "docs/_*", "**/.*"]
templates_path = ["docs/_templates"]

# -- Pages ------------------------------------------------------------------------

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# The examples, where a code host shows them and where the site does.
EXAMPLES = "../examples/README.rst", "gallery/index.rst"


def add_navigation(app, docname, source):
    """Make a toctree of each section of the index, of the pages that it links to.

    In tables links have titles of pages in the place of names of files.
    """
    if docname != root_doc:
        return
    text = source[0].replace(*EXAMPLES)
    for section in text.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        pages = dict.fromkeys(re.findall(r"\]\(([\w./-]+)\.(?:md|rst)\)", section))
        entries = "\n".join(pages)
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```\n"
    source[0] = re.sub(r"^\| \[.*?\]", "| []", text, flags=re.MULTILINE)


# -- Reference --------------------------------------------------------------------

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_context = {
    # docs/api/index.md lists the modules of the package
    "modules": [name for name in ttfs.__all__ if inspect.ismodule(getattr(ttfs, name))],
    # these have their page in the package, not also in their module
    "at_top": ttfs.__all__,
}
autodoc_typehints = "none"  # docstrings name the types
numpydoc_show_class_members = False  # autodoc lists them

# Pages of other projects are linked to only where the network may be used.
OTHERS = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
}
if os.environ.get("TTFS_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = OTHERS
else:
    nitpick_ignore_regex = [("py:.*", rf"({'|'.join(OTHERS)})\..*")]

# What estimators and exceptions inherit for the machinery of others.
MACHINERY = re.compile(
    r"get_metadata_routing|set_\w+_request|set_output|add_note|with_traceback"
)


def skip_machinery(app, what, name, obj, skip, options):
    """Leave out inherited methods that no user calls."""
    return True if MACHINERY.fullmatch(name) else None


def link_pages(app, what, name, obj, options, lines):
    """Make a docstring fit for the site.

    Paths of pages become links; names that end in an underscore are no links; what
    scikit-learn refers to in its own pages becomes text; and an object without a
    docstring of its own, a dict for example, has what its module says of it.
    """
    if what == "data":
        module, _, name = name.rpartition(".")
        doc = " ".join(sys.modules[module].__doc__.split())
        found = re.search(rf":data:`{name}` - (.+?)( - :|$)", doc)
        lines[:] = [f"{found[1][0].upper()}{found[1][1:]}."]
    is_foreign = (getattr(obj, "__module__", None) or "").startswith("sklearn")
    for k, line in enumerate(lines):
        if is_foreign:
            line = re.sub(r":(?:ref|term):`(.+?)(?: <.*?>)?`", r"``\1``", line)
        parts = line.split("`")
        parts[::2] = [
            re.sub(r"(\w)_(?=[,)\s]|$)", r"\1\\_", text) for text in parts[::2]
        ]
        line = "`".join(parts)
        path = r"(``|(?<![`/\w]))docs/([\w/]+)\.md\1"
        lines[k] = re.sub(path, r":doc:`/docs/\2`", line)


# -- Gallery ----------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "docs/gallery",
    "filename_pattern": "plot_",
    "ignore_pattern": r"(^|[/\\])(?!plot_)[^/\\]+\.py$",
    "within_subsection_order": "gallery_order.ReadingOrder",
    "backreferences_dir": "docs/api/examples",
    "doc_module": ("ttfs",),
    "reference_url": {"ttfs": None},
    "remove_config_comments": True,
    "show_signature": False,
    "download_all_examples": False,
    "write_computation_times": False,
}

# -- Site -------------------------------------------------------------------------

html_theme = "furo"
html_title = f"ttfs {release}"
html_extra_path = ["_extra"]
html_show_sourcelink = html_copy_source = False


def setup(app):
    """Tell Sphinx the functions above."""
    app.connect("source-read", add_navigation)
    app.connect("autodoc-skip-member", skip_machinery)
    app.connect("autodoc-process-docstring", link_pages)
