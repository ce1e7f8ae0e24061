"""What every array shares: its cells' conductances and the resistances of its lines' ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.base.quantity_table import to_si_table

Vector = NDArray[np.float64]
SMALLEST = 1e-300  # S or ohm; below, nothing is left of it in float64 once it is inverted


def ends(wire: float, near: Vector, far: Vector) -> tuple[Vector, Vector]:
    """(near resistance in ohm, far conductance in S) of lines, end segments included.

    Both ends of an ideal wire are one node, so its two drivers act in parallel at the near end.
    """
    if wire > 0.0:
        return near + wire, 1.0 / (far + wire)
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / near + 1.0 / far), np.zeros_like(far)


def conductances(given: ArrayLike, problems: list[Problem]) -> Vector:
    """A copy of `given` as a float (N, M) array; its problems are added to `problems`."""
    try:
        # A copy: what an array has made ready may not go out of date with the caller's table.
        values = to_si_table(given, "S", name="conductance")
    except InputError as error:
        problems.extend(error.problems)
        return np.zeros((1, 1))
    if values.ndim != 2 or not values.size:
        problems.append(
            Problem(
                "conductance has a wrong shape",
                got=str(values.shape),
                allowed="(rows, columns), at least one of each",
            )
        )
        return np.zeros((1, 1))
    for bad, what in ((np.isnan(values), "is not a number"), (values < 0.0, "is negative")):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            others = int(bad.sum()) - 1
            problems.append(
                Problem(
                    f"the conductance of cell (row {row}, column {column}) {what}",
                    got=f"{values[row, column]:.6g} S" + (f", and {others} more" if others else ""),
                    allowed="0 (open) or more, in S; inf is a dead short",
                )
            )
    values[values < SMALLEST] = 0.0
    return values


def resistances(
    given: Any, count: int, name: str, line: str, problems: list[Problem], infinite: bool
) -> Vector:
    """`given`, one number or one a line, as `count` ohm values; problems are added."""
    several = not isinstance(given, str) and np.ndim(given) > 0
    items = list(given) if several else [given]
    if several and len(items) != count:
        problems.append(
            Problem(
                f"{name} has a wrong length",
                got=str(len(items)),
                allowed=f"one number, or {count}, one a {line}" if line else "one number",
            )
        )
        return np.zeros(count)
    values = np.empty(len(items))
    for place, item in enumerate(items):
        where = f"{line} {place}" if several else ""
        values[place] = 0.0
        if isinstance(item, float | int | np.floating | np.integer) and np.isinf(item) and item > 0:
            if infinite:
                values[place] = np.inf
                continue
            problems.append(
                Problem(
                    f"{name} is infinite",
                    because="every segment of the line would be cut",
                    allowed="0 ohm or more",
                    hint=f"an end resistance of inf for a floating {line or 'line'}",
                )
            )
            continue
        try:
            values[place] = to_si(item, "ohm", name=name, where=where)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if values[place] < 0.0:
            problems.append(
                Problem(f"{name} is negative", where, repr(item), allowed="0 ohm or more")
            )
    values[values < SMALLEST] = 0.0
    return values if several else np.full(count, values[0])
