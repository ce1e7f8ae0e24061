"""Breakdowns as drawings: a waterfall for times that follow each other, one stacked bar a row for
sums.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tantala.report.notation import capitalised, percent, scaled, written
from tantala.report.style import ACCENT, BLOCKS, GREY, INK, RULE
from tantala.report.svg import Drawing

_STEP = 5.4  # mm from row to row


def _ticks(maximum: float, wanted: int = 5) -> list[float]:
    """Round positions from 0 up to `maximum`."""
    raw = maximum / wanted
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = min((magnitude * factor for factor in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    return [i * step for i in range(int(maximum / step + 1e-9) + 1)]


def waterfall(
    parts: Mapping[str, float],
    unit: str,
    total_title: str,
    symbol: str = "",
    width: float = 172.0,
) -> str:
    """Steps that follow one another: each bar starts where the one before ends; the sum stands
    below. With `symbol`, steps are numbered t1, t2, ... beside their names.
    """
    shown = {name: value for name, value in parts.items() if 0 < value < math.inf}
    total = sum(shown.values())
    (whole,), sign = scaled([total], unit)
    left, right = 56.0, width - 20.0
    drawing = Drawing(width, _STEP * (len(shown) + 1) + 9.5, total_title)
    bottom = _STEP * (len(shown) + 1) + 1.5
    printed = float(whole.replace("\N{NARROW NO-BREAK SPACE}", ""))
    for tick in _ticks(printed):
        x = left + (right - left) * tick / printed
        drawing.path([(x, 0.5), (x, bottom)], stroke=RULE, line=0.12)
        drawing.text(x, bottom + 3.2, f"{tick:g}", size=6.5, anchor="middle", fill=GREY)
    drawing.text(right + 3, bottom + 3.2, sign, size=6.5, fill=GREY)
    start = 0.0
    for index, (name, value) in enumerate(shown.items()):
        y = 0.8 + _STEP * index
        x, length = (
            left + (right - left) * start / total,
            (right - left) * value / total,
        )
        drawing.text(left - (8.5 if symbol else 2.5), y + 2.9, capitalised(name), anchor="end")
        if symbol:
            drawing.text(left - 6.5, y + 2.9, symbol, sub=str(index + 1), italic=True)
        drawing.rectangle(x, y, max(length, 0.15), _STEP - 1.6, fill=ACCENT, stroke=None)
        inside = x + length + 12 > width
        drawing.text(
            x - 1.2 if inside else x + length + 1.2,
            y + 2.9,
            written(value, unit),
            anchor="end" if inside else "start",
            fill=INK,
        )
        start += value
        if index + 1 < len(shown):
            edge = left + (right - left) * start / total
            drawing.path([(edge, y + _STEP - 1.6), (edge, y + _STEP)], line=0.15, stroke=GREY)
    y = 0.8 + _STEP * len(shown)
    drawing.text(left - 2.5, y + 2.9, total_title, anchor="end", weight=600)
    drawing.rectangle(left, y, right - left, _STEP - 1.6, fill=INK, stroke=None)
    drawing.text(right + 1.2, y + 2.9, f"{whole} {sign}", weight=600)
    drawing.path([(left, 0.5), (left, bottom)], line=0.2)
    return str(drawing)


def _folded(parts: Mapping[str, float]) -> dict[str, float]:
    """Parts below a fiftieth of their sum together as "other": no reader finds them in a bar."""
    total = sum(parts.values())
    shown = {name: value for name, value in parts.items() if value >= total / 50}
    rest = total - sum(shown.values())
    return {**shown, "other": rest} if rest > total * 1e-9 else shown


def stacked(
    rows: Sequence[tuple[str, Mapping[str, float]]],
    unit: str,
    width: float = 172.0,
) -> str:
    """One bar a row, split into its parts, each row to its own sum, with a shared key below.

    Parts below two per cent of a bar are drawn together as "other".
    """
    rows = [(label, _folded(parts)) for label, parts in rows]
    names: list[str] = []
    for _, parts in rows:
        names += [name for name in parts if name not in (*names, "other")]
    # Every fourth colour: neighbours in a bar then differ clearly.
    fill = {name: BLOCKS[4 * i % len(BLOCKS)] for i, name in enumerate(names)}
    names.append("other")
    fill["other"] = RULE
    left, right = 44.0, width - 22.0
    per_row = 4
    lines = -(-len(names) // per_row)
    drawing = Drawing(width, 8.0 * len(rows) + 5.0 * lines + 4.0, "Energy by part")
    for index, (label, parts) in enumerate(rows):
        y = 0.8 + 8.0 * index
        total = sum(parts.values())
        (text,), sign = scaled([total], unit)
        drawing.text(left - 2.5, y + 3.7, label, anchor="end")
        x = left
        for name, value in parts.items():
            length = (right - left) * value / total
            drawing.rectangle(
                x, y, length, 5.4, fill=fill[name], stroke="#ffffff", line=0.15,
                title=f"{capitalised(name)}: {percent(value / total, 2)}",
            )  # fmt: skip
            if length > 9:
                share = percent(value / total, 2)
                drawing.text(x + length / 2, y + 3.6, share, size=6.3, anchor="middle")
            x += length
        drawing.text(right + 1.5, y + 3.7, f"{text} {sign}", weight=600)
    top = 8.0 * len(rows) + 4.0
    step = width / per_row
    for index, name in enumerate(names):
        x, y = (index % per_row) * step, top + 5.0 * (index // per_row)
        drawing.rectangle(x + 0.3, y - 2.3, 3.0, 3.0, fill=fill[name], line=0.1)
        drawing.text(x + 4.6, y, capitalised(name))
    return str(drawing)
