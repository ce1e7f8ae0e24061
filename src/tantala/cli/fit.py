"""`tantala fit MEASUREMENTS`: a cell file from measurement tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tantala.base.bibliography import Source
    from tantala.cell.fit.cell_file import CellFit
    from tantala.cell.fit.recipe import Recipe
    from tantala.cell.fit.result import FittedNumber

# What every cell file must hold, and the cell that lends it without --base, marked as assumed, and
# completes what the tables tell in part.
_NEEDED = ("nominal", "conduction")
_LENDER = "hfox_64k"


def fit(
    measurements: Annotated[
        list[str] | None,
        typer.Argument(help="CSV or TSV tables, plain or .gz; KIND:FILE states a table's kind."),
    ] = None,
    cell: Annotated[str, typer.Option(help="Name of the new cell.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The cell file; NAME.toml without it.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A cell that lends what was not measured, as assumptions.")
    ] = None,
    full_scale: Annotated[
        str | None, typer.Option(help="Largest conductance of the technology, e.g. '128 uS'.")
    ] = None,
    sample_rate: Annotated[
        str | None, typer.Option(help="Reads a second of noise tables, e.g. '400 Hz'.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Kind of the tables, where the columns do not tell it.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Bibliography key of the measurements.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Re-make a cell from its recipe file instead.")
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Folder to which a recipe's table paths are relative.")
    ] = Path("."),
    plots: Annotated[
        Path | None, typer.Option(help="Folder for plots of data against model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Fit a cell to measurements and write its file, every number fitted, cited and with its range.

    Examples:

      tantala fit set_sweep.tsv.gz reset_sweep.tsv.gz --cell mine --base hfox_64k -o mine.toml

      tantala fit bakes.csv noise_levels:series.tsv.gz --cell mine --full-scale "240 uS"

      tantala fit --recipe hfox_64k.toml --data measured --plots plots
    """
    from tantala.base.errors import InputError, Problem
    from tantala.cell.fit.cell_file import fit_cell, write_cell

    made, folder = _recipe(
        measurements or [], cell, base, full_scale, sample_rate, kind, source, recipe, data
    )
    target = output or Path(f"{made.name}.toml")
    if not target.parent.is_dir():
        hint = "an existing folder"
        raise InputError(Problem("cannot write here", str(target), "no such folder", hint=hint))
    if plots is not None and plots.exists() and not plots.is_dir():
        raise InputError(Problem("cannot write plots here", str(plots), "not a folder"))
    fitted = fit_cell(made, folder)
    write_cell(fitted, target, _own_source(made) if recipe is None and source is None else None)
    figures: tuple[Path, ...] = ()
    if plots is not None:
        from tantala.cell.fit.plots import plot_fits

        figures = plot_fits(fitted.results, plots, made.name)
    summary = _summary(fitted, target, figures)
    typer.echo(json.dumps(summary, indent=2, ensure_ascii=False) if as_json else _text(summary))


def _recipe(
    measurements: list[str],
    cell: str,
    base: str | None,
    full_scale: str | None,
    sample_rate: str | None,
    kind: str | None,
    source: str | None,
    recipe: Path | None,
    data: Path,
) -> tuple[Recipe, Path]:
    """The recipe of this run and the folder of its tables."""
    from tantala.base.errors import InputError, Problem
    from tantala.base.schema import validate_model
    from tantala.cell.fit.columns import KINDS
    from tantala.cell.fit.recipe import Recipe, load_recipe

    if recipe is not None:
        if measurements or cell or base:
            raise InputError(Problem("--recipe names its tables and cell itself", str(recipe)))
        return load_recipe(recipe), data
    if not measurements:
        raise InputError(Problem("no measurement table given", hint="tantala fit --help"))
    if not cell.isidentifier():
        allowed = "letters, digits and underscores, no digit first"
        raise InputError(Problem("the new cell needs a name", "--cell", repr(cell), allowed))
    entries: list[dict[str, Any]] = []
    for text in measurements:
        stated, _, file = text.partition(":")
        named = bool(file) and stated in KINDS
        entry: dict[str, Any] = {
            "file": file if named else text,
            "kind": stated if named else kind,
            "source": source or _own_key(cell),
        }
        if sample_rate is not None:
            entry["sample_rate"] = sample_rate
        entries.append(entry)
    content: dict[str, Any] = {
        "name": cell,
        "title": f"{cell}, fitted to measurements",
        "measurements": entries,
    }
    if base is not None:
        content["base"] = base
    else:
        content["borrow"] = dict.fromkeys(_NEEDED, _LENDER)
        content["complete"] = _LENDER
    if full_scale is not None:
        content["full_scale"] = full_scale
    return validate_model(Recipe, content, "command line"), Path(".")


