"""Shapes that several sections share: the six-column data-sheet table, symbols, conditions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from tantala.report.document import Column, Row, Text
from tantala.report.notation import percent, power_of_ten, scaled, significant, symbol, written

if TYPE_CHECKING:
    from tantala.report.figures import Identity, Outcome

# The symbol under which each figure stands in the tables.
SYMBOLS = {
    "area_m2": "A",
    "array_efficiency": "η_A",
    "density_bit_per_m2": "D",
    "read_latency_s": "t_AA",
    "read_margin_A": "I_M",
    "read_cycle_s": "t_RC",
    "read_bandwidth_bit_per_s": "B_R",
    "read_energy_per_bit_J": "E_R",
    "write_time_s": "t_W",
    "write_time_tail_s": "t_W,max",
    "write_bandwidth_bit_per_s": "B_W",
    "set_energy_per_bit_J": "E_SET",
    "reset_energy_per_bit_J": "E_RST",
    "write_energy_per_bit_J": "E_W",
    "read_power_W": "P_R",
    "write_power_W": "P_W",
    "leakage_W": "P_L",
    "standby_W": "P_SB",
    "raw_bit_error_rate": "p_b",
    "word_failure_probability": "p_w",
    "uber": "UBER",
    "yield": "Y",
    "page_write_time_s": "t_PW",
    "serial_read_current_A": "I_R",
    "serial_read_energy_per_bit_J": "E_RS",
    "serial_write_current_A": "I_W",
}
RATES = {"raw_bit_error_rate", "word_failure_probability", "uber"}
SHARES = {"array_efficiency", "yield"}

CHARACTERISTICS = (
    Column("Symbol", width="10%"),
    Column("Parameter", width="30%"),
    Column("Condition", width="25%"),
    Column("Min", "right"),
    Column("Typ", "right"),
    Column("Max", "right"),
    Column("Unit", width="10%"),
)


def figure_symbol(name: str) -> Markup:
    """The printed symbol of a figure."""
    return symbol(SYMBOLS.get(name, name))


def figure_texts(
    name: str, values: Sequence[float | None], unit: str
) -> tuple[tuple[str, ...], str]:
    """Texts of a figure's values and their unit: rates in powers of ten, shares in per cent."""
    if name in RATES:
        return tuple("–" if value is None else power_of_ten(value) for value in values), ""
    if name in SHARES:
        return scaled([None if v is None else _share(v) for v in values], "%")
    if name == "density_bit_per_m2":
        # Mebibit a square millimetre: the unit in which densities are compared.
        return scaled([None if v is None else v * 1e-6 / 2**20 for v in values], "Mibit/mm²")
    if name.endswith("bit_per_s"):
        return scaled([None if v is None else v / 8 for v in values], "B/s")
    return scaled(values, unit)


def _share(value: float) -> float:
    """Per cent, without the rounding residue of a share that is nothing."""
    return 0.0 if abs(value) < 1e-9 else 100.0 * value


def figure_text(name: str, value: float, unit: str) -> str:
    """One figure with its unit, as in running text."""
    (text,), sign = figure_texts(name, [value], unit)
    return f"{text} {sign}" if sign else text


def changing(identity: Identity) -> str:
    """Which bits a write is taken to change."""
    share = identity.changed_share
    return "every bit changes" if share == 1.0 else f"{percent(share, 2)} of bits change"


def temperatures(low: float, high: float) -> str:
    """A range of temperatures in K as print: "−40 to 125 °C"."""
    return f"{written(low, 'K').split()[0].removesuffix('°C').strip()} to {written(high, 'K')}"


def headed(title: Text) -> Row:
    """A line across the table that names the rows below it."""
    return Row((title,), "head")


def distance(row: Outcome) -> str:
    """How far a value lies from its limit: a share of the limit; a factor for rates and where it is
    more than the limit itself.
    """
    if row.name in RATES:
        if not row.value:
            return "any factor"
        ratio = row.value / row.limit
        return f"a factor {power_of_ten(max(ratio, 1 / ratio))}"
    if math.isinf(row.value):
        return "any finite value"
    if abs(row.margin) > 1.0 and row.value > 0:
        return f"a factor {significant(max(row.value / row.limit, row.limit / row.value), 2)}"
    return percent(abs(row.margin), 2)
