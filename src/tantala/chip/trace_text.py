"""Text of a trace file in batches of whole lines, and its faults told at their line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tantala.base.errors import InputError, Problem

BATCH = 1 << 23  # bytes of text read at once
LONGEST = 1 << 16  # bytes of a line
SHOWN = 60  # characters of a bad line that are told
IGNORED = r"^[ \t]*(?:#.*)?\r?$"


def lines_of(path: Path, batch: int = BATCH) -> Iterator[tuple[int, pl.Series]]:
    """(number of the first line, lines without their ends), in batches of so many bytes.

    Raises:
        InputError: a file that cannot be read, is a torn gzip file or no text.
    """
    number, rest = 1, b""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            while block := file.read(batch):
                whole, found, rest = (rest + block).rpartition(b"\n")
                if found:
                    lines = _split(path, number, whole)
                    yield number, lines
                    number += len(lines)
                if len(rest) > LONGEST:
                    raise InputError(no_text(path, number, rest[:SHOWN]))
            if rest:
                yield number, _split(path, number, rest)
    except gzip.BadGzipFile as error:
        hint = "a name without .gz, if it is plain text"
        raise InputError(Problem("not a gzip file", str(path), str(error), hint=hint)) from error
    except (EOFError, zlib.error) as error:
        hint = "copy or download it again; gzip -t must accept it"
        where = f"{path}, after line {number - 1}"
        raise InputError(Problem("the gzip file is torn", where, str(error), hint=hint)) from error
    except OSError as error:
        got = error.strerror or str(error)
        raise InputError(Problem("cannot read the trace", str(path), got)) from error


def _split(path: Path, number: int, block: bytes) -> pl.Series:
    try:
        text = block.decode("utf-8")
    except UnicodeDecodeError as error:
        line = number + block.count(b"\n", 0, error.start)
        bad = block[error.start : error.start + 1]
        raise InputError(no_text(path, line, bad)) from error
    return pl.Series("line", [text]).str.split("\n").explode()


def no_text(path: Path, number: int, got: bytes) -> Problem:
    """The problem of a file that is no text."""
    where = f"{path}, line {number}"
    return Problem("not a trace in text", where, repr(got), "lines of UTF-8 text, plain or gzip")


def first_line(path: Path) -> tuple[int, str]:
    """(number, text) of the first line that is neither blank nor a comment.

    Raises:
        InputError: as `lines_of`; no such line.
    """
    for number, lines in lines_of(path, LONGEST):
        told = lines.str.contains(IGNORED).not_().arg_true()
        if len(told):
            return number + told[0], lines[told[0]].rstrip("\r")
    raise InputError(
        Problem("the trace is empty", str(path), allowed="at least one line with a request")
    )
