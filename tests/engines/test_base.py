"""What every engine and every trainer must have."""

import pytest

from ttfs.engines import Engine, Trainer

REQUIRED = {
    Engine: ["runnable", "trainer"],
    Trainer: ["decisions", "epoch", "learned", "state"],
}


@pytest.mark.parametrize(
    ("base", "missing"),
    [(base, name) for base, names in REQUIRED.items() for name in names],
)
def test_a_class_that_lacks_a_method_has_no_objects(base, missing):
    methods = {name: lambda self: None for name in REQUIRED[base] if name != missing}
    incomplete = type("Incomplete", (base,), methods)
    with pytest.raises(TypeError, match=f"abstract class Incomplete .*{missing}"):
        incomplete()
