"""Exported libraries: their tools build them, and they give the estimator's bits."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from cases import in_turn
from exported import FLAGS, any_compiler, shell
from fixed_header import ROOT
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ttfs import TTFSClassifier, export

SKETCH, SOURCE, HEADER = (
    f"{folder}/{file}"
    for folder, file in (
        ("examples", "Blink/Blink.ino"),
        ("src", "flowers.c"),
        ("src", "flowers.h"),
    )
)
SELF_TEST = "test/self_test.c"
FILES = {
    "CMakeLists.txt",
    "LICENSE",
    "README.md",
    SKETCH,
    "library.json",
    "library.properties",
    SOURCE,
    HEADER,
    SELF_TEST,
}


@pytest.fixture(scope="module")
def flowers():
    """A pipeline that takes iris flowers in millimetres, and the flowers."""
    X, y = load_iris(return_X_y=True)
    X = np.rint(10 * X).astype(np.uint8)
    clf = TTFSClassifier(
        (12,), arithmetic="fixed", gradient="local", max_iter=20, random_state=0
    )
    return make_pipeline(StandardScaler(), clf).fit(X, y), X


def files_of(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_library_has_what_its_tools_look_for(flowers, tmp_path):
    pipeline, X = flowers
    folder = tmp_path / "lib" / "flowers"
    export.to_library(pipeline, folder, features="uint8", self_test=X[::10])
    assert files_of(folder) == FILES
    lines = (folder / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert properties["name"] == "flowers"
    assert properties["includes"] == "flowers.h"
    assert {"version", "author", "maintainer", "sentence", "architectures"} <= {
        *properties
    }
    assert "ttfs" not in properties["author"] + properties["maintainer"]
    assert json.loads((folder / "library.json").read_text())["headers"] == "flowers.h"


@pytest.mark.skipif(not (ROOT / "LICENSE").exists(), reason="not in a clone")
def test_the_licence_is_that_of_the_package(flowers, tmp_path):
    pipeline, _ = flowers
    export.to_library(pipeline, tmp_path / "flowers")
    licence = (tmp_path / "flowers/LICENSE").read_text()
    assert licence == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("learn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_self_test_passes_and_notices_a_wrong_weight(flowers, tmp_path, learn):
    pipeline, X = flowers
    folder = tmp_path / "flowers"
    export.to_library(pipeline, folder, features="uint8", self_test=X[::5], learn=learn)
    source, program = folder / SOURCE, tmp_path / "program"
    build = [any_compiler(), *FLAGS, "-I", folder / "src", folder / SELF_TEST]
    shell(*build, source, "-o", program)
    shell(program)
    text = source.read_text()
    before, rest = text.split("flowers_weights_1[", 1)
    declared, values = rest.split("{", 1)
    first, others = values.split(",", 1)
    changed = f"{before}flowers_weights_1[{declared}{{ {-int(first)},{others}"
    source.write_text(changed)
    shell(*build, source, "-o", program)
    done = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "of the self-test differs" in done.stdout


def test_a_library_without_a_self_test_does_not_name_one(flowers, tmp_path):
    pipeline, _ = flowers
    folder = tmp_path / "flowers"
    export.to_library(pipeline, folder, features="uint8")
    assert files_of(folder) == FILES - {SELF_TEST}
    for path in FILES - {SELF_TEST}:
        text = (folder / path).read_text().lower()
        assert "self_test" not in text
        assert "self-test" not in text


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
def test_cmake_builds_a_library_and_tests_it(flowers, tmp_path):
    pipeline, X = flowers
    folder, build = tmp_path / "flowers", tmp_path / "build"
    export.to_library(pipeline, folder, features="uint8", self_test=X[::10])
    shell("cmake", "-S", folder, "-B", build)
    shell("cmake", "--build", build)
    assert "100% tests passed" in shell("ctest", "--test-dir", build)
    export.to_library(pipeline, folder, features="uint8")
    shell("cmake", "-S", folder, "-B", build)
    shell("cmake", "--build", build)


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a compiler of C++")
def test_two_libraries_in_a_program_in_cpp(flowers, tmp_path):
    pipeline, X = flowers
    others = {"learn": True}, {"features": "uint8"}
    objects = []
    for name, options in zip(("one", "two"), others, strict=True):
        data = X[::10] if "features" in options else X[::10].astype(float)
        model = pipeline if "features" in options else pipeline[-1]
        export.to_library(model, tmp_path / name, self_test=data, **options)
        objects.append(tmp_path / f"{name}.o")
        source = tmp_path / name / "src" / f"{name}.c"
        shell("gcc", *FLAGS, "-c", source, "-o", objects[-1])
    main = tmp_path / "main.cpp"
    main.write_text(
        '#include "one.h"\n#include "two.h"\n'
        "int main() { return one_self_test() + two_self_test(); }\n"
    )
    folders = [f"-I{tmp_path / name / 'src'}" for name in ("one", "two")]
    shell("g++", *folders, main, *objects, "-o", tmp_path / "main")
    shell(tmp_path / "main")


ARDUINO = """
#include <cstdint>
enum { HIGH = 1, LOW = 0, OUTPUT = 1, LED_BUILTIN = 13, A0 = 14 };
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
int analogRead(uint8_t pin);
void delay(unsigned long ms);
"""


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a compiler of C++")
@pytest.mark.parametrize(
    ("features", "has_test"), in_turn(["uint8", "int16", None], [False, True])
)
def test_the_sketch_is_a_program(flowers, tmp_path, features, has_test):
    pipeline, X = flowers
    folder = tmp_path / "flowers"
    self_test = X[:3] if has_test else None
    export.to_library(pipeline, folder, features=features, self_test=self_test)
    (tmp_path / "Arduino.h").write_text(ARDUINO)
    sketch = folder / SKETCH
    flags = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++"]
    shell(
        "g++", *flags, f"-I{folder / 'src'}", "-include", tmp_path / "Arduino.h", sketch
    )


SKETCH_PROGRAM = """
#include "Arduino.h"
#include <cstdio>
// Sensors of 10 bits; the last one is at its end.
static int read_pin[64];
int analogRead(uint8_t pin) { read_pin[pin]++; return pin == A0 + 3 ? 1023 : 8 * pin; }
void pinMode(uint8_t, uint8_t) {}
void digitalWrite(uint8_t, uint8_t) {}
void delay(unsigned long) {}
#include "Blink.ino"
int main()
{
    loop();
    for (int i = 0; i < 4; ++i) std::printf("%d %d\\n", read_pin[A0 + i], input[i]);
}
"""


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a compiler of C++")
@pytest.mark.parametrize("features", ["uint8", "int16"])
def test_the_sketch_reads_a_pin_for_each_feature(flowers, tmp_path, features):
    pipeline, _ = flowers
    folder = tmp_path / "flowers"
    export.to_library(pipeline, folder, features=features)
    (tmp_path / "Arduino.h").write_text(ARDUINO)
    (tmp_path / "main.cpp").write_text(SKETCH_PROGRAM)
    folders = [tmp_path, folder / "src", (folder / SKETCH).parent]
    shell("gcc", *FLAGS, "-c", folder / SOURCE, "-o", tmp_path / "flowers.o")
    names = [f"-I{name}" for name in folders]
    program = tmp_path / "main"
    shell("g++", *names, tmp_path / "main.cpp", tmp_path / "flowers.o", "-o", program)
    seen = np.array([8 * 14, 8 * 15, 8 * 16, 1023])
    expected = seen // 4 if features == "uint8" else seen
    assert shell(program).split() == [str(n) for x in expected for n in (1, x)]


def test_files_are_replaced_and_others_stay(flowers, tmp_path):
    pipeline, X = flowers
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "README.md").write_text("old")
    export.to_library(pipeline, folder, features="uint8", self_test=X[:3])
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "README.md").read_text().startswith("# flowers")


def test_the_name_is_that_of_the_folder_where_one_is(flowers, tmp_path, monkeypatch):
    pipeline, _ = flowers
    (tmp_path / "flowers/inner").mkdir(parents=True)
    for here, path in ("flowers", "."), ("flowers/inner", ".."):
        monkeypatch.chdir(tmp_path / here)
        export.to_library(pipeline, path)
        assert files_of(tmp_path / "flowers") == FILES - {SELF_TEST}


def test_what_cannot_be_a_library(flowers, tmp_path):
    pipeline, X = flowers
    with pytest.raises(ValueError, match="the name of the folder must be ASCII"):
        export.to_library(pipeline, tmp_path / "my-model")
    with pytest.raises(ValueError, match=r"underscore first .* got '_model'"):
        export.to_library(pipeline, tmp_path / "_model")
    with pytest.raises(NotFittedError):
        export.to_library(TTFSClassifier(), tmp_path / "flowers", self_test=X)
    with pytest.raises(ValueError, match="must have shape"):
        export.to_library(
            pipeline, tmp_path / "flowers", self_test=X[:, :2], features="uint8"
        )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "flowers").write_text("a file")
    with pytest.raises(OSError, match="flowers"):
        export.to_library(pipeline, tmp_path / "flowers", self_test=X)
