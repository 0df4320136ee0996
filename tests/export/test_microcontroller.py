"""The page that leads from a fit to a blinking board is true, word for word."""

import re
import shutil
import subprocess

import pytest
from fixed_header import ROOT

PAGE = ROOT / "docs/guide/microcontroller.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# A board that learns, loses its weights with its power, and finds them in the EEPROM.
FORGETFUL_BOARD = """
#include <avr/io.h>
#include <avr/sleep.h>

#include "keep.c"

static void print(char letter)
{
    while (!(UCSR0A & _BV(UDRE0))) {
    }
    UDR0 = (uint8_t)letter;
}

int main(void)
{
    static const uint8_t flower[] = {57, 28, 41, 13};
    static int8_t learned[sizeof state];
    int8_t *weights = learner_weights(0);
    uint8_t moved = 0, found = 1;

    UCSR0B = _BV(TXEN0);
    print(recall() == -1 ? 'n' : '-'); /* nothing yet */
    for (uint8_t i = 0; i < 12; ++i) learned[i] = weights[i];
    for (uint8_t n = 0; n < 20; ++n) learn(flower, n % 2);
    for (uint8_t i = 0; i < 12; ++i) {
        moved |= learned[i] != weights[i];
        learned[i] = weights[i];
    }
    print(moved ? 'm' : '-');
    keep();
    for (uint8_t i = 0; i < 12; ++i) weights[i] = 0;
    print(recall() == 0 ? 'r' : '-');
    for (uint8_t i = 0; i < 12; ++i) found &= learned[i] == weights[i];
    print(found ? 'f' : '-');
    eeprom_update_byte(kept + 5, (uint8_t)(state[5] + 1));
    print(recall() == -1 ? 'd' : '-'); /* damaged */
    print('\\n');
    sleep_cpu();
}
"""

pytestmark = [
    pytest.mark.slow,  # a board, emulated
    pytest.mark.skipif(not PAGE.exists(), reason="not in a clone"),
    pytest.mark.skipif(
        not (shutil.which("avr-gcc") and shutil.which("simavr")),
        reason="needs avr-gcc and simavr",
    ),
]


def shell(commands):
    """What commands print, without the colours and the dots of the emulator's lines."""
    done = subprocess.run(
        ["sh", "-euc", commands],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return re.sub(r"\x1b\[\d+m|\.$", "", done.stdout, flags=re.MULTILINE)


def sections():
    """The page up to the part about learning, and that part, as blocks of code."""
    parts = PAGE.read_text(encoding="utf-8").split("## 6.")
    return [BLOCK.findall(part) for part in parts]


def test_the_board_blinks_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blinking, learning = sections()
    kinds = [kind for kind, _ in blinking]
    assert kinds == ["python", "python", "c", "sh", "sh", "text"]
    names = {}
    for kind, text in blinking:
        if kind == "python":
            exec(text, names)
        elif kind == "c":
            (tmp_path / "board.c").write_text(text)
        elif kind == "sh":
            printed = shell(text)
        else:
            assert text in printed
    model, X, y = (names[name] for name in ("model", "X_test", "y_test"))
    assert model.score(X, y) > 0.9

    # The board that learns is compiled like the first one.
    (_, python), (_, program) = learning
    exec(python, names)
    assert model.score(X, y) > 0.9
    (tmp_path / "keep.c").write_text(program)
    (tmp_path / "board.c").write_text(FORGETFUL_BOARD)
    compile_board, run_board = (text for kind, text in blinking if kind == "sh")
    warnings = "avr-gcc -Wall -Wextra -Werror"
    shell(compile_board.replace("flowers", "learner").replace("avr-gcc", warnings, 1))
    assert "nmrfd\n" in shell(run_board)
