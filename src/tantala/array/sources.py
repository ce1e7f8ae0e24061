"""Line voltages and cell changes as given by the user, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity_table import to_si_table

Vector = NDArray[np.float64]


def checked_sources(
    shape: tuple[int, int], voltages: Any, columns: Any, tolerance: float
) -> tuple[Vector, Vector, bool]:
    """Row and column sources as (N, K) and (M, K) in V, and whether one vector was given.

    Raises InputError with every problem.
    """
    n, m = shape
    problems: list[Problem] = []
    rows = _voltages(voltages, "voltages", n, "row", problems)
    ends = _voltages(columns, "columns", m, "column", problems)
    single = rows.ndim == 1 and ends.ndim == 1
    rows, ends = rows.reshape(n, -1), ends.reshape(m, -1)
    count = max(rows.shape[1], ends.shape[1])
    if ends.shape[1] not in (1, count) or rows.shape[1] not in (1, count):
        problems.append(
            Problem(
                "columns has another number of vectors than voltages",
                got=str(ends.shape[1]),
                allowed=f"1 or {rows.shape[1]}",
            )
        )
    if not 1e-15 < tolerance < 1.0:
        problems.append(
            Problem("tolerance is no relative residual", got=repr(tolerance), allowed="1e-15 to 1")
        )
    raise_if(problems)
    return np.broadcast_to(rows, (n, count)), np.broadcast_to(ends, (m, count)), single


def _voltages(given: Any, name: str, lines: int, line: str, problems: list[Problem]) -> Vector:
    """`given` as finite floats, (lines,) or (lines, K); problems are added."""
    allowed = f"one voltage for all, or ({lines},) or ({lines}, K): one a {line}, in V"
    try:
        values = to_si_table(given, "V", name=name)
    except InputError as error:
        problems.extend(error.problems)
        return np.zeros(lines)
    if values.ndim > 2 or not values.size or (values.ndim and values.shape[0] != lines):
        problems.append(
            Problem(f"{name} has a wrong shape", got=str(values.shape), allowed=allowed)
        )
        return np.zeros(lines)
    bad = ~np.isfinite(values)
    if bad.any():
        place = f" of {line} {int(np.argwhere(bad)[0][0])}" if values.ndim else ""
        problems.append(
            Problem(
                f"{name}{place} is not finite",
                got=str(values[bad][0]),
                allowed="a voltage in V",
                hint=f"for a floating {line} give its end resistance as inf",
            )
        )
    return values if values.ndim else np.full(lines, values)


def checked_cells(
    shape: tuple[int, int], rows: ArrayLike, columns: ArrayLike, conductance: ArrayLike
) -> tuple[NDArray[np.intp], NDArray[np.intp], Vector]:
    """Places and conductances of cells as equal one-dimensional arrays.

    Raises InputError for places that are no integers or outside `shape`, for a cell given twice,
    and for conductances that are none or shapes that do not broadcast.
    """
    cells = to_si_table(conductance, "S", name="conductance")
    try:
        i, j, values = np.broadcast_arrays(rows, columns, cells)
    except (TypeError, ValueError):
        raise InputError(
            Problem("rows, columns and conductance do not match", allowed="one value a cell")
        ) from None
    i, j, values = i.ravel(), j.ravel(), values.ravel()
    if not (np.issubdtype(i.dtype, np.integer) and np.issubdtype(j.dtype, np.integer)):
        raise InputError(Problem("places of cells are whole numbers", got=f"{i.dtype}, {j.dtype}"))
    outside = (i < 0) | (i >= shape[0]) | (j < 0) | (j >= shape[1])
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise InputError(
            Problem(
                "cell outside the array",
                got=f"(row {i[at]}, column {j[at]})",
                allowed=f"rows 0 to {shape[0] - 1}, columns 0 to {shape[1] - 1}",
            )
        )
    if np.unique(i * shape[1] + j).size < i.size:
        raise InputError(Problem("a cell is given more than once"))
    return i.astype(np.intp), j.astype(np.intp), values
