"""Tasks of developers: `nox -l` lists them, and `nox -s lint` runs one.

What comes after -- goes to the tool of a session: `nox -s test -- -x -k delays`.
CONTRIBUTING.md and docs/develop.md say what the sessions are for.
"""

import nox

nox.needs_version = ">=2024.4.15"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "test"]

TOOLS = "-r", ".ci/requirements.txt"
BUILD_REQUIRES = nox.project.load_toml("pyproject.toml")["build-system"]["requires"]

# Sessions that are told nothing else run these.
C_TESTS = "tests/core/test_c_core.py", "tests/fixed/test_header.py", "tests/export"
PAGE_TESTS = ["tests/test_pages.py", "tests/test_page_code.py"]
PAGE_TESTS += ["tests/test_docstrings.py", "tests/test_site.py"]
SITE = ".", "build/site"


def install(session, extras):
    """Install the package as it is in this folder, where it is compiled in place."""
    session.install(*BUILD_REQUIRES)
    session.install("--no-build-isolation", "-e", f".[{extras}]")


@nox.session
def lint(session):
    """Check the style of all files."""
    session.install(*TOOLS)
    session.run("bash", ".ci/lint", external=True)


@nox.session
def test(session):
    """Run the tests that are not slow, on all cores: about a minute on two."""
    install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def test_all(session):
    """Run all tests, the slow ones and the gallery too."""
    install(session, "test")
    session.run("pytest", "-m", "slow or not slow", *session.posargs)


@nox.session
def c(session):
    """Run the tests of the C core and of what is exported, and on other machines."""
    install(session, "test")
    session.run("pytest", "-m", "slow or not slow", *C_TESTS, *session.posargs)
    session.run("bash", ".ci/cross", external=True)


@nox.session(venv_backend="none")
def sanitize(session):
    """Build with sanitizers and run tests: tests/fixed, or those that are named."""
    session.run("bash", ".ci/sanitize", *(session.posargs or ["tests/fixed"]))


@nox.session
def bench(session):
    """Run a benchmark: `speed.py --quick`, or the one that is named."""
    name, *arguments = session.posargs or ("speed.py", "--quick")
    install(session, "test,bench")
    session.run("python", f"benchmarks/{name}", *arguments)


@nox.session
def docs(session):
    """Make the site, in build/site, and check that pages and docstrings are true."""
    install(session, "test,docs")
    session.run("python", "-m", "sphinx", *"-W -n --keep-going -c docs".split(), *SITE)
    all_pages = "-m", "slow or not slow", *PAGE_TESTS
    session.run("pytest", *all_pages, *session.posargs, env={"TTFS_SITE": SITE[1]})


@nox.session(venv_backend="none")
def wheel(session):
    """Make a wheel and test it, see wheels/README.md."""
    session.run("bash", "wheels/build", *session.posargs)
