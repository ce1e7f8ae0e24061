"""Cited numbers, and the library items that hold them.

A number about the world is data: value, unit, kind, source, where, and the range in which it holds.
An item is one TOML file: cited numbers by dotted path, plain texts, and tables of measured curves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tantala.base.bibliography import Source
from tantala.base.errors import InputError, Problem, raise_if, unknown
from tantala.base.quantity import conversion, to_si

KINDS = ("measured", "fitted", "derived", "assumed")
_KEYS = {"value", "unit", "kind", "source", "where", "range", "note", "span", "uncertainty"}
Value = float | tuple[float, ...]


@dataclass(frozen=True)
class Number:
    """A cited number. `value` and `span` are in `unit`, as the file has them.

    `range` maps the name of a condition to its (low, high) quantities as written, e.g.
    {"pulse_width": ("20 ns", "2 us")}; `span` is the plausible (low, high) of an assumed value.
    """

    path: str
    value: Value
    unit: str
    kind: str
    source: str
    where: str
    range: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    note: str = ""
    span: tuple[float, float] | None = None
    uncertainty: float | None = None

    def to(self, unit: str) -> Value:
        """The value in `unit`. Raises ValueError when the dimensions differ."""
        factor, offset = conversion(_named(self.unit), _named(unit))
        if isinstance(self.value, tuple):
            return tuple(factor * part + offset for part in self.value)
        return factor * self.value + offset

    def limits(self, condition: str, unit: str) -> tuple[float, float] | None:
        """The valid (low, high) of a condition in SI `unit`, or None if none is stated."""
        if condition not in self.range:
            return None
        low, high = self.range[condition]
        name = f"{self.path}.range.{condition}"
        return to_si(low, unit, name=name), to_si(high, unit, name=name)


@dataclass(frozen=True)
class Table:
    """A measured or published curve: columns by name, each with its unit, and one citation."""

    path: str
    columns: Mapping[str, tuple[float, ...]]
    units: Mapping[str, str]
    kind: str
    source: str
    where: str
    note: str = ""


@dataclass(frozen=True)
class Item:
    """One library file. `texts` holds its plain strings, integers and booleans by dotted path."""

    kind: str
    name: str
    title: str
    description: str
    path: Path
    numbers: Mapping[str, Number]
    texts: Mapping[str, Any]
    tables: Mapping[str, Table]
    not_measured: tuple[str, ...] = ()

    def number(self, path: str) -> Number:
        """The record at a dotted path. Raises InputError with the nearest name."""
        if path not in self.numbers:
            raise InputError(unknown("number", path, self.numbers, self.path.name))
        return self.numbers[path]

    def value(self, path: str, unit: str) -> float:
        """The scalar at a dotted path in `unit` (SI)."""
        number = self.number(path)
        try:
            value = number.to(unit)
        except ValueError as error:
            raise InputError(
                Problem("wrong unit", f"{self.path.name}: {path}", number.unit, unit, str(error))
            ) from None
        if isinstance(value, tuple):
            raise InputError(Problem("one number expected", f"{self.path.name}: {path}", "a list"))
        return value

    def text(self, path: str, default: Any = None) -> Any:
        """The plain entry at a dotted path, or `default`. Raises InputError if there is neither."""
        if path in self.texts:
            return self.texts[path]
        if default is None:
            raise InputError(unknown("entry", path, self.texts, self.path.name))
        return default

    def has(self, prefix: str) -> bool:
        """Whether any number lies at or under a dotted path."""
        return any(p == prefix or p.startswith(prefix + ".") for p in self.numbers)

    def with_values(self, values: Mapping[str, Value]) -> Item:
        """A copy with some numbers' values replaced (in their own units): for influence studies."""
        changed = {path: replace(self.number(path), value=value) for path, value in values.items()}
        return replace(self, numbers={**self.numbers, **changed})


def _named(unit: str) -> str:
    return "dimensionless" if unit in ("1", "") else unit


def parse_item(data: Mapping[str, Any], path: Path, sources: Mapping[str, Source]) -> Item:
    """Build an Item from parsed TOML. Raises InputError with every problem of the file."""
    parser = _Parser(path, sources)
    for key in ("kind", "name", "title"):
        if not isinstance(data.get(key), str):
            parser.problem("missing or not a text", key, "", "a text")
    head = {"kind", "name", "title", "description", "not_measured"}
    parser.walk({key: value for key, value in data.items() if key not in head}, "")
    raise_if(parser.problems)
    return Item(
        kind=data["kind"],
        name=data["name"],
        title=data["title"],
        description=data.get("description", ""),
        path=path,
        numbers=parser.numbers,
        texts=parser.texts,
        tables=parser.tables,
        not_measured=tuple(data.get("not_measured", ())),
    )


