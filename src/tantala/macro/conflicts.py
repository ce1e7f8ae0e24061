"""What in a design cannot hold together, although each entry by itself may."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tantala.base.errors import Problem, unknown
from tantala.base.schema import has
from tantala.cell.write_scheme import SCHEMES
from tantala.macro.metrics import METRICS

if TYPE_CHECKING:
    from tantala.macro.design import Design

Check = Callable[["Design", str], list[Problem]]
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
    """Everything in a design that cannot hold together, although each value by itself may.

    `design` may lack entries (`base.schema.sound_part`): then the checks are made that do without
    them.
    """
    problems: list[Problem] = []
    for needed, check in _CHECKS:
        if all(has(design, path) for path in needed):
            problems.extend(check(design, file))
    return problems


def _part_of_a_word(design: Design, file: str) -> list[Problem]:
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


def _mux_groups(design: Design, file: str) -> list[Problem]:
    columns, mux = _fixed(design.organisation.columns), _fixed(design.organisation.mux)
    if columns is None or mux is None or columns % mux == 0:
        return []
    return [
        Problem(
            "columns do not divide into groups of mux",
            f"{file}: organisation.mux",
            f"{columns} columns, mux {mux}",
            "a mux that divides the columns",
        )
    ]


def _word_groups(design: Design, file: str) -> list[Problem]:
    """Sub-arrays of a bank that do not divide into those read side by side for one word."""
    org = design.organisation
    subarrays, columns, mux = _fixed(org.subarrays), _fixed(org.columns), _fixed(org.mux)
    if subarrays is None or columns is None or mux is None or columns % mux:
        return []
    together = _together(design, columns // mux)
    if subarrays % together == 0:
        return []
    return [
        Problem(
            "sub-arrays of a bank do not divide into groups that hold a word",
            f"{file}: organisation.subarrays",
            str(subarrays),
            f"a multiple of {together}",
            f"a word of {design.code.word_bits} stored bits at {columns // mux} sense amplifiers "
            "each",
        )
    ]


def _together(design: Design, amplifiers: int) -> int:
    """Sub-arrays that are read side by side for one word."""
    return -(-design.code.word_bits // amplifiers)


def _held_capacity(design: Design, file: str) -> list[Problem]:
    org = design.organisation
    banks, subarrays, rows = _fixed(org.banks), _fixed(org.subarrays), _fixed(org.rows)
    columns, mux = _fixed(org.columns), _fixed(org.mux)
    if not (banks and subarrays and rows and columns and mux):
        return []
    if columns % mux or subarrays % _together(design, columns // mux):
        return []  # told by the checks of groups
    held = banks * (subarrays // _together(design, columns // mux)) * rows * mux
    if held == design.words:
        return []
    return [
        Problem(
            "the organisation does not hold the capacity",
            f"{file}: organisation",
            f"{held} words ({banks} banks x {subarrays} sub-arrays x {rows} rows x "
            f"{columns} columns)",
            f"{design.words} words of {design.word} data and {design.code.check_bits} check bits",
        )
    ]


def _temperatures(design: Design, file: str) -> list[Problem]:
    env = design.environment
    if env.temperature_min <= env.temperature_typical <= env.temperature_max:
        return []
    return [
        Problem(
            "temperatures out of order",
            f"{file}: environment",
            f"{env.temperature_min}, {env.temperature_typical}, {env.temperature_max} K",
            "temperature_min <= temperature_typical <= temperature_max",
        )
    ]


def _scheme(design: Design, file: str) -> list[Problem]:
    if design.write.scheme in SCHEMES:
        return []
    return [unknown("write-verify scheme", design.write.scheme, SCHEMES, f"{file}: write.scheme")]


def _supplies(design: Design, file: str) -> list[Problem]:
    if design.supply.high >= design.supply.core:
        return []
    return [
        Problem(
            "the high supply lies below the core supply",
            f"{file}: supply.high",
            f"{design.supply.high} V",
            f"at least {design.supply.core} V",
        )
    ]


def _interface(design: Design, file: str) -> list[Problem]:
    if (design.type == "serial") == (design.interface is not None):
        return []
    return [
        Problem(
            "a serial chip needs an interface, an embedded macro has none",
            f"{file}: interface",
            "none" if design.interface is None else "one",
        )
    ]


def _aim(design: Design, file: str) -> list[Problem]:
    weights = vars(design.aim)
    return [] if any(weights.values()) else [Problem("the aim weighs nothing", f"{file}: aim")]


def _side(key: str) -> Check:
    """The check of one requirement: whether its limit is on the side that can be missed."""
    better = METRICS[REQUIRED_METRICS[key]].better
    wanted, other = ("max", "min") if better == "lower" else ("min", "max")

    def check(design: Design, file: str) -> list[Problem]:
        limit = getattr(design.requirements, _field(key))
        if limit is None or getattr(limit, wanted) is not None:
            return []
        return [
            Problem(
                "a limit on the wrong side",
                f"{file}: requirements.{key}",
                other,
                wanted,
                f"{better} is better",
            )
        ]

    return check


def _field(key: str) -> str:
    """The field of a requirement; 'yield' is a word of the language."""
    return "yield_" if key == "yield" else key


_WORD = ("word", "correction.code")
_COUNTS = tuple(f"organisation.{name}" for name in ("banks", "subarrays", "rows", "columns", "mux"))
_TEMPERATURES = tuple(f"environment.temperature_{name}" for name in ("min", "typical", "max"))
_WEIGHTS = tuple(
    f"aim.{name}"
    for name in ("area", "read_latency", "read_energy", "write_time", "write_energy", "standby")
)
# Each check with the entries that it reads.
_CHECKS: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("capacity", "word"), _part_of_a_word),
    (("organisation.columns", "organisation.mux"), _mux_groups),
    ((*_WORD, "organisation.subarrays", "organisation.columns", "organisation.mux"), _word_groups),
    ((*_WORD, "capacity", *_COUNTS), _held_capacity),
    (_TEMPERATURES, _temperatures),
    (("write.scheme",), _scheme),
    (("supply.core", "supply.high"), _supplies),
    (("type", "interface"), _interface),
    (_WEIGHTS, _aim),
    *(
        ((f"requirements.{_field(key)}.max", f"requirements.{_field(key)}.min"), _side(key))
        for key in REQUIRED_METRICS
    ),
)
