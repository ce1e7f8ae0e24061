"""How the lines of each trace format are written, and what their fields mean.

NVMain (github.com/SEAL-UCSB/NVmain, traceReader/NVMainTrace/NVMainTraceReader.cpp):
`CYCLE OP ADDRESS DATA [OLD DATA] THREAD`, the address in base 16 with or without 0x, perhaps after
a first line `NVMV1`; of a line only the first three fields count here. Ramulator
(github.com/CMU-SAFARI/ramulator, README.md): of a processor `BUBBLE ADDRESS [WRITE-BACK]`, of a
memory `ADDRESS R|W` with the address in base 16; Ramulator 2 (src/frontend/impl/memory_trace/
loadstore_trace.cpp): `LD|ST ADDRESS`, in base 16 after 0x, else in base 10. In all of them a
request is a cache line of 64 bytes.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from tantala.base.errors import Problem
from tantala.chip.trace_text import SHOWN

Arrival = Literal["s", "cycles", "instructions", "none"]
CACHE_LINE = 64  # bytes
_BLANK = r"[ \t]"
_NUMBER = r"(?:0[xX][0-9a-fA-F]+|[0-9]+)"
_HEX = r"(?:0[xX])?[0-9a-fA-F]+"
_REAL = r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_OPERATION = r"(?:[rR](?:[eE][aA][dD])?|[wW](?:[rR][iI][tT][eE])?)"


@dataclass(frozen=True)
class Layout:
    """One format.

    arrival: what the moments of requests are counted in; "instructions": executed one a cycle by a
        processor that waits for the memory; "none": as soon as the memory takes them.
    pattern: of a line, with groups named after columns. described: the same in words.
    base_16: columns in base 16 without a prefix too. first: pattern of a first line to pass over.
    columns, separator: of a CSV file.
    """

    name: str
    arrival: Arrival
    pattern: str
    described: str
    base_16: frozenset[str] = frozenset()
    first: str | None = None
    columns: tuple[str, ...] = ()
    separator: str = ""

    def matches(self, line: str) -> bool:
        """Whether a line, without its end, is one of this format."""
        return re.fullmatch(self.pattern, line) is not None

    def fields(self, lines: pl.Series) -> pl.DataFrame:
        """Columns of the lines as text; null where a line is none of this format."""
        found = pl.col("line").str.extract_groups(f"^{self.pattern}$")
        return lines.alias("line").to_frame().select(found).unnest("line")

    def value(self, text: pl.Series) -> pl.Series:
        """A column as numbers: Float64 of `time`, else Int64; null where one is too large."""
        if text.name == "time":
            time = text.cast(pl.Float64, strict=False)
            return time.zip_with(time.is_finite(), pl.Series([None], dtype=pl.Float64))
        prefixed = text.str.starts_with("0x") | text.str.starts_with("0X")
        everywhere = text.name in self.base_16
        if not everywhere and not prefixed.any():
            return text.cast(pl.Int64, strict=False)
        digits = text.str.replace("^0[xX]", "")
        base_16 = digits.str.to_integer(base=16, strict=False)
        if everywhere:
            return base_16
        return text.cast(pl.Int64, strict=False).zip_with(prefixed.not_(), base_16)


def _line(*fields: str) -> str:
    return f"{_BLANK}*" + f"{_BLANK}+".join(fields) + rf"{_BLANK}*\r?"


NVMAIN = Layout(
    "nvmain",
    "cycles",
    _line(
        "(?P<cycle>[0-9]+)", "(?P<op>[RW])", f"(?P<address>{_HEX})(?:{_BLANK}+[0-9a-fA-F]+){{0,3}}"
    ),
    "CYCLE R|W ADDRESS [DATA [OLD DATA] THREAD], address and data in base 16",
    base_16=frozenset({"address"}),
    first=r"NVMV[0-9]+[ \t]*\r?",
)
PROCESSOR = Layout(
    "ramulator-cpu",
    "instructions",
    _line("(?P<bubble>[0-9]+)", f"(?P<address>{_NUMBER})(?:{_BLANK}+(?P<back>{_NUMBER}))?"),
    "BUBBLE READ [WRITE-BACK], whole numbers",
)
ADDRESSES = Layout(
    "ramulator-memory",
    "none",
    _line(f"(?P<address>{_HEX})", "(?P<op>[RW])"),
    "ADDRESS R|W, address in base 16",
    base_16=frozenset({"address"}),
)
LOADS = replace(
    ADDRESSES,
    name="ramulator-loadstore",
    pattern=_line("(?P<op>LD|ST)", f"(?P<address>{_NUMBER})"),
    described="LD|ST ADDRESS",
    base_16=frozenset(),
)
LAYOUTS = {layout.name: layout for layout in (NVMAIN, PROCESSOR, ADDRESSES, LOADS)}

CSV = "csv"
FORMATS = (CSV, *LAYOUTS)
SEPARATORS = ("\t", ";", ",")


@dataclass(frozen=True)
class Column:
    """One of a CSV file: its pattern, what is allowed in words, and other names of it."""

    pattern: str
    allowed: str
    also: tuple[str, ...] = ()


COLUMNS = {
    "time": Column(_REAL, "a time in s, from 0 on", ("timestamp",)),
    "cycle": Column("[0-9]+", "a whole number below 2^63"),
    "op": Column(_OPERATION, "r, w, read, write", ("rw",)),
    "address": Column(_NUMBER, "a whole number below 2^63, in base 16 after 0x", ("addr",)),
    "size": Column("[0-9]+", "a whole number of bytes, 1 or more, below 2^63", ("len",)),
}
NEEDED = ("op", "address", "size")
_NAMES = {name: name for name in COLUMNS} | {
    other: name for name, column in COLUMNS.items() for other in column.also
}
HEADER = "time or cycle, op, address, size"


def csv_layout(header: str) -> Layout | None:
    """The layout of a CSV file by its header line, or None if that is none.

    Columns `op` (r, w, read or write), `address` and `size` (bytes), in any order; `time` (s) or
    `cycle`, neither or one of them; under these names or their others in `COLUMNS`. Cells are
    separated by tabs, semicolons or commas.
    """
    if header_problems(header, ""):
        return None
    separator = _separator(header)
    names = [_NAMES[name] for name in _cells(header)]
    arrival: Arrival = "s" if "time" in names else "cycles" if "cycle" in names else "none"
    blank = " *" if separator == "\t" else f"{_BLANK}*"
    cells = (f"(?P<{name}>{COLUMNS[name].pattern})" for name in names)
    fields = f"{blank}{separator}{blank}".join(cells)
    described = ", ".join(names) + "; op r or w, address in base 10 or after 0x in base 16"
    pattern = rf"{blank}{fields}{blank}\r?"
    return Layout(CSV, arrival, pattern, described, columns=tuple(names), separator=separator)


def header_problems(header: str, where: str) -> list[Problem]:
    """What keeps a line from being the header of a CSV file."""
    given = _cells(header)
    problems = [
        Problem("unknown column", where, repr(name), HEADER, hint=_spelling(name))
        for name in given
        if name not in _NAMES
    ]
    names = [_NAMES[name] for name in given if name in _NAMES]
    for name in COLUMNS:
        if names.count(name) > 1:
            same = [other for other in given if _NAMES.get(other) == name]
            problems.append(
                Problem(f"more than one column for {name}", where, ", ".join(same), HEADER)
            )
    if {"time", "cycle"} <= set(names):
        problems.append(Problem("columns for time and cycle", where, allowed="one of them"))
    missing = [name for name in NEEDED if name not in names]
    if missing:
        problems.append(
            Problem(f"no column for {', '.join(missing)}", where, ", ".join(given), HEADER)
        )
    return problems


def looks_like_header(line: str) -> bool:
    """Whether a line is meant as the header of a CSV file: most of the columns are named."""
    return len({_NAMES.get(cell) for cell in _cells(line)} & set(COLUMNS)) >= len(NEEDED) - 1


def line_problem(layout: Layout, line: str, where: str, column: str = "") -> Problem:
    """What is wrong with a line of a CSV file: its cells, or the `column` of a bad number."""
    cells = [cell.strip() for cell in line.split(layout.separator)]
    if len(cells) != len(layout.columns):
        return Problem(
            "a line with another number of cells than the header",
            where,
            f"{len(cells)}: {line[:SHOWN]!r}",
            f"{len(layout.columns)}: {', '.join(layout.columns)}",
            hint="delete a last line that is cut off",
        )
    bad = [
        (name, repr(cell[:SHOWN]))
        for name, cell in zip(layout.columns, cells, strict=True)
        if name == column or re.fullmatch(COLUMNS[name].pattern, cell) is None
    ]
    names = ", ".join(name for name, _ in bad)
    if len(bad) == 1:
        return Problem(f"bad {names}", where, bad[0][1], COLUMNS[names].allowed)
    got = ", ".join(f"{name} {cell}" for name, cell in bad)
    allowed = "; ".join(f"{name}: {COLUMNS[name].allowed}" for name, _ in bad)
    return Problem(f"bad {names}", where, got, allowed)


def _separator(header: str) -> str:
    return next((each for each in SEPARATORS if each in header), ",")


def _cells(header: str) -> list[str]:
    # Programs of Windows begin a file with a byte order mark.
    cells = header.removeprefix("\ufeff").split(_separator(header))
    return [cell.strip().strip('"').lower() for cell in cells]


def _spelling(name: str) -> str:
    close = difflib.get_close_matches(name, _NAMES, n=1)
    return repr(_NAMES[close[0]]) if close else ""