def _own_key(cell: str) -> str:
    return f"{cell}_measurements"


def _own_source(recipe: Recipe) -> Source:
    """The bibliography entry of the user's own tables."""
    from tantala.base.bibliography import Source

    files = ", ".join(entry.file for entry in recipe.measurements)
    return Source(
        _own_key(recipe.name), "misc", {"title": f"Measurements of {recipe.name}: {files}"}
    )


def _summary(fitted: CellFit, target: Path, figures: tuple[Path, ...]) -> dict[str, Any]:
    return {
        "cell": fitted.content["name"],
        "file": str(target),
        "laws": [
            {
                "law": result.law,
                "numbers": len(result.numbers),
                "goodness": [
                    {"name": g.name, "value": g.value, "unit": g.unit, "points": g.count}
                    for g in result.goodness
                ],
                "explained": None if result.explained is None else result.explained.share,
                "fitted": [_number(number) for number in result.numbers],
                "left_open": [_number(number) for number in result.left_open],
                "loose": [number.path for number in result.loose],
                "warnings": list(result.warnings),
                "not_identified": list(result.not_identified),
            }
            for result in fitted.results
        ],
        "not_measured": list(fitted.content["not_measured"]),
        "plots": [str(path) for path in figures],
    }


def _number(number: FittedNumber) -> dict[str, Any]:
    """Value and standard error; None for an error that no fit gives."""
    return {
        "path": number.path,
        "value": number.value,
        "error": number.uncertainty,
        "unit": number.unit,
    }


def _text(summary: dict[str, Any]) -> str:
    lines = [f"{summary['cell']}: wrote {summary['file']}"]
    for law in summary["laws"]:
        lines.extend(_law_text(law))
    lines.extend(f"  not measured: {text}" for text in summary["not_measured"])
    lines.extend(f"  plot: {path}" for path in summary["plots"])
    return "\n".join(lines)


def _law_text(law: dict[str, Any]) -> list[str]:
    lines = [f"  {law['law']}: {law['numbers']} numbers fitted"]
    if law["explained"] is not None:
        text = f"{law['explained']:.0%} of the spread of ln R that the state before leaves"
        lines.append(f"    explained by the pulse: {text}")
    lines.extend(f"    WARNING: {text}" for text in law["warnings"])
    for figure in law["goodness"]:
        unit = "" if figure["unit"] == "1" else f" {figure['unit']}"
        points = f"({figure['points']} points)"
        lines.append(f"    {figure['name']}: {figure['value']:.4g}{unit} {points}")
    lines.extend(f"    {_number_text(number)}" for number in law["fitted"])
    for path in law["loose"]:
        lines.append(f"    LOOSE: {path}: its error exceeds half its value")
    for number in law["left_open"]:
        lines.append(f"    left open, assumed from another cell: {_number_text(number)}")
    lines.extend(f"    not identified: {path}" for path in law["not_identified"])
    return lines


def _number_text(number: dict[str, Any]) -> str:
    unit = "" if number["unit"] == "1" else f" {number['unit']}"
    if isinstance(number["value"], (tuple, list)):
        return f"{number['path']} = {', '.join(f'{v:.4g}' for v in number['value'])}{unit}"
    error = number["error"]
    stated = "" if not isinstance(error, float) else f" ± {error:.2g}"
    return f"{number['path']} = {number['value']:.4g}{stated}{unit}"