class _Parser:
    """Walks a TOML tree, sorting it into numbers, tables and texts, and collecting problems."""

    def __init__(self, path: Path, sources: Mapping[str, Source]) -> None:
        self.path = path
        self.sources = sources
        self.problems: list[Problem] = []
        self.numbers: dict[str, Number] = {}
        self.texts: dict[str, Any] = {}
        self.tables: dict[str, Table] = {}

    def problem(self, what: str, key: str, got: Any, allowed: str, hint: str = "") -> None:
        shown = got if isinstance(got, str) else repr(got)
        self.problems.append(Problem(what, f"{self.path.name}: {key}", shown, allowed, hint=hint))

    def walk(self, data: Mapping[str, Any], prefix: str) -> None:
        for key, entry in data.items():
            path = f"{prefix}{key}"
            if not isinstance(entry, Mapping):
                if isinstance(entry, float):
                    self.problem(
                        "a bare number without unit and source",
                        path,
                        entry,
                        "{ value, unit, kind, source, where }",
                    )
                self.texts[path] = entry
            elif "value" in entry:
                self._number(entry, path)
            elif "columns" in entry:
                self._table(entry, path)
            else:
                self.walk(entry, f"{path}.")

    def _number(self, entry: Mapping[str, Any], path: str) -> None:
        for key in entry:
            if key not in _KEYS:
                self.problems.append(unknown("key", key, _KEYS, f"{self.path.name}: {path}"))
        value = self._value(entry["value"], path)
        self._citation(entry, path)
        unit = entry.get("unit")
        if not isinstance(unit, str):
            self.problem("missing unit", path, repr(unit), "a unit text; '1' for a plain number")
            unit = "1"
        try:
            conversion(_named(unit), _named(unit))
        except ValueError as error:
            self.problem("wrong unit", path, unit, "a unit such as V, uS, ns, degC", str(error))
        if entry.get("kind") == "fitted" and not entry.get("range"):
            self.problem(
                "a fitted number without range", path, "", "range = { name = [low, high] }"
            )
        if entry.get("kind") == "assumed" and not entry.get("note"):
            self.problem("an assumed number without note", path, "", "note = why this value")
        span = entry.get("span")
        if span is not None and not (
            isinstance(span, list) and len(span) == 2 and span[0] <= span[1]
        ):
            self.problem("span is not [low, high]", path, span, "two numbers in order")
            span = None
        ranges = self._ranges(entry.get("range", {}), path)
        self.numbers[path] = Number(
            path=path,
            value=value,
            unit=unit,
            kind=str(entry.get("kind")),
            source=str(entry.get("source")),
            where=str(entry.get("where")),
            range=ranges,
            note=str(entry.get("note", "")),
            span=None if span is None else (float(span[0]), float(span[1])),
            uncertainty=entry.get("uncertainty"),
        )

    def _value(self, value: Any, path: str) -> Value:
        parts = value if isinstance(value, list) else [value]
        good = [
            isinstance(part, (int, float)) and not isinstance(part, bool) and math.isfinite(part)
            for part in parts
        ]
        if not parts or not all(good):
            self.problem("value is not a finite number", path, value, "a number or list of numbers")
            return 0.0
        return tuple(float(part) for part in parts) if isinstance(value, list) else float(value)

    def _ranges(self, ranges: Any, path: str) -> dict[str, tuple[Any, Any]]:
        if not isinstance(ranges, Mapping):
            self.problem("range is not a table", path, ranges, "{ name = [low, high] }")
            return {}
        checked = {}
        for name, pair in ranges.items():
            if isinstance(pair, list) and len(pair) == 2:
                checked[name] = (pair[0], pair[1])
            else:
                self.problem("range is not [low, high]", f"{path}.range.{name}", pair, "a pair")
        return checked

    def _citation(self, entry: Mapping[str, Any], path: str) -> None:
        if entry.get("kind") not in KINDS:
            self.problem("missing or unknown kind", path, entry.get("kind"), ", ".join(KINDS))
        for key in ("source", "where"):
            if not isinstance(entry.get(key), str) or not entry[key]:
                self.problem(f"missing {key}", path, "", "every number is cited")
        source = entry.get("source")
        if isinstance(source, str) and source and source not in self.sources:
            where = f"{self.path.name}: {path}"
            self.problems.append(unknown("source", source, self.sources, where))

    def _table(self, entry: Mapping[str, Any], path: str) -> None:
        self._citation(entry, path)
        units, rows = entry["columns"], entry.get("rows", [])
        if not isinstance(units, Mapping) or not rows:
            self.problem("a table needs columns = { name = unit } and rows", path, "", "")
            return
        if any(len(row) != len(units) for row in rows):
            self.problem("rows of unequal length", path, "", f"{len(units)} numbers a row")
            return
        columns = {
            name: tuple(float(row[index]) for row in rows) for index, name in enumerate(units)
        }
        self.tables[path] = Table(
            path,
            columns,
            dict(units),
            str(entry.get("kind")),
            str(entry.get("source")),
            str(entry.get("where")),
            str(entry.get("note", "")),
        )
