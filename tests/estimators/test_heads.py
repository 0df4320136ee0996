"""What a head on `BaseTTFS` must have, and what it is given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import RegressorMixin, clone

from ttfs import TTFSRegressor
from ttfs.engines import TargetTimes
from ttfs.estimators.base import BaseTTFS


class Head(RegressorMixin, BaseTTFS):
    """The smallest head: targets are desired spike times."""

    __init__ = TTFSRegressor.__init__

    _loss = TargetTimes()
    _n_outputs = 1

    def fit(self, X, y):
        draft = self._draft()
        return self._adopt(draft, draft._fit(X, y))

    def predict(self, X):
        return self._run(X, "decisions").ravel()

    def _encode_targets(self, y, *, is_new, is_partial=False):
        return np.asarray(y, np.float64)[:, None]

    def _check_split(self, n_training, n_validation):
        pass

    def _stratify(self, targets):
        return None

    def _validation_score(self, decisions, targets, weights):
        return -np.mean((decisions - targets) ** 2)


REQUIRED = [
    "_check_split",
    "_encode_targets",
    "_loss",
    "_n_outputs",
    "_stratify",
    "_validation_score",
]


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_head_that_lacks_a_method_has_no_objects(missing):
    methods = {name: value for name, value in vars(Head).items() if name != missing}
    incomplete = type("Incomplete", (BaseTTFS,), methods)
    with pytest.raises(TypeError, match=f"abstract class Incomplete .*{missing}"):
        incomplete()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_head_that_has_them_learns(early_stopping):
    rng = np.random.RandomState(0)
    X = rng.uniform(size=(200, 3))
    y = 0.9 + 0.4 * X[:, 0]
    head = Head(
        (20,),
        max_iter=30,
        early_stopping=early_stopping,
        n_iter_no_change=30,
        random_state=0,
    )
    again = clone(head)
    assert again.get_params() == head.get_params()
    assert head.fit(X, y).score(X, y) > 0.9
    assert_allclose(again.fit(X, y).predict(X), head.predict(X), rtol=0)
