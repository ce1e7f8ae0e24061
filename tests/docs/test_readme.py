"""The README's examples run as they stand."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


def snippets() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)


def test_the_array_and_its_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed is short, and the picture is one."""
    monkeypatch.chdir(tmp_path)
    found = [text for text in snippets() if "tt.Array(" in text or "array_maps" in text]
    assert len(found) == 2
    names: dict[str, object] = {}
    exec("import tantala as tt", names)
    for text in found:
        exec(text, names)
    out = capsys.readouterr().out
    assert "Solution(64 x 64 cells" in out
    assert len(out.splitlines()) < 8
    ElementTree.parse(tmp_path / "worst_read.svg")
