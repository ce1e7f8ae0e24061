"""Assumptions by influence: move each assumed number over its span and see what the figures do.

Only what depends on a number is built again: a circuit constant does not touch the cell, and a cell
number does not touch the technology. The organisation stays as found, since the question is what
the datasheet of this very macro would say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from tantala.base.errors import TantalaError
from tantala.base.record import Item, Number
from tantala.cell.cell import cell_from
from tantala.cell.write_statistics import write_statistics
from tantala.circuit import load_circuits
from tantala.macro.compile_cell import levels_of, train
from tantala.macro.constants import load_assembly
from tantala.macro.macro import Macro
from tantala.report.figures import Influence
from tantala.technology.node import from_item, interpolate

if TYPE_CHECKING:
    from tantala.macro.bit_cell import BitCell
    from tantala.macro.sheet import Sheet
    from tantala.technology import Technology

_AGEING = ("relaxation", "retention", "disturb", "endurance")  # laws of no pulse
_SIZES = ("width", "height", "access_width")
_EFFORT = {"cells": 2000, "resolution": 0.5}  # of the levels of a changed cell
_WRITTEN = 2000  # cells written an evaluation: both ends draw alike, so their ratio hardly scatters
SHARE = 0.2  # moved by this share either way where a number states no span of its own


@dataclass(frozen=True)
class Move:
    """One assumed number and the two values it is moved to, in its own unit."""

    item: Item
    number: Number
    low: float
    high: float
    span: Literal["stated", "20 %"]


def moves(items: Iterable[Item]) -> Iterator[Move]:
    """Every assumed scalar of `items` with the ends of its span."""
    for item in items:
        for number in item.numbers.values():
            if number.kind != "assumed" or isinstance(number.value, tuple) or not number.value:
                continue
            if number.span is not None and number.span[0] < number.span[1]:
                yield Move(item, number, *number.span, "stated")
            else:
                ends = sorted((number.value * (1 - SHARE), number.value * (1 + SHARE)))
                yield Move(item, number, ends[0], ends[1], "20 %")


class Rebuild:
    """The macro with one library item replaced, at typical conditions; the organisation is kept."""

    def __init__(self, macro: Macro) -> None:
        self.macro = macro

    def __call__(self, item: Item, number: str) -> Sheet:
        """Figures with `item` in the place of the one of its kind and name; it differs from that
        one in `number`.

        Raises: TantalaError where no macro can be built with it.
        """
        macro = self.macro
        kept = ("cell", "technology", "circuits", "assembly")
        parts: dict[str, Any] = {name: getattr(macro, name) for name in kept}
        if item.kind == "cell":
            parts["cell"] = self._bit_cell(item, number)
        elif item.kind == "technology":
            parts["technology"] = technology_from(macro.technology, item)
        elif item.name == macro.assembly.item.name:
            parts["assembly"] = load_assembly(item)
        else:
            parts["circuits"] = load_circuits({item.name: item})
        rebuilt = Macro(macro.design, plan=macro.plan, **parts)
        return rebuilt.evaluate("typical", macro.design.environment.temperature_typical)

    def _bit_cell(self, item: Item, number: str) -> BitCell:
        """The compiled cell; what the changed number has no part in is kept."""
        base, design, cell = self.macro.cell, self.macro.design, cell_from(item)
        law = number.split(".")[0]
        if law == "geometry":
            sizes = {name: item.value(f"geometry.{name}", "m") for name in _SIZES}
            return replace(base, model=cell, **sizes)
        need, scheme = design.requirements, design.write.scheme
        life = (need.retention.time, need.retention.temperature, need.endurance)
        changed = replace(
            base, model=cell, aged=levels_of(cell, scheme, *life, extrapolate=True, **_EFFORT)
        )
        if law in _AGEING:
            return changed
        counted = write_statistics(cell, scheme, seed=design.seed, cells=_WRITTEN)
        set_train, reset_train = (train(t, _WRITTEN) for t in (counted.set, counted.reset))
        stuck = set_train.residue + reset_train.residue
        return replace(changed, set=set_train, reset=reset_train, stuck=stuck)


def technology_from(technology: Technology, item: Item) -> Technology:
    """The node with one of its items replaced; a node between library nodes is blended again."""
    anchors = [from_item(item if item.name == one.name else one) for one in technology.items]
    return anchors[0] if len(anchors) == 1 else interpolate(anchors, technology.node)


def influence(
    move: Move, evaluate: Callable[[Item, str], Sheet], headline: tuple[str, ...]
) -> Influence:
    """Log-change of each headline figure from the low to the high end of a number's span.

    An end at which the macro cannot be built (a closed window, a voltage no device bears) is taken
    back to the present value: the influence is then that of the other half.
    """
    present = _scalar(move.number)
    ends: list[tuple[float, Sheet]] = []
    for value in (move.low, move.high):
        try:
            ends.append((value, evaluate(_changed(move, value), move.number.path)))
        except TantalaError:
            ends.append((present, evaluate(_changed(move, present), move.number.path)))
    (low, first), (high, last) = ends
    effects = {name: _log_ratio(first[name], last[name]) for name in headline}
    moved = _log_ratio(low, high)
    return Influence(
        item=move.item.name,
        number=move.number.path,
        value=present,
        unit=move.number.unit,
        low=low,
        high=high,
        span=move.span,
        note=move.number.note,
        effects=effects,
        elasticity={name: effect / moved if moved else 0.0 for name, effect in effects.items()},
    )


def _changed(move: Move, value: float) -> Item:
    return move.item.with_values({move.number.path: value})


def _scalar(number: Number) -> float:
    assert not isinstance(number.value, tuple)
    return number.value


def _log_ratio(low: float, high: float) -> float:
    """ln(high / low); 0 where a ratio means nothing (a zero, a change of sign, infinity)."""
    if low * high <= 0 or not math.isfinite(low) or not math.isfinite(high):
        return 0.0
    return math.log(high / low)


def ranked(found: list[Influence]) -> tuple[Influence, ...]:
    """Largest influence on any headline figure first; of equals in the order of their names."""
    return tuple(sorted(found, key=lambda entry: (-entry.rank, entry.item, entry.number)))
