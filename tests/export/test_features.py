"""Exported models that take raw features: the C gives the bits of the encoder."""

import re
import subprocess

import numpy as np
import pytest
from exported import FLAGS, any_compiler, shell
from fixed_header import COMPILERS, ROOT, SANITIZE
from numpy.testing import assert_array_equal
from raw_features import KINDS, MODELS, build, check, make, wide
from scipy.sparse import csr_array

from ttfs import SpikeTrains, TTFSClassifier, export
from ttfs.export.c_encoder import encoder_code, tables_of

PAGE = ROOT / "docs/guide/export.md"


@pytest.mark.parametrize("name", MODELS)
def test_the_program_equals_the_encoder(name, tmp_path):
    pipeline, X, kind = make(name)
    assert encoder_code(export.integer_encoder(pipeline, X.dtype.name))[2] == kind
    flags = SANITIZE * (name in KINDS)
    check(pipeline, X, build(tmp_path, pipeline, X, *flags))


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("flags", [["-O2"], SANITIZE], ids=["plain", "sanitized"])
def test_every_compiler_gives_the_same(flags, name, compiler, tmp_path):
    pipeline, X, _ = make(name)
    check(pipeline, X, build(tmp_path, pipeline, X, *flags, compiler=compiler))


def test_a_model_of_features_learns_and_tests_itself(tmp_path):
    pipeline, X, _ = make("lines")
    program = build(tmp_path, pipeline, X, "-DSELF_TEST", learn=True, self_test=X[:20])
    check(pipeline, X, program)
    text = (tmp_path / "model.c").read_text()
    (features,) = re.findall(r"ttfs_model_test_features\[140\] = {([^}]*)}", text)
    wrong = features.replace(re.search(r"-?\d+", features)[0], "32767", 1)
    (tmp_path / "wrong.c").write_text(text.replace(features, wrong))
    source = ROOT / "tests/c/features_main.c"
    flags = ["-DSELF_TEST", "-DFEATURE=int16_t", f'-DMODEL="{tmp_path / "wrong.c"}"']
    shell(any_compiler(), *flags, source, "-o", program)
    done = subprocess.run([program], input=b"", capture_output=True)
    assert done.returncode == 1
    assert done.stdout == b"self-test\n"


def test_models_of_different_features_in_one_file(tmp_path):
    both = []
    for prefix, name in (("one", "tables"), ("two", "fields")):
        pipeline, X, _ = make(name)
        path = tmp_path / f"{prefix}.c"
        export.to_c(pipeline, path, prefix=prefix, features=X.dtype.name)
        both.append(path.read_text())
    (tmp_path / "both.c").write_text("".join(both))
    command = [any_compiler(), *FLAGS, "-c", tmp_path / "both.c"]
    shell(*command, "-o", tmp_path / "both.o")


def test_tables_are_the_maps():
    pipeline, *_ = make("tables")
    encoder = export.integer_encoder(pipeline, "uint8")
    tables = tables_of(encoder)
    assert tables.shape[1] == 17  # 0 to 16, which all that is greater equals
    values = np.tile(np.arange(256)[:, None], encoder.n_features)
    ticks = encoder.encode(values)[:, : encoder.n_features]
    places = np.minimum(values, 16)
    assert_array_equal(tables[encoder.map_of[: encoder.n_features], places], ticks)


def test_the_file_says_what_it_takes(tmp_path):
    pipeline, *_ = make("lines")
    paths = [tmp_path / name for name in ("plain.c", "features.c")]
    export.to_c(pipeline, paths[0])
    export.to_c(pipeline, paths[1], features="int16")
    plain, features = (re.sub(r"\n \* *", " ", path.read_text()) for path in paths)
    steps = "Features x are those behind the steps of the pipeline: standardscaler."
    assert steps in plain
    assert steps in features
    assert "encode" not in plain
    assert "ttfs_model_encode() makes ticks of raw features, int16_t," in features
    assert "#define TTFS_MODEL_N_FEATURES 7\n" in features
    assert "encode_tables" not in features


def test_features_that_cannot_be_exported(tmp_path):
    pipeline, X, _ = make("lines")
    with pytest.raises(ValueError, match="features must be 'uint8' or 'int16'"):
        export.to_c(pipeline, tmp_path / "model.c", features="float32")
    with pytest.raises(ValueError, match="training, beyond the range of raw values"):
        export.to_c(pipeline, tmp_path / "model.c", features="uint8")
    channels = np.arange(7)
    trains = SpikeTrains(0 * channels, channels, 1.0 + channels, (1, 7))
    for self_test, error, message in (
        (X.astype(float), TypeError, "self_test must be integers, not float64"),
        (trains, TypeError, "self_test must be raw features, not SpikeTrains"),
        (X[0], ValueError, r"self_test must have shape .*n_features\), got \(7,\)"),
        (X[:, :2], ValueError, "self_test must have shape .* 7"),
        (X[:0], ValueError, "self_test must have a sample at least"),
        (X.astype(int) + 2**15, ValueError, "self_test must be in the range of int16"),
    ):
        with pytest.raises(error, match=message):
            export.to_c(
                pipeline, tmp_path / "model.c", features="int16", self_test=self_test
            )
    assert not list(tmp_path.iterdir())


def test_self_tests_may_be_sparse_and_types_those_of_numpy(tmp_path):
    pipeline, X, _ = make("lines")
    paths = [tmp_path / name for name in ("dense.c", "sparse.c")]
    export.to_c(pipeline, paths[0], features="int16", self_test=X[:5])
    export.to_c(pipeline, paths[1], features=np.int16, self_test=csr_array(X[:5]))
    assert paths[0].read_text() == paths[1].read_text()


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
def test_examples_of_the_page(tmp_path, monkeypatch):
    page = PAGE.read_text(encoding="utf-8")
    _, section = page.split("## From raw features to a class")
    page, *_ = section.split("\n## ")
    (python,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (program,) = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    X, y = wide(100)
    clf = TTFSClassifier((5,), arithmetic="fixed", max_iter=1)
    exec(python, {"X_raw": X, "y": y, "clf": clf, "export": export})
    text = '#include "ttfs_model.c"\n' + (
        f"int class_of(const int16_t *x) {{ {program} return class_number; }}"
    )
    text = text.replace("int class_of", "int class_of(const int16_t *x);\nint class_of")
    (tmp_path / "program.c").write_text(text)
    shell(any_compiler(), *FLAGS, "-c", tmp_path / "program.c")
