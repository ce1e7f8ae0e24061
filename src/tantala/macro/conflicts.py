"""What in a design cannot hold together, although each entry by itself may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tantala.base.errors import Problem, unknown
from tantala.cell.write_verify import SCHEMES
from tantala.macro.metrics import METRICS

if TYPE_CHECKING:
    from tantala.macro.design import Design

AUTO = "auto"

# Requirement key -> the figure which must meet it.
REQUIRED_METRICS = {
    "uber": "uber",
    "raw_bit_error_rate": "raw_bit_error_rate",
    "read_latency": "read_latency_s",
    "read_cycle": "read_cycle_s",
    "read_energy_per_bit": "read_energy_per_bit_J",
    "write_time": "write_time_s",
    "write_time_tail": "write_time_tail_s",
    "write_energy_per_bit": "write_energy_per_bit_J",
    "area": "area_m2",
    "array_efficiency": "array_efficiency",
    "leakage_power": "leakage_W",
    "standby_power": "standby_W",
    "yield": "yield",
    "page_write_time": "page_write_time_s",
    "serial_read_current": "serial_read_current_A",
}


def conflicts(design: Design, file: str) -> list[Problem]:
    """Everything in a design that cannot hold together, although each value by itself may."""
    return [
        *_capacity_conflicts(design, file),
        *_organisation_conflicts(design, file),
        *_other_conflicts(design, file),
    ]


def _capacity_conflicts(design: Design, file: str) -> list[Problem]:
    if design.capacity % design.word:
        return [
            Problem(
                "capacity is not a whole number of words",
                f"{file}: capacity",
                f"{design.capacity} bit",
                f"a multiple of the word, {design.word} bit",
            )
        ]
    return []


def _fixed(value: Any) -> int | None:
    return None if value == AUTO else int(value)


def _organisation_conflicts(design: Design, file: str) -> list[Problem]:
    problems = []
    org, where = design.organisation, f"{file}: organisation"
    banks, subarrays, rows = _fixed(org.banks), _fixed(org.subarrays), _fixed(org.rows)
    columns, mux = _fixed(org.columns), _fixed(org.mux)
    if columns is not None and mux is not None and columns % mux:
        problems.append(
            Problem(
                "columns do not divide into groups of mux",
                f"{where}.mux",
                f"{columns} columns, mux {mux}",
                "a mux that divides the columns",
            )
        )
    if rows is None or columns is None or mux is None or problems:
        return problems
    bits = design.code.word_bits
    together = -(-bits // (columns // mux))  # sub-arrays that are read side by side for one word
    if subarrays is not None and subarrays % together:
        problems.append(
            Problem(
                "sub-arrays of a bank do not divide into groups that hold a word",
                f"{where}.subarrays",
                str(subarrays),
                f"a multiple of {together}",
                f"a word of {bits} stored bits at {columns // mux} sense amplifiers each",
            )
        )
    elif subarrays is not None and banks is not None:
        held = banks * (subarrays // together) * rows * mux
        if held != design.words:
            problems.append(
                Problem(
                    "the organisation does not hold the capacity",
                    where,
                    f"{held} words ({banks} banks x {subarrays} sub-arrays x {rows} rows x "
                    f"{columns} columns)",
                    f"{design.words} words of {design.word} data and "
                    f"{design.code.check_bits} check bits",
                )
            )
    return problems


def _other_conflicts(design: Design, file: str) -> list[Problem]:
    problems: list[Problem] = []
    env = design.environment
    if not env.temperature_min <= env.temperature_typical <= env.temperature_max:
        problems.append(
            Problem(
                "temperatures out of order",
                f"{file}: environment",
                f"{env.temperature_min}, {env.temperature_typical}, {env.temperature_max} K",
                "temperature_min <= temperature_typical <= temperature_max",
            )
        )
    if design.write.scheme not in SCHEMES:
        problems.append(
            unknown("write-verify scheme", design.write.scheme, SCHEMES, f"{file}: write.scheme")
        )
    if design.supply.high < design.supply.core:
        problems.append(
            Problem(
                "the high supply lies below the core supply",
                f"{file}: supply.high",
                f"{design.supply.high} V",
                f"at least {design.supply.core} V",
            )
        )
    if (design.type == "serial") != (design.interface is not None):
        problems.append(
            Problem(
                "a serial chip needs an interface, an embedded macro has none",
                f"{file}: interface",
                "none" if design.interface is None else "one",
            )
        )
    if not any(design.aim.model_dump().values()):
        problems.append(Problem("the aim weighs nothing", f"{file}: aim"))
    for key, metric in REQUIRED_METRICS.items():
        limit = getattr(design.requirements, "yield_" if key == "yield" else key)
        better = METRICS[metric].better
        if limit is not None and (limit.max is not None) != (better == "lower"):
            wanted = "max" if better == "lower" else "min"
            problems.append(
                Problem(
                    "a limit on the wrong side",
                    f"{file}: requirements.{key}",
                    "min" if wanted == "max" else "max",
                    wanted,
                    f"{better} is better",
                )
            )
    return problems
