"""How a datasheet writes numbers: three significant digits, one SI prefix a row, powers of ten for
rates.

Everything here turns SI floats into text; nothing computes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from tantala.base.quantity import format_si

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_UNIT_SIGNS = {"ohm": "Ω", "degC": "°C", "m^2": "m²", "1": ""}
_NO_PREFIX = {"%", "1", "", "degC", "K", "cycles", "pulses", "bit", "years"}
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"
_DASH = "\N{EN DASH}"


def significant(value: float, digits: int = 3) -> str:
    """`value` rounded to `digits` significant digits, without an exponent: 0.0123, 12.3, 1 230."""
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    exponent = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - exponent)
    exponent = math.floor(math.log10(abs(rounded)))
    text = f"{rounded:,.{max(0, digits - 1 - exponent)}f}".replace(",", _THIN)
    return text.replace("-", _MINUS)


def _prefix_exponent(value: float, unit: str) -> int:
    if unit in _NO_PREFIX or value == 0:
        return 0
    magnitude = math.log10(abs(value))
    if unit == "m^2":
        # Squared metres take a squared prefix: only mm² and µm² are in use for silicon.
        return -6 if magnitude >= -9 else -12
    return min(9, max(-18, 3 * math.floor(magnitude / 3 + 1e-9)))


def unit_sign(unit: str, exponent: int = 0) -> str:
    """The printed unit for a value divided by 10**exponent, e.g. ("ohm", 3) -> "kΩ"."""
    if unit == "m^2" and exponent:
        return {-6: "mm²", -12: "µm²"}[exponent]
    return _PREFIXES[exponent] + _UNIT_SIGNS.get(unit, unit)


def printed_unit(unit: str) -> str:
    """A unit of the library in print, with its own prefix: "uS" is µS, "kohm" is kΩ."""
    micro = re.sub(r"\bu(?=[A-Za-z])", "µ", unit)
    return micro.replace("ohm", "Ω").replace("degC", "°C").replace("^2", "²")


def scaled(
    values: Sequence[float | None], unit: str, digits: int = 3
) -> tuple[tuple[str, ...], str]:
    """Texts of `values` (None is a dash) sharing one prefix, chosen by the median, and the
    unit.
    """
    known = sorted(abs(value) for value in values if value and math.isfinite(value))
    exponent = _prefix_exponent(known[len(known) // 2] if known else 0.0, unit)
    texts = tuple(
        _DASH
        if value is None
        else ("∞" if math.isinf(value) else significant(value / 10.0**exponent, digits))
        for value in values
    )
    return texts, unit_sign(unit, exponent)


def written(value: float, unit: str, digits: int = 3) -> str:
    """One value with its unit and signs as in print: written(2.47e-8, "s") -> "24.7 ns"."""
    if math.isinf(value):
        return "∞"
    return format_si(value, unit, digits).replace("-", _MINUS).replace(" ", _THIN)


def storage_time(seconds: float) -> str:
    """A storage time as people say it; zero is "fresh", one year is not "1 years"."""
    if seconds == 0:
        return "fresh"
    text = written(seconds, "s")
    return (
        text.removesuffix("s") if text.startswith(f"1{_THIN}") and text.endswith("years") else text
    )


def power_of_ten(value: float, digits: int = 2, least: float = 0.0) -> str:
    """A rate as 3.1 × 10⁻⁷; 0 stays 0, values of 0.001 to 1 are written plainly, and what is below
    `least` is not told apart.
    """
    if 0 < value < least:
        return f"<{_THIN}{power_of_ten(least, digits)}"
    if value == 0 or math.isinf(value):
        return significant(value)
    if 1e-3 <= abs(value) < 1e4:
        return significant(value, digits)
    exponent = math.floor(math.log10(abs(value)))
    mantissa = round(value / 10.0**exponent, digits - 1)
    if abs(mantissa) >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    superscript = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    head = f"{mantissa:.{digits - 1}f}".replace("-", _MINUS)
    return f"10{superscript}" if mantissa == 1 else f"{head}{_THIN}×{_THIN}10{superscript}"


def percent(fraction: float, digits: int = 3) -> str:
    """0.4217 -> "42.2 %"."""
    return f"{significant(100 * fraction, digits)}{_THIN}%"


def integer(count: float) -> str:
    """10000 -> "10 000"."""
    return f"{round(count):,}".replace(",", _THIN)


def symbol(name: str) -> Markup:
    """A data-sheet symbol: symbol("t_RC") -> italic t with RC as subscript."""
    head, _, tail = name.partition("_")
    return (
        Markup("<i>{}</i><sub>{}</sub>").format(head, tail)
        if tail
        else Markup("<i>{}</i>").format(head)
    )


def plain(text: str) -> Markup:
    """Text as safe markup; back-quoted words become code."""
    parts = str(escape(text)).split("`")
    return Markup(
        "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
    )


def capitalised(text: str) -> str:
    """The text with a capital first letter, as at the start of a line."""
    return text[:1].upper() + text[1:]
