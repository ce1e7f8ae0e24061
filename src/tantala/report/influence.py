"""Assumptions by influence: move each assumed number over its span and see what the figures do.

Only what depends on a number is built again: a circuit constant does not touch the cell, and a cell
number does not touch the technology. The organisation stays as found, since the question is what
the datasheet of this very macro would say.

The macro is evaluated anew at both ends of a number's span. Where a number has a part in writing,
that means writing many cells again; this is done for the numbers that lead the ranking. The others
are estimated from fewer written cells, which scatters in the error rate, and are marked
approximate. The share of cells that writing leaves unverified is held: it is too rare to be counted
anew for each number; so is the share worn out where a RESET number is moved.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from tantala.base.errors import TantalaError
from tantala.base.record import Item, Number, Value
from tantala.cell.cell import Cell, cell_near, load_cell
from tantala.cell.write_scheme import SCHEMES
from tantala.cell.write_statistics import write_statistics
from tantala.circuit import load_circuits
from tantala.macro.compile_cell import levels_of, train, worn
from tantala.macro.constants import load_assembly
from tantala.macro.design import Design
from tantala.macro.macro import Macro
from tantala.report.crew import Crew
from tantala.report.figures import Influence
from tantala.technology.node import from_item, interpolate

if TYPE_CHECKING:
    from tantala.macro.bit_cell import BitCell
    from tantala.macro.plan import Plan
    from tantala.macro.sheet import Sheet
    from tantala.technology import Technology

_AGEING = ("relaxation", "retention")  # laws without a part in writing
_NO_PART = ("forming", "disturb")
# Laws that leave the wear as it is. RESET numbers change it through the depth from which a SET
# starts: by less than 0.03 of its logarithm, which few cells could not tell.
_NO_WEAR = (*_AGEING, "reset")
_SIZES = ("width", "height", "access_width")
WRITTEN = 20_000  # cells written for the numbers that lead the ranking
FEW = 2000  # cells written for an estimate, which scatters by some 0.3 of ln(error rate)
# Of the levels' quadrature: 0.25 is within 2 % of the change of an error rate that 1 gives.
RESOLUTION = {WRITTEN: 0.25, FEW: 0.125}
# Of `write_wear`: its bias with so few writes cancels, since only ratios are taken from it, and
# both of a ratio take the same cells; it then scatters by 0.1 of ln(share worn out) with the more.
WEAR = {
    WRITTEN: {"taken": 64, "repeats": 8, "writes": 4},
    FEW: {"taken": 32, "repeats": 4, "writes": 1},
}
PRINTED = 28  # assumptions that the page lists
_BATCH = {WRITTEN: 2, FEW: 12}  # numbers a job
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

    def __init__(self, macro: Macro) -> None:
        self.macro = macro
        self.present = load_cell(macro.design.cell)
        items = macro.circuits.items
        self._circuit_items = {item.name: item for item in items}

    def __call__(self, item: Item, number: str, cells: int) -> Sheet:
        """Figures with `item` in the place of the one of its kind and name; it differs from that
        one in `number`. `cells`: written where the number has a part in writing.

        Raises: TantalaError where no macro can be built with it.
        """
        macro = self.macro
        kept = ("cell", "technology", "circuits", "assembly")
        parts: dict[str, Any] = {name: getattr(macro, name) for name in kept}
        if item.kind == "cell":
            parts["cell"] = self._bit_cell(item, number, cells)
        elif item.kind == "technology":
            parts["technology"] = technology_from(macro.technology, item)
        elif item.name == macro.assembly.item.name:
            parts["assembly"] = load_assembly(item)
        else:
            parts["circuits"] = load_circuits({**self._circuit_items, item.name: item})
        rebuilt = Macro(macro.design, plan=macro.plan, **parts)
        return rebuilt.evaluate("typical", macro.design.environment.temperature_typical)

    def _bit_cell(self, item: Item, number: str, cells: int) -> BitCell:
        """The compiled cell of a changed item; what `number` has no part in is kept."""
        base, design = self.macro.cell, self.macro.design
        law = number.split(".")[0]
        if law == "geometry":
            return replace(base, **{name: item.value(f"geometry.{name}", "m") for name in _SIZES})
        cell = cell_near(self.present, item, law)
        need, scheme = design.requirements, design.write.scheme
        life = (need.retention.time, need.retention.temperature, need.endurance)
        # Limits of calibration are no figures: a number that only moves them has no influence.
        sample = WRITTEN if law in _AGEING else cells
        effort = {"cells": sample, "resolution": RESOLUTION[sample]}
        stuck = base.aged.worn if law in _NO_WEAR else self._worn(cell, cells)
        failed = stuck, base.aged.unwritten
        aged = levels_of(cell, scheme, *life, extrapolate=True, failed=failed, **effort)
        if law in _AGEING:
            return replace(base, aged=aged)
        counted = write_statistics(cell, scheme, cells=cells)
        set_train, reset_train = (train(part) for part in (counted.set, counted.reset))
        return replace(
            base,
            read_voltage=cell.nominal.read_voltage,
            read_gate_voltage=min(design.supply.high, counted.set.gate_voltage),
            aged=aged,
            set=set_train,
            reset=reset_train,
        )

    def _worn(self, cell: Cell, cells: int) -> float:
        """Share of changed cells that the design's writes wear out."""
        design, aged = self.macro.design, self.macro.cell.aged
        writes = (design.write.scheme, design.requirements.endurance)
        effort = {"ranked_as": self.present, **WEAR[cells]}
        before, after = (worn(one, *writes, **effort) for one in (self.present, cell))
        return min(1.0, aged.worn * after / before) if before else after

    def writes(self, move: Move) -> bool:
        """Whether the cells must be written again to tell what a number does."""
        kept = ("geometry", *_AGEING)
        law = move.number.path.split(".")[0]
        return move.item.kind == "cell" and self.has_part(move) and law not in kept

    def has_part(self, move: Move) -> bool:
        """Whether a number can matter: forming and read disturb are no part of these figures, nor
        are the write schemes that the design does not use.
        """
        if move.item.kind != "cell":
            return True
        law, _, rest = move.number.path.partition(".")
        other = set(SCHEMES) - {self.macro.design.write.scheme}
        return law not in _NO_PART and not (law == "write" and rest.split(".")[0] in other)


