"""Assumptions by influence: move each assumed number over its span and see what the figures do.

Only what depends on a number is built again: a circuit constant does not touch the cell, and a cell
number does not touch the technology. The organisation stays as found, since the question is what
the datasheet of this very macro would say.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from tantala.base.errors import TantalaError
from tantala.base.record import Item, Number, Value
from tantala.cell.cell import cell_from, load_cell
from tantala.cell.write_statistics import write_statistics
from tantala.cell.write_verify import SCHEMES
from tantala.circuit import load_circuits
from tantala.macro.compile_cell import train
from tantala.macro.constants import load_assembly
from tantala.macro.design import Design
from tantala.macro.macro import Macro
from tantala.report.figures import Influence
from tantala.report.moved_tails import MovedTails
from tantala.technology.node import from_item, interpolate

if TYPE_CHECKING:
    from tantala.cell import Cell
    from tantala.macro.bit_cell import BitCell
    from tantala.macro.plan import Plan
    from tantala.macro.sheet import Sheet
    from tantala.technology import Technology

_AGEING = ("relaxation", "retention", "noise", "endurance")  # laws of no pulse
_NO_PART = ("forming", "disturb")
_SIZES = ("width", "height", "access_width")
_WRITTEN = 500  # cells written an evaluation: both ends draw alike, so their ratio hardly scatters
SHARE = 0.2  # moved by this share either way where a number states no span of its own


@dataclass(frozen=True)
class Move:
    """One assumed number and the two values it is moved to, in its own unit; a list is scaled as a
    whole, by the factors `low` and `high`.
    """

    item: Item
    number: Number
    low: float
    high: float
    span: Literal["stated", "20 %"]

    @property
    def present(self) -> float:
        """The number's own value; 1 for a list."""
        value = self.number.value
        return 1.0 if isinstance(value, tuple) else value

    def item_at(self, value: float) -> Item:
        """The item with the number at `value`."""
        number = self.number
        at: Value = value
        if isinstance(number.value, tuple):
            at = tuple(value * part for part in number.value)
        return self.item.with_values({number.path: at})


def moves(items: Iterable[Item]) -> Iterator[Move]:
    """Every assumed number of `items` that is not zero, with the ends of its span."""
    for item in items:
        for number in item.numbers.values():
            if number.kind != "assumed" or not number.value:
                continue
            if isinstance(number.value, tuple):
                yield Move(item, number, 1.0 - SHARE, 1.0 + SHARE, "20 %")
            elif number.span is not None and number.span[0] < number.span[1]:
                yield Move(item, number, *number.span, "stated")
            else:
                ends = sorted((number.value * (1 - SHARE), number.value * (1 + SHARE)))
                yield Move(item, number, ends[0], ends[1], "20 %")


class Rebuild:
    """The macro with one library item replaced, at typical conditions; the organisation is kept."""

    def __init__(self, macro: Macro, cell: Cell) -> None:
        self.macro = macro
        self._cell = cell

    @functools.cached_property
    def _tails(self) -> MovedTails:
        return MovedTails(self.macro, self._cell)

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

    def has_part(self, move: Move) -> bool:
        """Whether a number can matter: forming and read disturb are no part of these figures, nor
        are the write schemes that the design does not use.
        """
        if move.item.kind != "cell":
            return True
        law, _, rest = move.number.path.partition(".")
        other = set(SCHEMES) - {self.macro.design.write.scheme}
        return law not in _NO_PART and not (law == "write" and rest.split(".")[0] in other)

    def _bit_cell(self, item: Item, number: str) -> BitCell:
        """The compiled cell; what the changed number has no part in is kept."""
        base, design, cell = self.macro.cell, self.macro.design, cell_from(item)
        law = number.split(".")[0]
        if law == "geometry":
            sizes = {name: item.value(f"geometry.{name}", "m") for name in _SIZES}
            return replace(base, model=cell, **sizes)
        changed = replace(base, model=cell, aged=self._tails.moved(base.aged, cell, law))
        if law in _AGEING:
            return changed
        counted = write_statistics(
            cell, design.write.scheme, seed=design.seed, cells=_WRITTEN, backend="numba"
        )
        set_train, reset_train = (train(t) for t in (counted.set, counted.reset))
        stuck = set_train.residue + reset_train.residue
        return replace(changed, set=set_train, reset=reset_train, stuck=stuck)


def technology_from(technology: Technology, item: Item) -> Technology:
    """The node with one of its items replaced; a node between library nodes is blended again."""
    anchors = [from_item(item if item.name == one.name else one) for one in technology.items]
    return anchors[0] if len(anchors) == 1 else interpolate(anchors, technology.node)


def influence(move: Move, rebuild: Rebuild, headline: tuple[str, ...]) -> Influence:
    """Log-change of each headline figure from the low to the high end of a number's span.

    An end at which the macro cannot be built (a closed window, a voltage no device bears) is taken
    back to the present value: the influence is then that of the other half.
    """
    ends: list[tuple[float, Mapping[str, float]]] = []
    if not rebuild.has_part(move):
        same = dict.fromkeys(headline, 1.0)
        ends = [(move.low, same), (move.high, same)]
    else:
        for value in (move.low, move.high):
            try:
                ends.append((value, rebuild(move.item_at(value), move.number.path).values))
            except TantalaError:
                present = rebuild(move.item_at(move.present), move.number.path)
                ends.append((move.present, present.values))
    (low, first), (high, last) = ends
    effects = {name: _log_ratio(first[name], last[name]) for name in headline}
    moved = _log_ratio(low, high)
    return Influence(
        item=move.item.name,
        number=move.number.path,
        value=move.present,
        unit="×" if isinstance(move.number.value, tuple) else move.number.unit,
        low=low,
        high=high,
        span=move.span,
        note=move.number.note,
        effects=effects,
        elasticity={name: effect / moved if moved else 0.0 for name, effect in effects.items()},
    )


def _log_ratio(low: float, high: float) -> float:
    """ln(high / low); 0 where a ratio means nothing (a zero, a change of sign, infinity)."""
    if low * high <= 0 or not math.isfinite(low) or not math.isfinite(high):
        return 0.0
    return math.log(high / low)


def influences(
    stated: str, plan: Plan, cell: BitCell, kinds: tuple[str, ...], headline: tuple[str, ...]
) -> list[Influence]:
    """Influence of every assumed number in the items of `kinds` ("cell", "technology", "circuit").

    Takes what can be sent to another process, the design as JSON; the macro is made again from it.
    """
    design = Design.model_validate_json(stated)
    model = load_cell(design.cell)
    macro = Macro(design, cell=replace(cell, model=model), plan=plan)
    rebuild = Rebuild(macro, model)
    items = (model.item, *macro.technology.items, *macro.circuits.items, macro.assembly.item)
    wanted = [item for item in items if item.kind in kinds]
    return [influence(move, rebuild, headline) for move in moves(wanted)]


def ranked(found: list[Influence]) -> tuple[Influence, ...]:
    """Largest influence on any headline figure first; of equals in the order of their names."""
    return tuple(sorted(found, key=lambda entry: (-entry.rank, entry.item, entry.number)))
