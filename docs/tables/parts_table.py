"""Simulated chips beside the data sheets of real parts, run afresh at each build."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tantala.base.quantity import format_si

PUBLISHED = Path(__file__).parents[2] / "tests" / "published"


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    sys.path.insert(0, str(PUBLISHED))
    runs = importlib.import_module("part_runs")
    sys.path.remove(str(PUBLISHED))
    lines: list[str] = []
    misses: list[str] = []
    for name, part in runs.parts().items():
        lines += ["", f"## {part['part']}: `{name}`", ""]
        lines += ["| figure | data sheet | source | simulated | ratio | band | met |"]
        lines += ["|---|---:|---|---:|---:|---|---|"]
        for row in runs.rows(name):
            lines.append(_line(row))
            if row.miss:
                misses.append(f"- `{name}`, {_words(row.figure)}: {row.miss}.")
    lines += ["", "## Known misses", "", *misses]
    yield "parts", "\n".join(lines) + "\n"


def _line(row: Any) -> str:
    measured = _value(row.measured, row.unit)
    if row.published is None:
        return f"| {_words(row.figure)} | not published | | {measured} | – | – | – |"
    band = "at least" if row.figure == "endurance" else f"x{row.band:g}"
    cells = [_words(row.figure), _value(row.published, row.unit), f"`{row.source}`: {row.where}"]
    cells += [measured, f"{row.ratio:.2g}", band, "yes" if row.met else "**no**"]
    return "| " + " | ".join(cells) + " |"


def _value(value: float, unit: str) -> str:
    return f"{value:.2g} writes" if unit == "1" else format_si(value, unit, 3)


def _words(name: str) -> str:
    return name.replace("_", " ")
