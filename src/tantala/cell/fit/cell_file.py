"""Putting a cell file together: fitted laws, given numbers, and what a base cell lends."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tantala.base.bibliography import Source, library_sources, read_bibliography
from tantala.base.errors import FitError, InputError, Problem, raise_if
from tantala.base.library import locate, read_toml
from tantala.base.quantity import to_si
from tantala.base.record import parse_item
from tantala.cell.cell import LAWS, cell_from
from tantala.cell.fit.laws import FITS, Tables
from tantala.cell.fit.recipe import Recipe, read_measurements
from tantala.cell.fit.result import FitResult, FittedNumber, Standing
from tantala.cell.fit.writer import cell_toml, write_whole

_HEAD = ("kind", "name", "title", "description", "not_measured", "goodness", "recipe")


@dataclass(frozen=True)
class CellFit:
    """A cell made from measurements: the nested content of its file and the fits behind it."""

    content: Mapping[str, Any]
    results: tuple[FitResult, ...]

    @property
    def text(self) -> str:
        """The cell file."""
        return cell_toml(self.content)


def fit_cell(recipe: Recipe, folder: Path) -> CellFit:
    """Read a recipe's tables, fit every law they can identify, and build the cell file's content.

    Raises FitError with all problems of all tables, or of all laws, at once.
    """
    measured = read_measurements(recipe, folder)
    tables = Tables(
        tuple(replace(table, path=Path(entry.file)) for entry, table in measured),
        full_scale=recipe.full_scale,
        nominal=_nominal(recipe),
        standing=_standing(recipe),
    )
    sources = {entry.file: entry.source for entry, _ in measured}
    results: list[FitResult] = []
    problems: list[Problem] = []
    fitted_content: dict[str, Any] = {}
    unused = {str(table.path): table.kind for table in tables.tables}
    for fit in FITS:
        files = [str(table.path) for table in fit.tables(tables)]
        if not files:
            continue
        for file in files:
            unused.pop(file, None)
        try:
            found = fit.run(tables)
        except FitError as error:
            problems.extend(error.problems)
            continue
        for result in found:
            results.append(result)
            _merge(fitted_content, _records(result, sources[files[0]], files))
    for file, kind in unused.items():
        problems.append(
            Problem(
                f"no law can be fitted to this table of kind {kind} alone",
                file,
                hint="the tables that belong together are named in the documentation of `fit`",
            )
        )
    raise_if(problems, FitError)
    return CellFit(_content(recipe, fitted_content), tuple(results))


def _nominal(recipe: Recipe) -> Mapping[str, Any]:
    """The records of the nominal pulses: given by the recipe, else those of its base cell."""
    if "nominal" in recipe.given:
        return recipe.given["nominal"]
    return read_toml(locate("cell", recipe.base))["nominal"] if recipe.base else {}


def _standing(recipe: Recipe) -> Standing:
    """What the cell that lends a law says of its numbers: that which `_lend` puts in later."""

    def standing(path: str, unit: str) -> float | None:
        law, *_ = path.split(".")
        without = recipe.complete if recipe.base is None else recipe.base
        lender = recipe.borrow.get(law, None if law in recipe.without else without)
        record: Any = read_toml(locate("cell", lender)) if lender is not None else {}
        for key in path.split("."):
            record = record.get(key, {})
        if "value" not in record:
            return None
        return to_si(f"{record['value']} {record['unit']}", unit, name=path)

    return standing


def write_cell(fit: CellFit, path: Path, measurements: Source | None = None) -> None:
    """Write the cell file, whole or not at all, after checking it as any reader would.

    ``measurements`` is the source of the user's own tables; it is added to the ``sources.bib``
    beside the file, unless it is there. When anything fails, both files are as they were.
    """
    own = path.parent / "sources.bib"
    before = own.read_text(encoding="utf-8") if own.is_file() else None
    sources = dict(library_sources())
    if before is not None:
        sources.update(read_bibliography(own))
    new = measurements is not None and measurements.key not in sources
    if measurements is not None and new:
        sources[measurements.key] = measurements
    cell_from(parse_item(tomllib.loads(fit.text), path, sources))
    if measurements is not None and new:
        write_whole(own, (before or "") + _bibtex(measurements))
    try:
        write_whole(path, fit.text)
    except InputError:
        if new and before is None:
            own.unlink()
        elif new and before is not None:
            write_whole(own, before)
        raise


def _bibtex(source: Source) -> str:
    fields = "".join(f"  {name} = {{{text}}},\n" for name, text in source.fields.items())
    return f"@{source.kind}{{{source.key},\n{fields}}}\n"


def _content(recipe: Recipe, fitted: Mapping[str, Any]) -> dict[str, Any]:
    laws: dict[str, Any] = {k: copy.deepcopy(v) for k, v in fitted.items() if k != "goodness"}
    _merge(laws, copy.deepcopy(dict(recipe.given)))
    lent = _lend(laws, recipe)
    absent = [name for name in LAWS if name not in laws]
    statements = list(recipe.not_measured)
    statements += [f"{name}: taken from cell {cell}" for name, cell in lent.items()]
    statements += [f"{name}: no data; using it is an error" for name in absent]
    head: dict[str, Any] = {
        "kind": "cell",
        "name": recipe.name,
        "title": recipe.title,
        "description": recipe.description,
        "not_measured": statements,
        "recipe": {"tables": [entry.file for entry in recipe.measurements]},
    }
    if recipe.base is not None:
        head["recipe"]["base"] = recipe.base
    body = {name: laws[name] for name in sorted(laws, key=_law_order)}
    tail = {"goodness": fitted["goodness"]} if "goodness" in fitted else {}
    return {**head, **body, **tail}


def _law_order(name: str) -> int:
    order = ["nominal", *LAWS]
    return order.index(name) if name in order else len(order)


def _records(result: FitResult, source: str, files: Sequence[str]) -> dict[str, Any]:
    """The nested records of one law's fit, with its goodness of fit under ``goodness.<law>``."""
    content: dict[str, Any] = {result.law: dict(result.choices)}
    where = ", ".join(files) + (f"; {result.where}" if result.where else "")
    for number in result.numbers:
        _place(content, number.path, _record(number, source, where))
    for figure in result.goodness:
        record = {
            "value": float(figure.value),
            "unit": figure.unit,
            "kind": "derived",
            "source": source,
            "where": f"{where}; {figure.count} points",
        }
        _place(content, f"goodness.{result.law}.{_key(figure.name)}", record)
    return content


