"""A model as a folder that the tools of embedded developers take as a library."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template

from sklearn.pipeline import Pipeline

from .._files import write_text
from .._typing import FeatureType, FilePath
from ..core import __version__
from ..encoders.spike_trains import Features
from ..estimators import TTFSClassifier
from .c_source import c_model, check_prefix, header_text, source_text

_ARDUINO = Template("""\
name=${name}
version=1.0.0
author=(your name)
maintainer=(your name)
sentence=A network of first-spike neurons in integers, ${sizes}.
paragraph=Written by ttfs ${version}. C99 without floating point or allocation.
category=Data Processing
architectures=*
includes=${name}.h
""")

_PLATFORMIO = Template("""\
{
  "name": "${name}",
  "version": "1.0.0",
  "description": "A network of first-spike neurons, ${sizes}",
  "headers": "${name}.h",
  "frameworks": "*",
  "platforms": "*",
  "build": {
    "flags": "-ffunction-sections -fdata-sections"
  }
}
""")

_CMAKE = Template("""\
cmake_minimum_required(VERSION 3.10)
project(${name} C)

add_library(${name} STATIC src/${name}.c)
target_include_directories(${name} PUBLIC src)
set_target_properties(${name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)
target_compile_options(${name} PRIVATE
    $$<$$<C_COMPILER_ID:GNU,Clang,AppleClang>:-ffunction-sections;-fdata-sections>)
${self_test}""")

_CMAKE_SELF_TEST = Template("""
# The self-test runs where the compiler's programs run: ctest.
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR AND NOT CMAKE_CROSSCOMPILING)
    enable_testing()
    add_executable(${name}_self_test test/self_test.c)
    target_link_libraries(${name}_self_test ${name})
    add_test(self_test ${name}_self_test)
endif()
""")

_SELF_TEST = Template("""\
/* The self-test of ${name} as a program: it prints which sample is wrong, and returns 0
 * if none is. */
#include "${name}.h"

#include <stdio.h>

int main(void)
{
    const int wrong = ${name}_self_test();
    if (wrong != 0) printf("sample %d of the self-test differs\\n", wrong);
    return wrong != 0;
}
""")

_EXAMPLES = "examples"  # of the library
_SKETCH = Template("""\
// Blink the number of the class of what the analog pins see: once for class 0.
#include <${name}.h>

${type} input[${n_inputs}];

void blink(unsigned times, unsigned long ms)
{
    while (times-- > 0) {
        digitalWrite(LED_BUILTIN, HIGH);
        delay(ms);
        digitalWrite(LED_BUILTIN, LOW);
        delay(ms);
    }
}

void setup()
{
    pinMode(LED_BUILTIN, OUTPUT);
${self_test}}

void loop()
{
    for (uint16_t i = 0; i < ${n_inputs}; ++i) {
        // Replace this line by your sensor: ${reads}
        input[i] = (${type})${sensor};
    }
    blink(1 + (unsigned)${name}_${function}(input), 200);
    delay(1000);
}
""")

_SKETCH_SELF_TEST = Template("""\
    // The processor is wrong for this model if its self-test fails.
    while (${name}_self_test() != 0) blink(1, 50);
""")

_README = Template("""\
# ${name}

A network of first-spike neurons in integers, ${sizes}, written by ttfs ${version}.
`src/${name}.h` tells what goes in, which classes come out, and which functions there
are.

- Arduino: copy this folder to `libraries` in your sketchbook; the example is
  *${name} > Blink*.
- PlatformIO: copy it to `lib` of your project.
- CMake: `add_subdirectory(${name})`, `target_link_libraries(program ${name})`.
- Anything else: compile `src/${name}.c`. It needs no other file, no library, and C99
  (on an AVR GNU C99, by which its tables stay in flash).
${self_test}
The weights and tables of the model are yours; put your name into
`library.properties`. The functions around them are a part of ttfs, whose licence is in
`LICENSE`.
""")

_README_SELF_TEST = Template("""
Alone, `cmake -S . -B build && cmake --build build && ctest --test-dir build` runs the
self-test.
""")

# That of ttfs itself.
_LICENSE = """\
BSD 3-Clause License

Copyright (c) 2026, The ttfs developers
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its
   contributors may be used to endorse or promote products derived from
   this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS"
AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE
FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL
DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER
CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY,
OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""


def to_library(
    model: TTFSClassifier | Pipeline,
    folder: FilePath,
    *,
    self_test: Features | None = None,
    learn: bool = False,
    features: FeatureType | None = None,
) -> None:
    """Write a model as a library for Arduino, PlatformIO and CMake.

    The last part of the path of the folder is the name of the library, and what all
    names in it begin with. In it are

    - in `src`, ``NAME.h`` and ``NAME.c``: what :func:`to_c` writes, as a header, which
      C++ reads too, and a source,
    - ``library.properties``, ``library.json`` and ``CMakeLists.txt`` for the tools,
    - ``Blink.ino``, an example of a sketch, and with `self_test` ``self_test.c``, a
      program that tests the model where it runs,
    - ``README.md``, and ``LICENSE``, that of the functions around the model.

    Parameters
    ----------
    model : TTFSClassifier or Pipeline
        Fitted, with arithmetic="fixed"; what :func:`to_c` takes.
    folder : str or path-like
        The folder. It is made where there is none; of one that exists the files named
        above are replaced, and others stay.
    self_test : {array-like, sparse matrix, SpikeTrains} of shape (n_samples, \
n_features), default=None
        Samples of the self-test: some ten suffice. With `features` raw ones, which
        cannot be SpikeTrains. None: there is no self-test.
    learn : bool, default=False
        Whether the model can learn, see :func:`to_c`.
    features : {"uint8", "int16"} or NumPy type, default=None
        The type of raw features that the model takes besides ticks, see :func:`to_c`.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As :func:`to_c`; and if the name of the folder is not one in C.
    OSError
        If the folder or a file in it cannot be written.

    See Also
    --------
    to_c : A model as one file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ttfs import TTFSClassifier, export
    >>> from ttfs.datasets import make_yin_yang
    >>> X, y = make_yin_yang(200, random_state=0)
    >>> clf = TTFSClassifier((20,), arithmetic="fixed", max_iter=1).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export.to_library(clf, Path(folder, "yin_yang"), self_test=X[:10])
    ...     sorted(path.name for path in Path(folder, "yin_yang").iterdir())
    ['CMakeLists.txt', 'LICENSE', 'README.md', 'examples', 'library.json', \
'library.properties', 'src', 'test']
    """
    folder = Path(os.path.abspath(folder))  # whose name is no dot
    check_prefix(folder.name, "the name of the folder")
    c = c_model(
        model, learn=learn, prefix=folder.name, self_test=self_test, features=features
    )
    for path, text in _files(c).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)


def _files(c):
    """The texts of a library by their paths in its folder."""
    inputs, function, reads = "CHANNELS", "infer", "the tick of channel i."
    if c.encoder is not None:
        inputs, function, reads = "FEATURES", "classify", "the raw feature i."
    features = "uint16" if c.encoder is None else c.encoder.features
    sensor = "analogRead(A0 + i)"
    values = {
        "name": c.prefix,
        "sizes": "-".join(map(str, c.model.sizes)),
        "version": __version__,
        "type": f"{features}_t",
        "n_inputs": f"{c.prefix.upper()}_N_{inputs}",
        "function": function,
        "reads": reads,
        # Converters of Arduino boards have 10 bits.
        "sensor": f"({sensor} >> 2)" if features == "uint8" else sensor,
    }
    texts = {
        f"src/{c.prefix}.h": header_text(c),
        f"src/{c.prefix}.c": source_text(c, header=f"{c.prefix}.h"),
        "library.properties": _ARDUINO.substitute(values),
        "library.json": _PLATFORMIO.substitute(values),
        "LICENSE": _LICENSE,
    }
    has_test = c.samples is not None
    for path, template, self_test in (
        ("CMakeLists.txt", _CMAKE, _CMAKE_SELF_TEST),
        (f"{_EXAMPLES}/Blink/Blink.ino", _SKETCH, _SKETCH_SELF_TEST),
        ("README.md", _README, _README_SELF_TEST),
    ):
        part = self_test.substitute(values) if has_test else ""
        texts[path] = template.substitute(values, self_test=part)
    if has_test:
        texts["test/self_test.c"] = _SELF_TEST.substitute(values)
    return texts
