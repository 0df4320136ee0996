"""Models that MLflow logs: they come back with the same bits."""

import numpy as np
import pytest
from classifiers import quick
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TRUSTED_TYPES, TTFSRegressor
from ttfs.datasets import make_yin_yang

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.sklearn")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # its own
]

X, y = make_yin_yang(60, random_state=0)


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """A store of files, which needs no database, for the tests here."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri(folder.as_uri())
        mlflow.set_experiment("ttfs")
        yield


MODELS = {
    "pipeline": make_pipeline(StandardScaler(), quick()),
    "fixed": quick(arithmetic="fixed", gradient="local"),
    "regressor": quick(TTFSRegressor),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_log_model(model):
    model.fit(X, y)
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            input_example=X[:3],
            skops_trusted_types=TRUSTED_TYPES,
            pip_requirements=["scikit-ttfs"],  # else a process of its own finds them
        )
    again = mlflow.sklearn.load_model(info.model_uri)
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    assert_array_equal(getattr(again, method)(X), getattr(model, method)(X))
    served = mlflow.pyfunc.load_model(info.model_uri)
    assert_array_equal(served.predict(X), model.predict(X))
    again = again[-1] if model is MODELS["pipeline"] else again
    again.partial_fit(X, y)  # it goes on learning
    assert np.isfinite(again.loss_)
