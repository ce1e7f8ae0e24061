"""The examples of docs/cim.md and of the README's part run as they stand, one after the other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHIPS = 3  # where the page asks ten: the same calls, sooner done
PAGE = (ROOT / "docs" / "cim.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, code) of every fenced block."""
    return re.findall(r"^```(\S*).*?\n(.*?)^```", text, re.M | re.S)


def test_the_pages_examples(
    digits_network: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    printed: list[str] = []
    commands = 0
    for language, code in blocks(PAGE):
        if language == "{code-block}":
            body = code.partition("\n\n")[2]
            (tmp_path / "network.py").write_text(body, encoding="utf-8")
        elif language == "python":
            exec(code.replace("seeds=10", f"seeds={CHIPS}"), names)
            printed.append(capsys.readouterr().out)
        elif language == "py":
            compile(code, "docs/cim.md", "exec")  # it would fetch a model: only its grammar
        else:
            commands += 1
            program, *arguments = shlex.split(code)
            assert program == "tantala"
            status, out, err = command(*arguments, "--seeds", CHIPS)
            assert status == 0, err
            assert "10 years at 85 °C" in out
    assert commands == 1
    assert (tmp_path / "report" / "inference.html").is_file()
    assert printed[1] == "['0']\n"
    mean, low, high = map(float, printed[3].split())
    assert low < mean < high
    assert mean > 0.8


def test_the_readmes_example(digits_network: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (code for language, code in blocks(README) if "cim.convert" in code)
    exec(code, {})
    today, aged = map(float, capsys.readouterr().out.split()[:2])
    assert 0.8 < today <= 1.0
    assert aged < today
