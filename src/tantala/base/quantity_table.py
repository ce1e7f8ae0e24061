"""Tables of quantities at the borders: numbers in SI or texts with units, nested to any depth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tantala.base.errors import InputError, Problem, raise_if
from tantala.base.quantity import format_si, to_si

_MOST_TOLD = 5


def to_si_table(given: Any, unit: str, *, name: str = "value") -> NDArray[np.float64]:
    """`given` in `unit` (an SI unit) as a new float array of the shape given.

    Numbers are in `unit` already and may be infinite or NaN; texts are as `to_si` takes them.

    Raises InputError for texts that are no such quantity, each named by its place (the first five),
    for complex numbers, and for what is no table.
    """
    try:
        values = np.asarray(given)
    except (TypeError, ValueError):
        raise InputError(_no_table(name, unit)) from None
    if values.dtype.kind in "fiub":
        return np.array(values, np.float64, order="C")
    if values.dtype.kind == "c":
        raise InputError(_complex(name, unit, values.dtype))
    # Numpy makes texts of the numbers beside a text; each is taken as it was given.
    items = np.asarray(given, object)
    values = np.zeros(items.shape)
    problems: list[Problem] = []
    for place, item in np.ndenumerate(items):
        try:
            if isinstance(item, complex | np.complexfloating):
                raise InputError(_complex(name, unit, item))
            index = f"[{', '.join(map(str, place))}]" if place else ""
            is_text = isinstance(item, str)
            values[place] = to_si(item, unit, name=name + index) if is_text else float(item)
        except InputError as error:
            problems.extend(error.problems)
        except (TypeError, ValueError):
            raise InputError(_no_table(name, unit)) from None
        if len(problems) == _MOST_TOLD:
            break
    raise_if(problems)
    return values


def format_span(values: NDArray[np.float64], unit: str, digits: int = 3) -> str:
    """Smallest and largest of `values` (SI, in `unit`) as people write them; one if they agree."""
    low, high = (format_si(float(end), unit, digits) for end in (np.min(values), np.max(values)))
    return low if low == high else f"{low} to {high}"


def _no_table(name: str, unit: str) -> Problem:
    return Problem(
        f"{name} is no table of numbers", allowed=f"numbers in {unit}, or texts with units"
    )


def _complex(name: str, unit: str, got: Any) -> Problem:
    return Problem(
        f"{name} is complex",
        got=str(got),
        allowed=f"real numbers, in {unit}",
        because="models are static: there is no phase",
    )
