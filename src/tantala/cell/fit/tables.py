"""Reading measurement tables: CSV or TSV, plain or gzip, with every problem told at its place."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tantala.base.errors import FitError, Problem, raise_if, unknown
from tantala.cell.fit.columns import (
    KINDS,
    Column,
    HeaderMatch,
    match_header,
    nearest_header,
    recognise,
)

Array = np.ndarray
_SHOWN = 5  # bad cells named one by one; the rest are counted
_MINIMUM_ROWS = 8


@dataclass(frozen=True)
class MeasurementTable:
    """One measurement table in SI units.

    ``columns`` maps column names of ``kind`` to arrays [rows]: float64 for numbers, bool for flags,
    text as numpy strings. For ``noise_levels`` there is one column, ``conductance`` [cell, sample].
    ``sample_rate`` (Hz) and ``full_scale`` (S) are facts about the measurement that the rows do not
    hold; None if unknown.
    """

    path: Path
    kind: str
    columns: Mapping[str, Array]
    sample_rate: float | None = None
    full_scale: float | None = None

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())))


def read_table(
    path: str | Path,
    kind: str | None = None,
    sample_rate: float | None = None,
    full_scale: float | None = None,
) -> MeasurementTable:
    """Read one table; its kind is ``kind`` or follows from its columns.

    Raises FitError for an unreadable or torn file, an unknown kind, missing columns, cells which
    are no number, values outside their physical sign, and tables of fewer than 8 rows. All the
    problems of one file come together, each with its line.
    """
    path = Path(path)
    if kind is not None and kind not in KINDS:
        raise FitError(unknown("table kind", kind, KINDS, str(path)))
    lines = _lines(path)
    if kind is not None and KINDS[kind].headerless:
        columns: dict[str, Array] = {"conductance": _read_headerless(path, lines)}
        return MeasurementTable(path, kind, columns, sample_rate, full_scale)
    number, header_line = lines[0]
    separator = _separator(path, number, header_line)
    header = [name.strip().strip('"') for name in header_line.split(separator)]
    match, problems = _match(path, number, header, kind)
    rows, ragged = _split(path, lines[1:], separator, len(header))
    parsed, bad = _parse(path, match, header, rows)
    raise_if([*problems, *ragged, *bad], FitError)
    return MeasurementTable(path, match.kind.name, parsed, sample_rate, full_scale)


def _lines(path: Path) -> list[tuple[int, str]]:
    """(line number from 1, text) of every line that is neither blank nor a ``#`` comment."""
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b" or path.suffix == ".gz":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        what = "not a gzip file" if isinstance(error, gzip.BadGzipFile) else "cannot read the file"
        raise FitError(
            Problem(what, str(path), got=error.strerror or str(error), hint="check path and file")
        ) from error
    except (EOFError, zlib.error) as error:
        raise FitError(
            Problem(
                "the gzip file is torn",
                str(path),
                got=str(error),
                hint="copy or download it again; `gzip -t` must accept it",
            )
        ) from error
    except UnicodeDecodeError as error:
        raise FitError(
            Problem(
                "not a text table",
                f"{path}, byte {error.start}",
                got=repr(error.object[error.start : error.start + 1]),
                allowed="CSV or TSV in UTF-8, plain or gzip",
            )
        ) from error
    rows = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise FitError(Problem("the table is empty", str(path), allowed="a header and rows"))
    return rows


def _separator(path: Path, number: int, header: str) -> str:
    for candidate in ("\t", ",", ";"):
        if candidate in header:
            return candidate
    raise FitError(
        Problem(
            "found no column separator in the header",
            f"{path}, line {number}",
            got=header[:60],
            allowed="tab, comma or semicolon",
        )
    )


def _match(
    path: Path, number: int, header: list[str], kind: str | None
) -> tuple[HeaderMatch, list[Problem]]:
    """The kind and the columns of this header, and all that is missing.

    Raises FitError for a header that tells no kind, because nothing more can then be read.
    """
    where = f"{path}, line {number}"
    problems: list[Problem] = []
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        problems.append(Problem("repeated column", where, got=", ".join(repeated)))
    if all(_is_number(name) for name in header):
        hint = "add a header line, or give --kind noise_levels for one cell a line"
        raise FitError(Problem("no header line", where, got=", ".join(header[:4]), hint=hint))
    match = match_header(KINDS[kind], header) if kind else recognise(header)
    required = sum(column.required for column in match.kind.columns)
    if kind is None and len(match.missing) > required / 2:
        raise FitError(
            Problem(
                "the columns fit no kind of table",
                where,
                got=", ".join(header),
                allowed=", ".join(k for k in KINDS if not KINDS[k].headerless),
                hint="--kind KIND tells which columns are missing",
            )
        )
    for name in match.missing:
        column = next(c for c in match.kind.columns if c.name == name)
        near = nearest_header(column, header)
        hint = (
            f"rename column {near!r}"
            if near
            else f"columns of a {match.kind.name} table: "
            + (", ".join(c.spellings()[0] for c in match.kind.columns if c.required))
        )
        problems.append(
            Problem(
                f"column {column.spellings()[0]!r} ({column.meaning}) is missing",
                where,
                got=", ".join(header),
                allowed=", ".join(column.spellings()),
                because="" if kind else f"the columns look most like a {match.kind.name} table",
                hint=hint,
            )
        )
    return match, problems


