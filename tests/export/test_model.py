"""What an estimator must be to be exported."""

import numpy as np
import pytest
from exported import make, yin_yang
from sklearn.exceptions import NotFittedError

from ttfs import TTFSClassifier, export


def test_estimators_that_cannot_be_exported(tmp_path):
    X, y = yin_yang(60)
    path = tmp_path / "model.c"
    with pytest.raises(NotFittedError):
        export.to_c(TTFSClassifier(arithmetic="fixed"), path)
    with pytest.raises(TypeError, match="must be a TTFSClassifier, got list"):
        export.to_c([], path)
    clf = TTFSClassifier((5,), max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="fitted with arithmetic='fixed', not 'float"):
        export.to_c(clf, path)
    with pytest.raises(ValueError, match="fitted with arithmetic='fixed', not 'float"):
        export.ticks(clf, X)
    clf, _ = make("exact")
    clf.classes_ = np.array([None, 1, 2])
    with pytest.raises(ValueError, match="strings or numbers, got NoneType"):
        export.to_json(clf, path)
    with pytest.raises(ValueError, match="gradient='local', not 'exact'"):
        export.to_c(clf, path, learn=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "changed", [{"gradient": "exact"}, {"arithmetic__weight_bits": 4}], ids=str
)
def test_parameters_that_have_changed(changed, tmp_path):
    # Online steps would not go on with them, so nobody is told what they would do.
    clf, data = make("random")
    path = tmp_path / "model"
    clf.set_params(**changed)
    for write in (
        lambda: export.to_c(clf, path, learn=True),
        lambda: export.to_json(clf, path),
        lambda: export.cost_sheet(clf, data(5)[0]),
    ):
        with pytest.raises(ValueError, match="when the weights were drawn"):
            write()
    assert not list(tmp_path.iterdir())
    export.to_c(clf, path)


@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 2.0, 2: 1.0}], ids=str)
def test_weights_of_classes_are_no_part_of_a_model(weight, tmp_path):
    # The device learns from one sample at a time, and weighs none.
    X, y = yin_yang(60)
    clf = TTFSClassifier(
        (5,),
        arithmetic="fixed",
        gradient="local",
        class_weight=weight,
        max_iter=1,
        random_state=0,
    ).fit(X, y)
    paths = []
    for k in range(2):
        paths.append(tmp_path / str(k))
        export.to_json(clf, paths[k])
        export.to_c(clf, tmp_path / "model.c", learn=True)
        assert export.cost_sheet(clf, X, y).learning is not None
        clf.set_params(class_weight=None)
    assert paths[0].read_text() == paths[1].read_text()
