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

import re
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

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
    """

    name: str
    arrival: Arrival
    pattern: str
    described: str
    base_16: frozenset[str] = frozenset()
    first: str | None = None

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
COLUMNS = {
    "time": f"(?P<time>{_REAL})",
    "cycle": "(?P<cycle>[0-9]+)",
    "op": f"(?P<op>{_OPERATION})",
    "address": f"(?P<address>{_NUMBER})",
    "size": "(?P<size>[0-9]+)",
}
HEADER = "time or cycle, op, address, size"


def csv_layout(header: str) -> Layout | None:
    """The layout of a CSV file by its header line, or None if that is none.

    Columns `op` (r, w, read or write), `address` and `size` (bytes), in any order; `time` (s) or
    `cycle`, neither or one of them.
    """
    names = [name.strip().strip('"').lower() for name in header.split(",")]
    needed = {"op", "address", "size"}
    if len(set(names)) != len(names) or not needed <= set(names) <= COLUMNS.keys():
        return None
    if {"time", "cycle"} <= set(names):
        return None
    arrival: Arrival = "s" if "time" in names else "cycles" if "cycle" in names else "none"
    fields = rf"{_BLANK}*,{_BLANK}*".join(COLUMNS[name] for name in names)
    described = ", ".join(names) + "; op r or w, address in base 10 or after 0x in base 16"
    return Layout(CSV, arrival, rf"{_BLANK}*{fields}{_BLANK}*\r?", described)
