"""Traces of memory requests: read in batches, plain or gzip, with faults told at their line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.chip.trace_formats import (
    CACHE_LINE,
    CSV,
    FORMATS,
    HEADER,
    LAYOUTS,
    Arrival,
    Layout,
    csv_layout,
    header_problems,
    line_problem,
    looks_like_header,
)
from tantala.chip.trace_text import IGNORED, SHOWN, first_line, lines_of

MOST_TOLD = 10  # bad lines that are named together


@dataclass(frozen=True)
class Requests:
    """Requests in the order in which they come, (n,) each.

    moment: in the trace's unit. write: whether it is one. address, size: bytes.
    """

    moment: NDArray[np.float64]
    write: NDArray[np.bool_]
    address: NDArray[np.int64]
    size: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.moment)


@dataclass(frozen=True)
class Trace:
    """A trace, in memory or in a file; iterating gives its `Requests` batch by batch.

    arrival: unit of the moments, as in `trace_formats.Layout`. header: number of a line to pass
    over, 0 for none.
    """

    name: str
    arrival: Arrival
    held: tuple[Requests, ...] = ()
    path: Path | None = None
    layout: Layout | None = field(default=None, repr=False)
    header: int = 0

    @property
    def format(self) -> str:
        """The name of the file's format; "" of requests that were not read from a file."""
        return "" if self.layout is None else self.layout.name

    def __iter__(self) -> Iterator[Requests]:
        if self.path is None or self.layout is None:
            return iter(self.held)
        return _batches(self.path, self.layout, self.header)


def trace_of(
    moment: ArrayLike,
    write: ArrayLike,
    address: ArrayLike,
    size: ArrayLike = CACHE_LINE,
    arrival: Arrival = "s",
    name: str = "requests",
) -> Trace:
    """A trace of arrays that broadcast against each other.

    Args:
        moment: in the unit that `arrival` names, finite, from 0 on, not falling.
        write: whether each request is a write.
        address, size: bytes.

    Raises:
        InputError: moments that fall, negative addresses, sizes below one byte.
    """
    arrays = np.broadcast_arrays(
        np.asarray(moment, np.float64),
        np.asarray(write, np.bool_),
        np.asarray(address, np.int64),
        np.asarray(size, np.int64),
    )
    requests = Requests(*(np.array(np.atleast_1d(array)) for array in arrays))
    rises = np.isfinite(requests.moment) & (np.diff(requests.moment, prepend=0.0) >= 0.0)
    at = np.flatnonzero(~rises)
    if len(at):
        raise InputError(_falls(f"{name}, request {at[0]}", float(requests.moment[at[0]])))
    for what, array, least in (("address", requests.address, 0), ("size", requests.size, 1)):
        if (array < least).any():
            first = int(np.argmax(array < least))
            where = f"{name}, request {first}"
            raise InputError(Problem(f"bad {what}", where, str(array[first]), f"{least} or more"))
    return Trace(name, arrival, (requests,))