def _record(number: FittedNumber, source: str, where: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "value": _plain(number.value),
        "unit": number.unit,
        "kind": number.kind,
        "source": source,
        "where": where,
    }
    if number.range:
        record["range"] = {
            name: [f"{low:.6g} {unit}", f"{high:.6g} {unit}"]
            for name, (low, high, unit) in number.range.items()
        }
    if isinstance(number.uncertainty, (int, float)):
        record["uncertainty"] = float(number.uncertainty)
    if number.note:
        record["note"] = number.note
    return record


def _plain(value: float | tuple[float, ...]) -> float | list[float]:
    return [float(part) for part in value] if isinstance(value, tuple) else float(value)


def _lend(laws: dict[str, Any], recipe: Recipe) -> dict[str, str]:
    """Fill what is missing in ``laws`` from other cells, every number marked as assumed.

    Returns law -> the cell that it was taken from, with what for where it was not the whole law.
    """
    because = recipe.base_because or f"not measured on {recipe.name}"
    wanted = dict(recipe.borrow)
    if recipe.base is not None:
        base = read_toml(locate("cell", recipe.base))
        tables = [n for n, law in base.items() if n not in _HEAD and isinstance(law, Mapping)]
        wanted = {n: recipe.base for n in tables if n not in recipe.without} | wanted
    elif recipe.complete is not None:
        wanted = {n: recipe.complete for n in laws if n in LAWS} | wanted
    lent: dict[str, str] = {}
    for name, cell in wanted.items():
        borrowed = _assumed(read_toml(locate("cell", cell))[name], cell, because)
        if name not in laws:
            lent[name] = cell
        else:
            open_numbers = sorted(set(borrowed) - set(laws[name]))
            if open_numbers and name not in recipe.given:
                lent[f"{name} ({', '.join(open_numbers)})"] = cell
            _merge(borrowed, laws[name])
        laws[name] = borrowed
    return lent


def _assumed(table: Mapping[str, Any], base: str, because: str) -> dict[str, Any]:
    """A copy of a law's table in which every cited number is an assumption taken from ``base``."""
    copied: dict[str, Any] = {}
    for key, entry in table.items():
        if not isinstance(entry, Mapping):
            copied[key] = entry
        elif "value" in entry:
            note = f"{because}; taken from cell {base}, where it is {entry['kind']}"
            kept = {k: v for k, v in entry.items() if k != "uncertainty"}
            if entry.get("note"):
                note += f" ({entry['note']})"
            copied[key] = {**kept, "kind": "assumed", "note": note}
        else:
            copied[key] = _assumed(entry, base, because)
    return copied


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Merge nested tables; a record (a mapping with ``value``) replaces the old one whole."""
    for key, entry in other.items():
        old = into.get(key)
        if isinstance(entry, Mapping) and isinstance(old, dict) and "value" not in entry:
            _merge(old, entry)
        else:
            into[key] = copy.deepcopy(entry)


def _place(content: dict[str, Any], path: str, record: Mapping[str, Any]) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
    content[last] = record


def _key(name: str) -> str:
    """A goodness figure's name as a TOML key."""
    return "".join(c if c.isalnum() else "_" for c in name.lower()).strip("_")
