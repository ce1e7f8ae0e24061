"""The kinds of measurement tables and their columns.

A header name is matched without regard to case. It is a column's name or one of its aliases, with
or without a unit suffix: ``resistance_after_kohm``, ``r_after_kohm`` and ``r_after`` are the same
column, the last in SI units. Which kind a table is follows from its columns.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

_SCALES = {
    "voltage": {"V": 1.0, "mV": 1e-3},
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "h": 3600.0},
    "resistance": {"ohm": 1.0, "kohm": 1e3, "Mohm": 1e6},
    "conductance": {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9},
    "current": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "nA": 1e-9},
    "temperature": {"K": 1.0, "degC": 1.0},
    "count": {},
    "text": {},
    "flag": {},
}
_SI_UNIT = {
    "voltage": "V",
    "time": "s",
    "resistance": "ohm",
    "conductance": "S",
    "current": "A",
    "temperature": "K",
}
ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class Column:
    """One column of a table kind.

    ``sign`` is ``"positive"``, ``"non-negative"`` or ``"any"``; ``celsius_aliases`` are names that
    by custom carry degrees Celsius without saying so; ``blank`` allows empty cells (read as NaN).
    ``below`` is a limit in SI units that no such measurement reaches: a value from there on is in
    another unit than its column's name says.
    """

    name: str
    dimension: str
    meaning: str
    aliases: tuple[str, ...] = ()
    required: bool = True
    sign: str = "any"
    blank: bool = False
    celsius_aliases: tuple[str, ...] = ()
    below: float = math.inf

    @property
    def si_unit(self) -> str:
        """The SI unit of the values after reading; empty for counts, text and flags."""
        return _SI_UNIT.get(self.dimension, "")

    def match(self, header: str) -> tuple[float, float] | None:
        """(factor, offset) to SI if ``header`` names this column, else None.

        Names are compared without case; unit suffixes exactly, because s/S and m/M differ.
        """
        text = header.strip()
        for base in (self.name, *self.aliases):
            if text.lower() == base and self.dimension != "temperature":
                return 1.0, 0.0
            if text.lower().startswith(base + "_"):
                unit = text[len(base) + 1 :]
                if unit in _SCALES[self.dimension]:
                    offset = ZERO_CELSIUS if unit == "degC" else 0.0
                    return _SCALES[self.dimension][unit], offset
        if text.lower() in self.celsius_aliases:
            return 1.0, ZERO_CELSIUS
        return None

    def other_units(self) -> tuple[str, ...]:
        """Header names that state a smaller unit than SI; for messages."""
        return tuple(f"{self.name}_{u}" for u, k in _SCALES[self.dimension].items() if k < 1.0)

    def spellings(self) -> tuple[str, ...]:
        """Header names that mean this column, the customary one first; for messages."""
        unit = self.si_unit
        return (f"{self.name}_{unit}" if unit else self.name, self.name, *self.aliases)


@dataclass(frozen=True)
class TableKind:
    """A table kind: its columns and what it is for; ``headerless`` tables have no header line."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    headerless: bool = False


# Plausibility, not physics: a memory's pulse takes ns to ms at a few volts, its cells stay
# below 0.1 S and 0.1 A. Numbers beyond stand in another unit (ns for s, mV for V, uS for S).
_LONGEST_PULSE = 1.0  # s
_HIGHEST_VOLTAGE = 20.0  # V
_HIGHEST_CONDUCTANCE = 0.1  # S
_HIGHEST_CURRENT = 0.1  # A