def technology_from(technology: Technology, item: Item) -> Technology:
    """The node with one of its items replaced; a node between library nodes is blended again."""
    anchors = [from_item(item if item.name == one.name else one) for one in technology.items]
    return anchors[0] if len(anchors) == 1 else interpolate(anchors, technology.node)


def influence(
    move: Move, rebuild: Rebuild, headline: tuple[str, ...], cells: int = WRITTEN
) -> Influence:
    """Log-change of each headline figure from the low to the high end of a number's span.

    An end at which the macro cannot be built (a closed window, a voltage no device bears) is taken
    back to the present value: the influence is then that of the other half.
    """
    ends: list[tuple[float, Mapping[str, float]]] = []
    path = move.number.path
    if not rebuild.has_part(move):
        same = dict.fromkeys(headline, 1.0)
        ends = [(move.low, same), (move.high, same)]
    else:
        for value in (move.low, move.high):
            try:
                ends.append((value, rebuild(move.item_at(value), path, cells).values))
            except TantalaError:
                present = rebuild(move.item_at(move.present), path, cells)
                ends.append((move.present, present.values))
    (low, first), (high, last) = ends
    effects = {name: _log_ratio(first[name], last[name]) for name in headline}
    moved = _log_ratio(low, high)
    return Influence(
        item=move.item.name,
        number=path,
        value=move.present,
        unit="×" if isinstance(move.number.value, tuple) else move.number.unit,
        low=low,
        high=high,
        span=move.span,
        note=move.number.note,
        effects=effects,
        elasticity={name: effect / moved if moved else 0.0 for name, effect in effects.items()},
        approximate=cells < WRITTEN and rebuild.writes(move),
    )


def _log_ratio(low: float, high: float) -> float:
    """ln(high / low); 0 where a ratio means nothing (a zero, a change of sign, infinity)."""
    if low * high <= 0 or not math.isfinite(low) or not math.isfinite(high):
        return 0.0
    return math.log(high / low)


@dataclass(frozen=True)
class Study:
    """What can be sent to another process to move numbers there: the design as JSON and what was
    found for it, from which the macro is made again.
    """

    stated: str
    headline: tuple[str, ...]
    plan: Plan = field(compare=False)
    cell: BitCell = field(compare=False)

    @classmethod
    def of(cls, macro: Macro, headline: tuple[str, ...]) -> Study:
        """The study of a macro's `headline` figures."""
        stated = macro.design.model_dump_json(by_alias=True, exclude_none=True)
        return cls(stated, headline, macro.plan, replace(macro.cell, model=None, records=()))


@functools.lru_cache(maxsize=1)  # a process is asked about one study, batch after batch
def _opened(study: Study) -> tuple[Rebuild, tuple[Move, ...]]:
    """The macro to change, and every number to move."""
    design = Design.model_validate_json(study.stated)
    macro = Macro(design, cell=study.cell, plan=study.plan)
    items = (*macro.technology.items, *macro.circuits.items, macro.assembly.item)
    return Rebuild(macro), tuple(moves((load_cell(design.cell).item, *items)))


def influences_at(study: Study, positions: Iterable[int], cells: int) -> list[Influence]:
    """Influences of the numbers at these positions of a study: a job that can be sent."""
    rebuild, numbers = _opened(study)
    return [influence(numbers[at], rebuild, study.headline, cells) for at in positions]


def influences(study: Study, crew: Crew) -> tuple[Influence, ...]:
    """Influence of every assumed number, the largest first; no approximate one is in print."""

    def at(positions: Sequence[int], cells: int) -> dict[int, Influence]:
        jobs = -(-len(positions) // _BATCH[cells])
        batches = [positions[first::jobs] for first in range(jobs)]
        done = crew.each(influences_at, [(study, batch, cells) for batch in batches])
        pairs = (zip(*pair, strict=True) for pair in zip(batches, done, strict=True))
        return dict(chain.from_iterable(pairs))

    found = at(range(len(_opened(study)[1])), FEW)
    while unsure := _unsure(found):
        found |= at(unsure, WRITTEN)
    return ranked(found.values())


def _unsure(found: Mapping[int, Influence]) -> list[int]:
    """Positions of the estimates that would be printed."""
    leading = sorted(found, key=lambda at: _order(found[at]))[:PRINTED]
    return [at for at in leading if found[at].approximate]


def _order(entry: Influence) -> tuple[float, str, str]:
    return -entry.rank, entry.item, entry.number


def ranked(found: Iterable[Influence]) -> tuple[Influence, ...]:
    """Largest influence on any headline figure first; of equals in the order of their names."""
    return tuple(sorted(found, key=_order))
