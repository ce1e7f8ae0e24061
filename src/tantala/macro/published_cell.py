"""The bit cell of a published macro: its own numbers, and shapes borrowed from a library cell.

No publication gives whole distributions, so their shapes (spread, tails, relaxation, ageing) are
those of a library cell, moved so that the medians are the published resistances.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tantala.base.record import Item
from tantala.macro.bit_cell import BitCell, Levels
from tantala.macro.levels import Level, scaled


def published_cell(row: Item, donor: BitCell) -> BitCell:
    """`donor` with the cell area and the median resistances of a published row, if it has them.

    The access transistor grows with the cell's pitch.
    """
    cell = replace(donor, name=row.name, records=(*donor.records, *row.numbers.values()))
    if row.has("inputs.cell_area"):
        ratio = math.sqrt(row.value("inputs.cell_area", "m^2") / donor.area)
        cell = replace(
            cell,
            width=cell.width * ratio,
            height=cell.height * ratio,
            access_width=cell.access_width * ratio,
        )
    for state, key in (("low", "low_resistance"), ("high", "high_resistance")):
        if row.has(f"inputs.{key}"):
            median = 1.0 / row.value(f"inputs.{key}", "ohm")
            cell = _moved(cell, state, median)
    return cell


def _moved(cell: BitCell, state: str, median: float) -> BitCell:
    fresh: Level = getattr(cell.fresh, state)
    factor = median / fresh.low_tail(0.5)
    changed: dict[str, Levels] = {}
    for age in ("fresh", "aged"):
        levels: Levels = getattr(cell, age)
        changed[age] = replace(levels, **{state: scaled(getattr(levels, state), factor)})
    return replace(cell, **changed)
