"""The documentation site: what pages and estimators say about it is true.

The environment variable TTFS_SITE names the folder of a site that docs/conf.py has
made; without it only the sources of the site are checked.
"""

import os
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

import ttfs
from ttfs import _documentation, baselines, encoders

ROOT = Path(__file__).resolve().parent.parent
BUILT = Path(os.environ.get("TTFS_SITE", ""))
MODULES = [
    f"ttfs.{name}" for name in ttfs.__all__ if hasattr(getattr(ttfs, name), "__file__")
]
ESTIMATORS = [
    item
    for module in (ttfs, baselines, encoders)
    for item in (getattr(module, name) for name in module.__all__)
    if isinstance(item, type) and issubclass(item, BaseEstimator)
]

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs/conf.py").exists(), reason="not in a clone"
)
on_the_site = pytest.mark.skipif(
    "TTFS_SITE" not in os.environ, reason="TTFS_SITE does not name the built site"
)


def page_of(estimator):
    """The page that the HTML representation of an estimator links to."""
    links = re.findall(r'href="([^"#]+)', estimator_html_repr(estimator))
    own = [link for link in links if link.startswith(_documentation.SITE)]
    assert own, links
    return own[0].removeprefix(_documentation.SITE)


def test_the_address_of_the_site_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Documentation"] == _documentation.SITE


def test_the_reference_has_all_public_modules():
    text = (ROOT / "docs/api/index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   (ttfs[\w.]*)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(["ttfs", *MODULES])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_estimator_links_to_its_page(cls):
    page = page_of(cls())
    assert page.startswith("docs/api/generated/ttfs.")
    name = page.removeprefix("docs/api/generated/").removesuffix(".html")
    found = ttfs
    for part in name.split(".")[1:]:
        assert part in found.__all__
        found = getattr(found, part)
    assert found is cls


def test_a_class_of_a_user_has_no_page_here():
    class Own(ttfs.TTFSClassifier):
        pass

    assert _documentation.SITE not in estimator_html_repr(Own())


@on_the_site
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_page_of_an_estimator_exists(cls):
    text = (BUILT / page_of(cls())).read_text(encoding="utf-8")
    assert f'<span class="pre">{cls.__name__}</span>' in text


@on_the_site
def test_links_and_pictures_of_the_site_exist():
    missing, checked = [], 0
    for page in sorted(BUILT.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            path, _, anchor = unquote(link).partition("#")
            if re.match(r"\w+:|//", path):
                continue
            path = path.partition("?")[0]
            target = (page.parent / path).resolve() if path else page
            there = target.exists()
            if there and anchor and target.suffix == ".html":
                there = f'id="{anchor}"' in target.read_text(encoding="utf-8")
            checked += 1
            if not there:
                missing.append((page.relative_to(BUILT).as_posix(), link))
    assert checked > 1000
    assert missing == []
