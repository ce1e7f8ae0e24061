"""Quantities with units at the borders; plain SI floats inside.

`to_si("85 degC", "K")` gives 358.15. Numbers without a unit are taken as SI already. Pint does the
parsing; each pair of units is resolved once and then costs a multiplication.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING

from tantala.base.errors import InputError, Problem

if TYPE_CHECKING:
    import pint

ZERO_CELSIUS = 273.15  # K, definition of the degree Celsius (SI brochure, 9th edition, 2.3.1)
COLDEST_NUMBER = 150.0  # K, assumed: below it a number without a unit is degrees Celsius, mistaken
# Pint would read "bits!" as a factorial and "bit bit" as a square, so a unit is held to names with
# powers, joined by * or /; a comma is refused, for it means thousands to some and tenths to others.
_NAME = r"(?:°?[A-Za-zµμΩ]+(?:\^-?\d+|\*\*-?\d+)?|%|1)"
_QUANTITY = re.compile(
    r"^\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    rf"\s*((?:{_NAME}(?:\s*[*/]\s*{_NAME})*)?)\s*$"
)
_COMMON_SLIPS = {"C": "degC", "°C": "degC", "Mb": "Mibit", "KB": "KiB", "MB": "MiB"}


@functools.cache
def registry() -> pint.UnitRegistry:
    """The unit registry, made at first use: importing pint takes longer than `--help` may.

    Pint keeps its parsed definitions in the user's cache folder, which saves 0.3 s a process. What
    goes wrong there (no such folder, half a file) only costs that time.
    """
    import pint

    try:
        return pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=":auto:")
    except Exception:  # of the file system, or of whatever a broken file unpickles to
        return pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)


@functools.lru_cache(maxsize=4096)
def conversion(unit: str, target: str) -> tuple[float, float]:
    """(factor, offset) such that value[target] = factor * value[unit] + offset.

    Raises ValueError when `unit` is unknown or has another dimension.
    """
    import pint

    units = registry()
    try:
        zero = units.Quantity(0.0, unit).to(target).magnitude
        one = units.Quantity(1.0, unit).to(target).magnitude
    except pint.DimensionalityError as error:
        raise ValueError(f"cannot convert {unit!r} to {target!r}") from error
    except Exception as error:  # pint raises many kinds on malformed unit text
        raise ValueError(f"unknown unit {unit!r}") from error
    # 300.15 - 273.15 leaves rounding in the factor of an offset unit; a factor of one is exact.
    factor = one - zero
    return (1.0 if abs(factor - 1.0) < 1e-9 else factor), zero


def to_si(value: object, unit: str, *, name: str = "value", where: str = "") -> float:
    """`value` in `unit` (an SI unit) as a float.

    A number is taken as being in `unit` already; a string needs a unit of the same dimension
    ("1.2 V", "100 ns", "85 degC", "8 Mibit"), except where `unit` is "1".

    Raises InputError for text that is no quantity, a wrong dimension, a value not finite, a
    temperature at absolute zero or below, or a number that would be one below 150 K.
    """
    if not isinstance(value, str):
        try:
            if isinstance(value, bool):
                raise TypeError
            value = float(value)  # pyright: ignore[reportArgumentType] - also numpy scalars
        except (TypeError, ValueError):
            raise InputError(
                Problem(f"{name} is not a quantity", where, repr(value), _example(unit))
            ) from None
    number = _parse(value, unit, name, where) if isinstance(value, str) else value
    if not math.isfinite(number):
        raise InputError(Problem(f"{name} is not finite", where, repr(value), _example(unit)))
    if unit == "K" and number <= 0.0:
        raise InputError(
            Problem(f"{name} is not above absolute zero", where, repr(value), _example(unit))
        )
    if unit == "K" and not isinstance(value, str) and number < COLDEST_NUMBER:
        raise InputError(
            Problem(
                f"{name} without a unit is in K, and colder than any chip is used",
                where,
                repr(value),
                _example(unit),
                hint=f"'{number:g} degC', or '{number:g} K' if it is meant",
            )
        )
    return number


def _parse(text: str, unit: str, name: str, where: str) -> float:
    match = _QUANTITY.match(text)
    if match is None:
        raise InputError(Problem(f"{name} is not a quantity", where, repr(text), _example(unit)))
    number = float(match[1].replace("_", ""))
    given = match[2] or "dimensionless"
    if given == "%":
        given = "percent"
    target = "dimensionless" if unit == "1" else unit
    if given == "dimensionless" and target not in ("dimensionless", "bit"):
        raise InputError(Problem(f"{name} has no unit", where, repr(text), _example(unit)))
    try:
        factor, offset = conversion(given, target)
    except ValueError as error:
        slip = _COMMON_SLIPS.get(given, "")
        raise InputError(
            Problem(
                f"{name} has a wrong unit",
                where,
                repr(text),
                _example(unit),
                str(error),
                f"{match[1]} {slip}" if slip else "",
            )
        ) from None
    # Fifteen digits drop the last-bit noise of the conversion: "100 ns" is 1e-07 exactly.
    return float(f"{factor * number + offset:.15g}")


def _example(unit: str) -> str:
    examples = {
        "K": "a temperature such as '85 degC' or a number in K",
        "V": "a voltage such as '1.2 V' or a number in V",
        "s": "a time such as '100 ns', '10 h' or '10 years', or a number in s",
        "S": "a conductance such as '100 uS' or a number in S",
        "ohm": "a resistance such as '10 kohm' or a number in ohm",
        "bit": "a size such as '8 Mibit' or a number of bits",
        "m^2": "an area such as '0.5 mm^2' or a number in m^2",
        "1": "a plain number",
    }
    return examples.get(unit, f"a quantity in {unit}")


_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_SCALED = {"V", "A", "S", "ohm", "s", "J", "W", "Hz", "F", "m", "bit/s", "J/bit", "eV", "B/s"}
_AREAS = [(1e-8, "mm²"), (1e-14, "µm²"), (0.0, "nm²")]
_AREA_SCALE = {"mm²": 1e6, "µm²": 1e12, "nm²": 1e18}
_YEAR = 365.25 * 86400.0  # s, Julian year


def format_si(value: float, unit: str, digits: int = 4) -> str:
    """`value` (SI, in `unit`) as people write it: 1.2e-9 s is '1.2 ns', 358.15 K is '85 °C'."""
    if not math.isfinite(value):
        raise InputError(Problem("a figure to print is not finite", got=repr(value)))
    if unit in ("", "1"):
        return f"{value:.{digits}g}"
    if unit == "K":
        return f"{round(value - ZERO_CELSIUS, 6):.{digits}g} °C"
    if unit == "bit":
        return _format_bits(value, digits)
    if unit == "m^2":
        name = next(name for floor, name in _AREAS if abs(value) >= floor)
        return f"{value * _AREA_SCALE[name]:.{digits}g} {name}"
    if unit == "s" and abs(value) >= 60:
        return _format_duration(value, digits)
    if unit in _SCALED and value != 0.0:
        exponent = min(max(3 * math.floor(math.log10(abs(value)) / 3 + 1e-12), -18), 9)
        mantissa = float(f"{value / 10.0**exponent:.{digits}g}")
        if abs(mantissa) >= 1000 and exponent < 9:
            mantissa, exponent = mantissa / 1000, exponent + 3
        prefix = _PREFIXES[exponent].replace("u", "µ")
        return f"{mantissa:.{digits}g} {prefix}{unit.replace('ohm', 'Ω')}"
    return f"{value:.{digits}g} {unit}"


def _format_bits(value: float, digits: int) -> str:
    for size, name in ((1 << 30, "Gibit"), (1 << 20, "Mibit"), (1 << 10, "Kibit")):
        if value >= size:
            return f"{value / size:.{digits}g} {name}"
    return f"{value:.{digits}g} bit"


def _format_duration(value: float, digits: int) -> str:
    for size, name in ((_YEAR, "years"), (86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if abs(value) >= size:
            return f"{value / size:.{digits}g} {name}"
    return f"{value:.{digits}g} s"
