"""Binding a model's parameters to cited numbers.

A law declares its parameters once, as a frozen dataclass with units; `bind` fills it from a library
item in SI and reports everything that is missing or has a wrong unit at once:

    @dataclass(frozen=True)
    class SetLaw:
        voltage_scale: float = quantity("V", "voltage for one e-fold of switching rate", minimum=0)

    law = bind(SetLaw, item, "set")
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from tantala.base.errors import Problem, nearest, raise_if
from tantala.base.record import Item

T = TypeVar("T")
_META = "tantala.quantity"


def quantity(
    unit: str,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    several: bool = False,
) -> Any:
    """A dataclass field that holds a cited number in SI `unit` (a tuple of them if `several`)."""
    meta = {"unit": unit, "meaning": meaning, "low": minimum, "high": maximum, "several": several}
    return dataclasses.field(metadata={_META: meta})


def bind(law: type[T], item: Item, prefix: str) -> T:
    """An instance of dataclass `law` whose quantities come from the numbers of `item` at `prefix`.

    Raises InputError with every missing number, wrong unit and value outside a field's limits.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for field in dataclasses.fields(law):  # pyright: ignore[reportArgumentType]
        meta = field.metadata.get(_META)
        if meta is None:
            continue
        path = f"{prefix}.{field.name}"
        value = _bound(item, path, meta, problems)
        if value is not None:
            values[field.name] = value
    raise_if(problems)
    return law(**values)


def _bound(item: Item, path: str, meta: dict[str, Any], problems: list[Problem]) -> Any:
    where = f"{item.path.name}: {path}"
    if path not in item.numbers:
        problems.append(
            Problem(
                "missing number",
                where,
                allowed=f"{meta['meaning']} [{meta['unit']}]",
                hint=nearest(path, item.numbers),
            )
        )
        return None
    number = item.numbers[path]
    try:
        value = number.to(meta["unit"])
    except ValueError as error:
        problems.append(Problem("wrong unit", where, number.unit, meta["unit"], str(error)))
        return None
    if isinstance(value, tuple) is not meta["several"]:
        wanted = "a list of numbers" if meta["several"] else "one number"
        problems.append(Problem("wrong shape", where, repr(number.value), wanted))
        return None
    low, high = meta["low"], meta["high"]
    for part in value if isinstance(value, tuple) else (value,):
        if (low is not None and part < low) or (high is not None and part > high):
            allowed = f"{low} to {high} {meta['unit']}"
            problems.append(Problem("value outside what is possible", where, repr(part), allowed))
            break
    return value


def meanings(law: type) -> dict[str, tuple[str, str]]:
    """{parameter: (unit, meaning)} of a law, for documentation and `tantala show`."""
    return {
        field.name: (field.metadata[_META]["unit"], field.metadata[_META]["meaning"])
        for field in dataclasses.fields(law)
        if _META in field.metadata
    }