_ADDRESS = Column("address", "count", "cell address", ("addr", "cell"), sign="non-negative")
_SOME_ADDRESS = Column(
    "address", "count", "cell address", ("addr", "cell"), required=False, sign="non-negative"
)
_WIDTH = Column(
    "pulse_width",
    "time",
    "pulse width",
    ("pw", "width"),
    sign="positive",
    below=_LONGEST_PULSE,
)
_WORDLINE = Column(
    "wordline",
    "voltage",
    "word-line voltage",
    ("vwl", "wl", "wordline_voltage"),
    sign="non-negative",
    below=_HIGHEST_VOLTAGE,
)
_BITLINE = Column(
    "bitline",
    "voltage",
    "bit-line voltage",
    ("vbl", "bl", "bitline_voltage"),
    sign="non-negative",
    below=_HIGHEST_VOLTAGE,
)
_SOURCELINE = Column(
    "sourceline",
    "voltage",
    "source-line voltage",
    ("vsl", "sl", "sourceline_voltage"),
    sign="non-negative",
    below=_HIGHEST_VOLTAGE,
)
_BEFORE = Column(
    "resistance_before", "resistance", "before the pulse", ("r_before",), sign="positive"
)
_AFTER = Column("resistance_after", "resistance", "after the pulse", ("r_after",), sign="positive")
_TEMPERATURE = Column(
    "temperature",
    "temperature",
    "temperature of the cell",
    ("temp",),
    sign="positive",
    celsius_aliases=("temp",),
)
_CONDUCTANCE = Column(
    "conductance", "conductance", "read conductance", ("g",), below=_HIGHEST_CONDUCTANCE
)


def _optional(column: Column) -> Column:
    return Column(**{**column.__dict__, "required": False})


KINDS: dict[str, TableKind] = {
    kind.name: kind
    for kind in (
        TableKind(
            "set_pulses",
            "one SET pulse a row, resistance before and after",
            (_SOME_ADDRESS, _WIDTH, _WORDLINE, _BITLINE, _BEFORE, _AFTER),
        ),
        TableKind(
            "reset_pulses",
            "one RESET pulse a row, resistance before and after",
            (_SOME_ADDRESS, _WIDTH, _WORDLINE, _SOURCELINE, _BEFORE, _AFTER),
        ),
        TableKind(
            "cycling",
            "low and high resistance of a cell in one SET/RESET cycle a row",
            (
                _ADDRESS,
                Column("cycle", "count", "cycle number", ("cycles",), sign="non-negative"),
                Column("resistance_low", "resistance", "after SET", ("r_lrs",), sign="positive"),
                Column("resistance_high", "resistance", "after RESET", ("r_hrs",), sign="positive"),
            ),
        ),
        TableKind(
            "relaxation",
            "one read a row, at a time after programming, room temperature",
            (
                _ADDRESS,
                Column("time", "time", "since the first read", ("t",), sign="non-negative"),
                _CONDUCTANCE,
                Column(
                    "conductance_initial",
                    "conductance",
                    "first read after programming",
                    ("gi", "g_initial"),
                    below=_HIGHEST_CONDUCTANCE,
                ),
                Column(
                    "time_point",
                    "time",
                    "nominal time",
                    ("timept",),
                    required=False,
                    sign="non-negative",
                ),
            ),
        ),
        TableKind(
            "verified_writes",
            "reads after a verified write; time_after 0 is the final verify",
            (
                Column("run", "text", "label of the experiment", (), required=False),
                _ADDRESS,
                Column("time_after", "time", "after the write", ("t_after",), sign="non-negative"),
                Column("resistance", "resistance", "read resistance", ("r",), sign="positive"),
                Column(
                    "window_low", "resistance", "target window, low", ("w_lo",), sign="positive"
                ),
                Column(
                    "window_high", "resistance", "target window, high", ("w_hi",), sign="positive"
                ),
                Column(
                    "read_low",
                    "resistance",
                    "read level, low edge",
                    ("read_lo",),
                    required=False,
                    sign="non-negative",
                    blank=True,
                ),
                Column(
                    "read_high",
                    "resistance",
                    "read level, high edge",
                    ("read_hi",),
                    required=False,
                    sign="positive",
                    blank=True,
                ),
            ),
        ),
        TableKind(
            "bake",
            "one read a row, before (time 0) and after a bake",
            (
                _ADDRESS,
                Column("time", "time", "time at temperature", ("t",), sign="non-negative"),
                _CONDUCTANCE,
                _TEMPERATURE,
            ),
        ),
        TableKind(
            "iv",
            "read current against voltage; the current at 0 V is an offset",
            (
                _ADDRESS,
                Column(
                    "voltage",
                    "voltage",
                    "read voltage",
                    ("v",),
                    sign="non-negative",
                    below=_HIGHEST_VOLTAGE,
                ),
                Column("current", "current", "read current", ("i",), below=_HIGHEST_CURRENT),
            ),
        ),
        TableKind(
            "noise_series",
            "repeated reads of one cell at a fixed rate, one read a row",
            (
                _SOME_ADDRESS,
                Column(
                    "sample_time", "time", "time of the read", ("unix_time",), sign="non-negative"
                ),
                _CONDUCTANCE,
            ),
        ),
        TableKind(
            "noise_levels",
            "no header line; one cell a line: level, 0, then conductances [S] at a fixed rate",
            (),
            headerless=True,
        ),
        TableKind(
            "write_verify",
            "one verified write a row, with its counts of reads and pulses",
            (
                _ADDRESS,
                Column(
                    "window_low", "resistance", "target window, low", ("r_lo",), sign="non-negative"
                ),
                Column(
                    "window_high", "resistance", "target window, high", ("r_hi",), sign="positive"
                ),
                Column(
                    "resistance_final", "resistance", "last read", ("r_final",), sign="positive"
                ),
                Column("reads", "count", "reads", (), sign="non-negative"),
                Column("sets", "count", "SET pulses", (), sign="non-negative"),
                Column("resets", "count", "RESET pulses", (), sign="non-negative"),
                Column("ok", "flag", "ended in its window", ("success",)),
            ),
        ),
        TableKind(
            "endurance",
            "checks of a cell during cycling, each cell at its own SET gate voltage",
            (
                _ADDRESS,
                Column(
                    "wordline_set",
                    "voltage",
                    "SET gate voltage",
                    ("vwl_set",),
                    sign="positive",
                    below=_HIGHEST_VOLTAGE,
                ),
                Column("cycles", "count", "cycles so far", (), sign="non-negative"),
                Column("after", "text", "SET or RESET", ("operation",)),
                Column("resistance", "resistance", "read resistance", ("r",), sign="positive"),
                _optional(_WIDTH),
            ),
        ),
    )
}


