"""Assumptions by influence: move each assumed number over its span and see what the figures do.

Only what depends on a number is built again: a circuit constant does not touch the cell, and a cell
number does not touch the technology. The organisation stays as found, since the question is what
the datasheet of this very macro would say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tantala.base.errors import TantalaError
from tantala.base.record import Item, Number
from tantala.report.figures import Influence

if TYPE_CHECKING:
    from tantala.macro.sheet import Sheet

SHARE = 0.2  # moved by this share either way where a number states no span of its own

# Builds the macro with some of its library items replaced (by name) and evaluates it.
Evaluate = Callable[[Mapping[str, Item]], "Sheet"]


@dataclass(frozen=True)
class Move:
    """One assumed number and the two values it is moved to, in its own unit."""

    item: Item
    number: Number
    low: float
    high: float
    span: Literal["stated", "20 %"]


def moves(items: Iterator[Item]) -> Iterator[Move]:
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


def influence(
    move: Move, evaluate: Evaluate, headline: tuple[str, ...], base: Mapping[str, float]
) -> Influence:
    """Log-change of each headline figure from the low to the high end of a number's span.

    An end at which the macro cannot be built (a closed window, a voltage no device bears) is taken
    back to the present value: the influence is then that of the other half.
    """
    ends: list[tuple[float, Mapping[str, float]]] = []
    for value in (move.low, move.high):
        try:
            sheet = evaluate({move.item.name: move.item.with_values({move.number.path: value})})
            ends.append((value, {name: sheet[name] for name in headline}))
        except TantalaError:
            ends.append((float(_scalar(move.number)), base))
    (low, first), (high, last) = ends
    effects = {name: _log_ratio(first[name], last[name]) for name in headline}
    moved = _log_ratio(low, high)
    return Influence(
        item=move.item.name,
        number=move.number.path,
        value=_scalar(move.number),
        unit=move.number.unit,
        low=low,
        high=high,
        span=move.span,
        note=move.number.note,
        effects=effects,
        elasticity={name: effect / moved if moved else 0.0 for name, effect in effects.items()},
    )


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


def unused(entry: Any) -> bool:
    """Whether a number moved nothing at all."""
    return not any(entry.effects.values())
