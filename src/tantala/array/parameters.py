"""The numbers of a law: each one for the whole array, or an (N, M) table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem
from tantala.base.quantity import to_si
from tantala.base.quantity_table import to_si_table

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Curves of an array's cells or selectors as the kernels take them: `parameters` (k, N, M)."""

    kind: int
    parameters: Vector


def stack(*parameters: Any, shape: tuple[int, ...]) -> Vector:
    """Parameters, numbers or tables, as one contiguous (k, N, M)."""
    return np.stack([np.broadcast_to(np.asarray(p, np.float64), shape) for p in parameters])


def settle(
    law: Any,
    units: dict[str, str],
    problems: list[Problem],
    positive: tuple[str, ...] = (),
    least_zero: tuple[str, ...] = (),
) -> None:
    """Replace each named attribute by SI floats, one or an (N, M) table; problems are added."""
    for name, unit in units.items():
        given = getattr(law, name)
        where = type(law).__name__
        try:
            if np.ndim(given) == 0:
                value: Any = to_si(given, unit, name=name, where=where)
            else:
                value = to_si_table(given, unit, name=name)
                if value.ndim != 2 or not np.all(np.isfinite(value)):
                    raise ValueError
        except InputError as error:
            problems.extend(error.problems)
            continue
        except (TypeError, ValueError):
            problems.append(
                Problem(
                    f"{name} is no table of finite numbers",
                    where,
                    got=f"shape {np.shape(given)}",
                    allowed=f"one number, or (rows, columns), in {unit}",
                )
            )
            continue
        low = float(np.min(value))
        if (name in positive and not low > 0.0) or (name in least_zero and low < 0.0):
            above = "above 0" if name in positive else "0 or more"
            what = "not positive" if name in positive else "negative"
            problems.append(
                Problem(f"{name} is {what}", where, f"{low:.6g}", f"{above}, in {unit}")
            )
        object.__setattr__(law, name, value)


def shape_problems(law: Any, shape: tuple[int, ...]) -> list[Problem]:
    """A problem for each table of another shape than the array's."""
    return [
        Problem(
            f"{field.name} has a wrong shape",
            type(law).__name__,
            got=str(value.shape),
            allowed=f"one number, or {shape}, one a cell",
        )
        for field in fields(law)
        if isinstance(value := getattr(law, field.name), np.ndarray) and value.shape != shape
    ]


def at(value: Any, place: tuple[int, int]) -> float:
    """The number of one cell."""
    return float(value[place]) if np.ndim(value) else float(value)
