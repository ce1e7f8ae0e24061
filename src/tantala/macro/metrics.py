"""The registry of figures that a macro's data sheet reports.

One row a figure: its name (with the unit as suffix, as columns and JSON keys need it), unit, which
direction is better, how corners are folded into one worst case, and a title. The sheet, the
requirements, the search and the report read this table, so that a figure is described in one place.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One reported figure.

    Attributes:
        name: identifier, ending in the unit (``read_latency_s``); dimensionless figures have no
            suffix.
        unit: SI unit symbol, ``"1"`` for a pure number.
        better: the direction in which the figure improves.
        title: what a reader calls it.
        group: heading under which a data sheet lists it.
    """

    name: str
    unit: str
    better: Direction
    title: str
    group: str

    def worst(self, values: Iterable[float]) -> float:
        """The value to guarantee over several corners."""
        return max(values) if self.better == "lower" else min(values)

    def meets(self, value: float, limit: float) -> bool:
        """True if ``value`` is at least as good as ``limit``."""
        return value <= limit if self.better == "lower" else value >= limit


def _register(*rows: Metric) -> Mapping[str, Metric]:
    return MappingProxyType({row.name: row for row in rows})


METRICS: Mapping[str, Metric] = _register(
    Metric("area_m2", "m^2", "lower", "Macro area", "Area"),
    Metric("array_efficiency", "1", "higher", "Cell area over macro area", "Area"),
    Metric("density_bit_per_m2", "bit/m^2", "higher", "Data bits per area", "Area"),
    Metric("read_latency_s", "s", "lower", "Read access time", "Read"),
    Metric("read_cycle_s", "s", "lower", "Read cycle time", "Read"),
    Metric("read_bandwidth_bit_per_s", "bit/s", "higher", "Read bandwidth", "Read"),
    Metric("read_margin_A", "A", "higher", "Worst-case read margin", "Read"),
    Metric("read_energy_per_bit_J", "J", "lower", "Read energy per data bit", "Read"),
    Metric("write_time_s", "s", "lower", "Word write time, mean", "Write"),
    Metric(
        "write_time_tail_s", "s", "lower", "Word write time, slowest word of a million", "Write"
    ),
    Metric("write_bandwidth_bit_per_s", "bit/s", "higher", "Write bandwidth", "Write"),
    Metric("set_energy_per_bit_J", "J", "lower", "SET energy per written cell", "Write"),
    Metric("reset_energy_per_bit_J", "J", "lower", "RESET energy per written cell", "Write"),
    Metric("write_energy_per_bit_J", "J", "lower", "Write energy per data bit", "Write"),
    Metric("read_power_W", "W", "lower", "Power, reads back to back", "Power"),
    Metric("write_power_W", "W", "lower", "Power, writes back to back", "Power"),
    Metric("leakage_W", "W", "lower", "Leakage, powered and idle", "Power"),
    Metric("standby_W", "W", "lower", "Standby power", "Power"),
    Metric("raw_bit_error_rate", "1", "lower", "Raw bit error rate at end of life", "Reliability"),
    Metric("word_failure_probability", "1", "lower", "Uncorrectable word per read", "Reliability"),
    Metric("uber", "1", "lower", "Uncorrectable bit error rate", "Reliability"),
    Metric("yield", "1", "higher", "Die yield with repair", "Yield"),
    Metric("page_write_time_s", "s", "lower", "Page write time, mean", "Serial interface"),
    Metric(
        "serial_read_current_A", "A", "lower", "Supply current, serial read", "Serial interface"
    ),
    Metric(
        "serial_read_energy_per_bit_J",
        "J",
        "lower",
        "Whole-chip read energy per bit",
        "Serial interface",
    ),
    Metric(
        "serial_write_current_A", "A", "lower", "Supply current, page write", "Serial interface"
    ),
)
