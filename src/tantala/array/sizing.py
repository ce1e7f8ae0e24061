"""How large an array may be: margin against size, and the largest size that keeps a margin.

A size is judged by `read_margin`, exactly. The largest size is found by doubling and bisection,
which ends at a size n that keeps the margin while n + 1 misses it; both were solved. That there is
no larger one that keeps it follows where margins fall with size, which the result tells of the
sizes it saw (`falling`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tantala.array.bias import AnyArray, require_array
from tantala.array.gated import GatedArray
from tantala.array.read_margin import ReadMargin, read_margin
from tantala.base.errors import InputError, Problem, unknown
from tantala.base.quantity import to_si

if TYPE_CHECKING:
    import polars as pl

GROWTH = ("square", "rows", "columns")
MEASURES = {"margin": "A", "relative": "1", "kept": "1"}


@dataclass(frozen=True)
class SizeSearch:
    """Sizes tried, ascending, with their margins; made by `largest_array`.

    `size` is (rows, columns) of the largest array that keeps the margin; None if not even the
    smallest does. `bounded` is False where the largest size that was allowed still keeps it.
    """

    measure: str
    need: float
    size: tuple[int, int] | None
    bounded: bool
    tried: dict[tuple[int, int], ReadMargin]

    @property
    def falling(self) -> bool:
        """Whether the margins of the sizes tried fall as these grow."""
        values = [getattr(margin, self.measure) for margin in self.tried.values()]
        return bool(np.all(np.diff(values) <= 1e-9 * np.abs(values[:-1])))

    def table(self) -> pl.DataFrame:
        """One row a size tried."""
        return _table(self.tried)


def largest_array(
    array: AnyArray,
    low: float | str,
    high: float | str,
    voltage: float | str,
    need: float | str,
    measure: str = "margin",
    grow: str = "square",
    most: int = 1024,
    **options: Any,
) -> SizeSearch:
    """The largest array on the wires of `array` that keeps a read margin.

    need     least margin: A or text for measure "margin"; a share for "relative" (of the lowest
             low-resistance current) and "kept" (of the margin without wires and sneak currents)
    grow     "square", or "rows" or "columns" alone with the array's other side kept
    most     no side longer than this is tried
    options  of `read_margin`: scheme, positions, patterns, search, seed, extrapolate, solving

    Raises InputError for bad input.
    """
    require_array(array)
    if measure not in MEASURES:
        raise InputError(unknown("measure of a margin", measure, MEASURES))
    if grow not in GROWTH:
        raise InputError(unknown("way to grow", grow, GROWTH))
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or most < 1:
        raise InputError(Problem("bad largest side", got=repr(most), allowed="1 or more"))
    least = to_si(need, MEASURES[measure], name="need")
    tried: dict[tuple[int, int], ReadMargin] = {}

    def keeps(side: int) -> bool:
        size = _size(array, grow, side)
        tried[size] = read_margin(resized(array, *size), low, high, voltage, **options)
        return getattr(tried[size], measure) >= least

    good, bad = 0, 1
    while bad <= most and keeps(bad):
        good, bad = bad, 2 * bad
    if bad > most:
        at_limit = good == most or keeps(most)
        good, bad = (most, most + 1) if at_limit else (good, most)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if keeps(middle) else (good, middle)
    size = _size(array, grow, good) if good else None
    return SizeSearch(measure, least, size, good < most, dict(sorted(tried.items())))


def margin_against_size(
    array: AnyArray,
    low: float | str,
    high: float | str,
    voltage: float | str,
    sizes: Iterable[int | tuple[int, int]],
    **options: Any,
) -> pl.DataFrame:
    """Read margins of arrays of several sizes on the wires of `array`, one row a size.

    sizes    sides of square arrays, or (rows, columns)
    options  of `read_margin`

    Columns: rows, columns, margin_A, same_data_margin_A, relative_margin, kept_margin,
    low_current_A, high_current_A, and row, column and data of both worst reads.
    """
    found: dict[tuple[int, int], ReadMargin] = {}
    for size in sizes:
        rows, columns = (size, size) if isinstance(size, int | np.integer) else size
        found[int(rows), int(columns)] = read_margin(
            resized(array, int(rows), int(columns)), low, high, voltage, **options
        )
    return _table(found)


_ENDS = ("row_driver", "row_far", "column_sense", "column_far")
_GATED_ENDS = ("source_top", "source_bottom", "bit_top", "bit_bottom", "access")


def resized(array: AnyArray, rows: int, columns: int) -> AnyArray:
    """An array of another size on the same wires, its cells open, its lines' ends those of `array`.

    Raises InputError where the lines' ends or the cells' transistors differ, for then nothing says
    those of the new ones.
    """
    require_array(array)
    if rows < 1 or columns < 1:
        raise InputError(
            Problem("no size of an array", got=f"({rows}, {columns})", allowed="1 or more a side")
        )
    changes: dict[str, Any] = {"conductance": np.zeros((rows, columns))}
    for name in _GATED_ENDS if isinstance(array, GatedArray) else _ENDS:
        values = np.unique(getattr(array, name))
        if values.size > 1:
            raise InputError(
                Problem(
                    f"{name} differs from {'cell to cell' if name == 'access' else 'line to line'}",
                    got=f"{values[0]:g} to {values[-1]:g} ohm",
                    allowed="one resistance for all of an array that is resized",
                )
            )
        changes[name] = float(values[0])
    return replace(array, **changes)


def _size(array: AnyArray, grow: str, side: int) -> tuple[int, int]:
    rows, columns = array.shape
    return (rows if grow == "columns" else side, columns if grow == "rows" else side)


def _table(margins: dict[tuple[int, int], ReadMargin]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        [
            {
                "rows": rows,
                "columns": columns,
                "margin_A": found.margin,
                "same_data_margin_A": found.same_data_margin,
                "relative_margin": found.relative,
                "kept_margin": found.kept,
                "low_current_A": found.worst_low.current,
                "low_row": found.worst_low.row,
                "low_column": found.worst_low.column,
                "low_data": found.worst_low.pattern,
                "high_current_A": found.worst_high.current,
                "high_row": found.worst_high.row,
                "high_column": found.worst_high.column,
                "high_data": found.worst_high.pattern,
                "high_sneak_current_A": found.worst_high.sneak,
            }
            for (rows, columns), found in margins.items()
        ]
    )