@dataclass(frozen=True)
class HeaderMatch:
    """How a header fits a kind: ``found`` maps a column name to (position, factor, offset)."""

    kind: TableKind
    found: dict[str, tuple[int, float, float]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns which the header lacks."""
        return tuple(c.name for c in self.kind.columns if c.required and c.name not in self.found)


def match_header(kind: TableKind, header: Sequence[str]) -> HeaderMatch:
    """Which columns of ``kind`` the header holds; headers that mean nothing here are ignored."""
    found: dict[str, tuple[int, float, float]] = {}
    for column in kind.columns:
        for position, name in enumerate(header):
            scale = column.match(name)
            if scale is not None:
                found[column.name] = (position, *scale)
                break
    return HeaderMatch(kind, found)


def recognise(header: Sequence[str]) -> HeaderMatch:
    """The kind that the header fits best.

    A kind whose required columns are all there wins, the one with most columns first; else the one
    with the largest share of its required columns.
    """

    def rank(match: HeaderMatch) -> tuple[float, int]:
        required = sum(column.required for column in match.kind.columns)
        return len(match.missing) / required, -len(match.found)

    return min((match_header(k, header) for k in KINDS.values() if not k.headerless), key=rank)


def nearest_header(column: Column, header: Sequence[str]) -> str:
    """The header most like a missing column's names, or an empty string."""
    lowered = {name.strip().lower(): name for name in header}
    for spelling in column.spellings():
        close = difflib.get_close_matches(spelling, lowered, n=1, cutoff=0.75)
        if close:
            return lowered[close[0]]
    return ""