def read_trace(path: str | Path, format: str | None = None) -> Trace:
    """The trace in a file, gzip where its name ends in .gz.

    Only its beginning is read here; the rest as the trace is iterated, so that a trace may be
    larger than the memory. Faults further on are raised then.

    Args:
        path: the file.
        format: one of `trace_formats.FORMATS`; None: told by its first line.

    Raises:
        InputError: an unknown format; a file that cannot be read, is torn or holds something else,
            with the line; of bad lines in one batch the first ten.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise InputError(unknown("trace format", format, FORMATS, str(path)))
    number, line = first_line(path)
    layout = _layout(line, format)
    if layout is None and (format == CSV or (format is None and looks_like_header(line))):
        raise_if(header_problems(line, f"{path}, line {number}"))
    if layout is None:
        columns = f"columns {HEADER}"
        known = {CSV: columns, **{name: layout.described for name, layout in LAYOUTS.items()}}
        allowed = [f"{name}: {known[name]}" for name in ([format] if format else FORMATS)]
        what = f"not a trace of the format {format}" if format else "no known trace format"
        where = f"{path}, line {number}"
        raise InputError(Problem(what, where, repr(line[:SHOWN]), "; ".join(allowed)))
    return Trace(path.name, layout.arrival, (), path, layout, 0 if layout.matches(line) else number)


def _layout(line: str, format: str | None) -> Layout | None:
    """The layout that a first line tells, or None."""
    if format in (None, CSV) and (layout := csv_layout(line)) is not None:
        return layout
    for layout in LAYOUTS.values():
        headed = layout.first is not None and re.fullmatch(layout.first, line)
        if format in (None, layout.name) and (layout.matches(line) or headed):
            return layout
    return None


def _batches(path: Path, layout: Layout, header: int) -> Iterator[Requests]:
    done = reached = 0.0
    empty = True
    for first, lines in lines_of(path):
        fields = _fields(path, layout, first, lines, header)
        if not len(fields):
            continue
        if layout.arrival == "instructions":
            requests = _of_processor(fields, done)
            done += float(fields["bubble"].sum()) + len(fields)
        else:
            requests = _plain(fields)
        falls = np.flatnonzero(np.diff(requests.moment, prepend=reached) < 0.0)
        if len(falls):
            where = f"{path}, line {fields['number'][int(falls[0])]}"
            raise InputError(_falls(where, float(requests.moment[falls[0]])))
        reached, empty = float(requests.moment[-1]), False
        yield requests
    if empty:
        raise InputError(Problem("the trace holds no request", str(path), allowed=layout.described))


def _fields(path: Path, layout: Layout, first: int, lines: pl.Series, header: int) -> pl.DataFrame:
    """Columns of the lines from number `first` on, with the `number` of each."""
    text = layout.fields(lines).with_columns(pl.Series("number", np.arange(len(lines)) + first))
    other = text["address"].is_null()
    odd, numbers = lines.filter(other), text["number"].filter(other)
    bad = odd.str.contains(IGNORED).not_() & (numbers != header)
    told = [(numbers[at], "") for at in bad.arg_true()[: MOST_TOLD + 1]]
    text = text.filter(other.not_())
    fields = text.with_columns(
        layout.value(text[name]) for name in text.columns if name not in ("op", "number")
    )
    for name in fields.columns:
        wrong = fields[name].is_null() & text[name].is_not_null()
        if name == "size":
            wrong |= (fields[name] == 0).fill_null(value=False)
        told += [(number, name) for number in fields["number"].filter(wrong)[: MOST_TOLD + 1]]
    problems = [
        _no_line(path, layout, number, lines[number - first], column)
        for number, column in sorted(told)[:MOST_TOLD]
    ]
    if len(told) > MOST_TOLD:
        problems.append(Problem("more lines are bad", str(path), allowed=layout.described))
    raise_if(problems)
    return fields


def _plain(fields: pl.DataFrame) -> Requests:
    """One request a line, in arrays that may be written: the kernel is compiled for such."""
    count = len(fields)
    moment = next((fields[name] for name in ("time", "cycle") if name in fields.columns), None)
    return Requests(
        np.zeros(count) if moment is None else moment.cast(pl.Float64).to_numpy(),
        fields["op"].str.contains("^[wWS]").to_numpy(),
        fields["address"].to_numpy(writable=True),
        fields["size"].to_numpy(writable=True)
        if "size" in fields.columns
        else np.full(count, CACHE_LINE),
    )


def _of_processor(fields: pl.DataFrame, done: float) -> Requests:
    """Reads, each with the write-back that it causes right after it; `done`: instructions before.

    A read comes once the instructions before it are done.
    """
    bubble = fields["bubble"].to_numpy().astype(np.float64)
    moment = done + np.cumsum(bubble + 1.0) - 1.0
    writes = fields["back"].is_not_null().to_numpy()
    of = np.repeat(np.arange(len(fields)), 1 + writes)
    back = np.zeros(len(of), np.bool_)
    back[1:] = of[1:] == of[:-1]
    address = fields["address"].to_numpy()[of]
    address[back] = fields["back"].drop_nulls().to_numpy()
    return Requests(moment[of], back, address, np.full(len(of), CACHE_LINE))


def _falls(where: str, moment: float) -> Problem:
    return Problem("requests out of order", where, f"{moment:g}", "finite moments that do not fall")


def _no_line(path: Path, layout: Layout, number: int, line: str, column: str = "") -> Problem:
    where, line = f"{path}, line {number}", line.rstrip("\r")
    if layout.columns:
        return line_problem(layout, line, where, column)
    what = f"bad {column}" if column else f"not a line of the format {layout.name}"
    hint = "delete a last line that is cut off, or state another format" if not column else ""
    return Problem(what, where, repr(line[:SHOWN]), layout.described, hint=hint)
