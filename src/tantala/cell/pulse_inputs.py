"""What a caller gives for a pulse or a wait: numbers, texts with units, or one entry a cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity import to_si
from tantala.base.quantity_table import to_si_table

Quantity = float | str


def non_negative(value: Quantity, unit: str, name: str) -> float:
    """A quantity in SI. Raises InputError below 0."""
    number = to_si(value, unit, name=name)
    if number < 0.0:
        raise InputError(Problem(f"negative {name}", got=repr(value), allowed=f"0 {unit} or more"))
    return number


def entries(value: Any, unit: str, name: str, count: int) -> NDArray[np.float64]:
    """A quantity, or an array of one entry a cell, in SI; finite."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return np.asarray(to_si(value, unit, name=name))
    values = to_si_table(value, unit, name=name)
    if values.shape != (count,):
        raise InputError(
            Problem(f"{name} has another shape", got=str(values.shape), allowed=f"({count},)")
        )
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise InputError(Problem(f"{name} is not finite", got=f"{bad} values", allowed=unit))
    return values


def line_of(value: NDArray[np.float64], length: int) -> NDArray[np.float32]:
    """A voltage or width as float32: one a cell, or `length` times the same."""
    if value.ndim == 0:
        return np.full(length, value, np.float32)
    return value.astype(np.float32)


def pulse_values(
    given: dict[str, Any], count: int, kelvin: float
) -> dict[str, NDArray[np.float64]]:
    """The voltages and the width of a pulse, checked; all problems at once."""
    problems: list[Problem] = []
    values: dict[str, NDArray[np.float64]] = {}
    for name, value in given.items():
        unit = "s" if name == "pulse_width" else "V"
        try:
            each = entries(value, unit, name.replace("_", " "), count)
        except InputError as error:
            problems += error.problems
            continue
        values[name] = each
        lowest = float(each.min()) if each.size else 1.0
        if lowest < 0.0 or (unit == "s" and lowest == 0.0):
            allowed = "above 0 s" if unit == "s" else "0 V or more"
            problems.append(
                Problem(f"{name.replace('_', ' ')} of no pulse", got=f"{lowest:g}", allowed=allowed)
            )
    if kelvin <= 0.0:
        problems.append(Problem("no temperature", got=f"{kelvin:g} K", allowed="above 0 K"))
    raise_if(problems)
    return values


def extents(values: dict[str, NDArray[np.float64]]) -> dict[str, tuple[float, float]]:
    """Least and largest of each."""
    return {n: (float(v.min()), float(v.max())) for n, v in values.items() if v.size}
