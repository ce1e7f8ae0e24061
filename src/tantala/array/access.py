"""The access transistor of a 1T1R cell as a switch: a resistance on, a conductance off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tantala.array.wiring import Vector, conductances, resistances
from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity import to_si
from tantala.base.quantity_table import to_si_table

Gates = NDArray[np.bool_]


def in_series(conductance: Vector, resistance: Vector | float) -> Vector:
    """S of cells in series with `resistance` (ohm); exact for open and shorted cells."""
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 / conductance + resistance)


def access_resistance(given: Any, shape: tuple[int, ...], problems: list[Problem]) -> Vector:
    """`given` as ohm: one number, or an (N, M) table of them; its problems are added."""
    if isinstance(given, str) or np.ndim(given) == 0:
        return resistances(given, 1, "access", "", problems, False)[0]
    try:
        values = to_si_table(given, "ohm", name="access")
    except InputError as error:
        problems.extend(error.problems)
        return np.zeros(())
    if values.shape != shape or np.asarray(given).dtype.kind == "b":
        problems.append(
            Problem(
                "access has a wrong shape",
                got=str(values.shape),
                allowed=f"one number, or {shape}, one a cell, in ohm",
            )
        )
        return np.zeros(())
    bad = ~np.isfinite(values) | (values < 0.0)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        problems.append(
            Problem(
                f"the access resistance of cell (row {row}, column {column}) is no resistance",
                got=f"{values[row, column]:.6g} ohm",
                allowed="0 ohm or more; a transistor that is off is a gate that is off",
            )
        )
        return np.zeros(())
    return values


def off_conductance(given: Any, problems: list[Problem]) -> float:
    """`given` as S; its problems are added."""
    try:
        value = to_si(given, "S", name="off")
    except InputError as error:
        problems.extend(error.problems)
        return 0.0
    if value < 0.0:
        problems.append(Problem("off is negative", got=repr(given), allowed="0 S or more"))
        return 0.0
    return value


def gate_patterns(
    given: ArrayLike, shape: tuple[int, ...], table: bool = False
) -> tuple[Gates, bool]:
    """`given` as booleans (N, K) or (N, M, K), and whether one row pattern (N,) was given.

    With `table`, two axes are one pattern (N, M).

    Raises InputError for a wrong shape, or values other than on and off.
    """
    rows, columns = shape
    try:
        values = np.asarray(given)
    except ValueError:
        values = np.empty(0)
    if table and values.ndim == 2:
        values = values[:, :, None]
    lines = shape if values.ndim == 3 else (rows,)
    if not values.size or values.ndim not in (1, 2, 3) or values.shape[: len(lines)] != lines:
        raise InputError(
            Problem(
                "gates has a wrong shape",
                got=str(np.shape(values)),
                allowed=f"({rows},) or ({rows}, K): one value a row and pattern; "
                f"({rows}, {columns}, K): one a cell and pattern",
            )
        )
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise InputError(
            Problem(
                "gates are not on or off", got=str(values.dtype), allowed="True or 1, False or 0"
            )
        )
    return values.astype(bool).reshape(*lines, -1), values.ndim == 1


def gated(on: Vector, off: Vector, gates: Gates) -> Vector:
    """Conductance (N, M) of cells under one pattern: (N,) or (N, M)."""
    pattern = gates if gates.ndim == 2 else gates[:, None]
    return np.where(pattern, on, off)


def gated_conductance(given: ArrayLike, gates: ArrayLike, access: Any, off: Any) -> Vector:
    """S of cells in series with their transistors under one pattern, (N,) or (N, M).

    Raises InputError with every problem of the cells and transistors.
    """
    problems: list[Problem] = []
    cells = conductances(given, problems)
    raise_if(problems)
    shape = cells.shape
    on = access_resistance(access, shape, problems)
    leak = off_conductance(off, problems)
    raise_if(problems)
    patterns, _ = gate_patterns(gates, shape, table=True)
    without = np.zeros(shape) if leak == 0.0 else in_series(cells, 1.0 / leak)
    return gated(in_series(cells, on), without, patterns[..., 0])
