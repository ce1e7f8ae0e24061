"""Published silicon beside the prediction, as `tantala silicon` prints it, made at each build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tantala.base.quantity import format_si
from tantala.cim.silicon import compare_cim
from tantala.macro.silicon import compare, summary


def pages() -> Iterator[tuple[str, str]]:
    """(name, Markdown) of each page."""
    rows = compare()
    lines = _table(rows)
    lines += ["", "## Geometric-mean error", "", "1.00 is perfect.", ""]
    lines += ["| use | figure | error | rows |", "|---|---|---:|---:|"]
    for part in summary(rows):
        lines.append(f"| {part.use} | {_words(part.figure)} | {part.error:.2f} | {part.count} |")
    lines += _notes(rows)
    yield "silicon", "\n".join(lines) + "\n"
    rows = compare_cim()
    yield "cim_silicon", "\n".join(_table(rows) + _notes(rows, "###")) + "\n"


def _table(rows: Sequence[Any]) -> list[str]:
    lines = ["| row | use | figure | published | tag | predicted | ratio | allowed | met |"]
    lines += ["|---|---|---|---:|---|---:|---:|---|---|"]
    return lines + [_line(row, comparison) for row in rows for comparison in row.comparisons]


def _line(row: Any, comparison: Any) -> str:
    low, high = (format_si(value, comparison.unit, 3) for value in comparison.published)
    cells = [f"`{row.name}`", comparison.use, _words(comparison.figure)]
    cells += [low if low == high else f"{low} to {high}", comparison.tag]
    cells += [format_si(comparison.predicted, comparison.unit, 3), f"{comparison.ratio:.2f}"]
    cells += [comparison.band_text, "yes" if comparison.met else "**no**"]
    return "| " + " | ".join(cells) + " |"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _notes(rows: Sequence[Any], level: str = "##") -> list[str]:
    lines = ["", f"{level} Rows", ""]
    for row in rows:
        parts = [f"{row.title}: {row.refused or row.why}."]
        parts += [
            f"Not predicted: {_words(name)} ({why})." for name, why in row.not_predicted.items()
        ]
        parts += [f"Assumed {_words(name)}: {why}." for name, why in row.assumed.items()]
        lines += [f"`{row.name}`", f": {' '.join(parts)}", ""]
    return lines