def _split(
    path: Path, lines: list[tuple[int, str]], separator: str, width: int
) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """(line number, cells) of every row that has as many as the header, and the other rows."""
    problems: list[Problem] = []
    if len(lines) < _MINIMUM_ROWS:
        problems.append(
            Problem(
                "too few rows to fit anything",
                str(path),
                got=str(len(lines)),
                allowed=f"at least {_MINIMUM_ROWS}",
            )
        )
    rows = [(number, line.split(separator)) for number, line in lines]
    ragged = [(number, len(cells)) for number, cells in rows if len(cells) != width]
    problems += [
        Problem(
            "a row with another number of cells than the header",
            f"{path}, line {number}",
            got=str(count),
            allowed=str(width),
            hint="the file may be cut off or hold a stray separator",
        )
        for number, count in ragged[:_SHOWN]
    ]
    if len(ragged) > _SHOWN:
        problems.append(Problem(f"{len(ragged) - _SHOWN} more such rows", str(path)))
    return [(number, cells) for number, cells in rows if len(cells) == width], problems


def _parse(
    path: Path, match: HeaderMatch, header: list[str], rows: list[tuple[int, list[str]]]
) -> tuple[dict[str, Array], list[Problem]]:
    """The named columns as arrays in SI units, and every problem found on the way."""
    parsed: dict[str, Array] = {}
    problems: list[Problem] = []
    for column in match.kind.columns:
        if column.name not in match.found:
            continue
        position, factor, offset = match.found[column.name]
        text = [cells[position].strip().strip('"') for _, cells in rows]
        values, bad, allowed = _values(column, text)
        faults = [(index, allowed, "") for index in bad]
        if values.dtype.kind == "f":
            values = values * factor + offset
            faults += _out_of_range(column, values)
        for index, allowed, hint in faults[:_SHOWN]:
            problems.append(
                Problem(
                    f"bad value in column {header[position]!r}",
                    f"{path}, line {rows[index][0]}",
                    got=text[index] or "(empty)",
                    allowed=allowed,
                    hint=hint,
                )
            )
        if len(faults) > _SHOWN:
            more = f"{len(faults) - _SHOWN} more such values"
            problems.append(Problem(f"column {header[position]!r}: {more}", str(path)))
        parsed[column.name] = values
    return parsed, problems


def _values(column: Column, text: list[str]) -> tuple[Array, list[int], str]:
    """(values, indices that cannot be read, what is allowed) of one column of text."""
    if column.dimension == "text":
        return np.array(text), [], ""
    if column.dimension == "flag":
        lowered = np.array([t.lower() for t in text], dtype=str)
        yes = np.isin(lowered, ("true", "1", "yes"))
        no = np.isin(lowered, ("false", "0", "no"))
        return yes, np.flatnonzero(~(yes | no)).tolist(), "true or false"
    try:
        values = np.array(text, dtype=float)
    except ValueError:
        values = np.array([float(t) if _is_number(t) else np.nan for t in text])
    wrong = ~np.isfinite(values)
    if column.blank:
        wrong &= np.array([bool(t) for t in text])
    return values, np.flatnonzero(wrong).tolist(), "a finite number"


def _out_of_range(column: Column, values: Array) -> list[tuple[int, str, str]]:
    """(index, what is allowed, hint) of values with an impossible sign or size.

    NaN passes: it is an allowed blank, or told already. An instrument's offset can make a read of a
    nearly open cell slightly negative, so a conductance is refused only below minus 1 % of the
    largest in its column.
    """
    least, allowed = np.full(values.shape, False), ""
    with np.errstate(invalid="ignore"):
        if column.dimension == "conductance":
            limit = -0.01 * float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
            least, allowed = values < limit, "a conductance, not negative"
        elif column.sign == "positive":
            least, allowed = values <= 0.0, "more than 0"
        elif column.sign == "non-negative":
            least, allowed = values < 0.0, "0 or more"
        large = np.isfinite(values) & (values >= column.below)
    most = f"below {column.below:g} {column.si_unit}"
    hint = f"name the column by its unit: {', '.join(column.other_units())}"
    faults = [(int(index), allowed, "") for index in np.flatnonzero(least & np.isfinite(values))]
    return faults + [(int(index), most, hint) for index in np.flatnonzero(large)]


def _read_headerless(path: Path, lines: list[tuple[int, str]]) -> Array:
    """A noise_levels table: conductance [cell, sample] from ``level, 0, g, g, ...`` lines."""
    separator = _separator(path, *lines[0])
    rows: list[Array] = []
    for number, line in lines:
        try:
            rows.append(np.array(line.split(separator)[2:], dtype=float))
        except ValueError as error:
            raise FitError(
                Problem(
                    "a cell is no number",
                    f"{path}, line {number}",
                    got=str(error),
                    allowed="level, 0, then conductances in S",
                )
            ) from error
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or min(lengths) < _MINIMUM_ROWS:
        raise FitError(
            Problem(
                "series of different or too short length",
                str(path),
                got=", ".join(str(n) for n in sorted(lengths)),
                allowed=f"equal lengths of at least {_MINIMUM_ROWS}",
            )
        )
    return np.stack(rows)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
