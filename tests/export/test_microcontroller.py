"""The page that leads from a fit to a blinking board is true, word for word."""

import re
import shutil
import subprocess

import pytest
from fixed_header import ROOT

PAGE = ROOT / "docs/guide/microcontroller.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not PAGE.exists(), reason="not in a clone")
@pytest.mark.skipif(
    not (shutil.which("avr-gcc") and shutil.which("simavr")),
    reason="needs avr-gcc and simavr",
)
def test_the_board_blinks_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    kinds = [kind for kind, _ in blocks]
    assert kinds == ["python", "python", "c", "sh", "sh", "text"]
    names = {}
    for kind, text in blocks:
        if kind == "python":
            exec(text, names)
        elif kind == "c":
            (tmp_path / "board.c").write_text(text)
        elif kind == "sh":
            done = subprocess.run(
                ["sh", "-euc", text],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=100,
                check=False,
            )
            assert done.returncode == 0, done.stdout
        else:
            # The emulator colours each line, and shows its end as a dot.
            printed = re.sub(r"\x1b\[\d+m|\.$", "", done.stdout, flags=re.MULTILINE)
            assert text in printed
    assert names["model"].score(names["X_test"], names["y_test"]) > 0.9
