"""`tantala silicon`: published chips beside our prediction from their own inputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from tantala.base.comparison import Comparison, Row


def silicon(
    names: Annotated[
        list[str] | None, typer.Argument(help="Rows to compare; without one, all of the library.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Print published macros, products and compute-in-memory chips beside our prediction.

    Every line says whether the row set a constant (calibration) or only checks (check), and how
    well the published number is sourced: P primary, S secondary, T title, D derived.

    Examples:

      tantala silicon                  every row

      tantala silicon tsmc22 --json    one row, for a program
    """
    from tantala.base.comparison import summary
    from tantala.cim.silicon import compare_cim
    from tantala.macro.silicon import compare

    rows, cim_rows = compare(names or None), compare_cim(names or None)
    if as_json:
        data = {
            "rows": [_row(row) for row in rows],
            "summary": [part.as_data() for part in summary(rows)],
            "compute_in_memory": [_row(row) for row in cim_rows],
        }
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    if rows:
        _print(rows, "Memories")
    if cim_rows:
        _print(cim_rows, "Compute in memory")


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "use": row.use,
        "why": row.why,
        "refused": row.refused,
        "assumed_inputs": dict(row.assumed),
        "comparisons": [comparison.as_data() for comparison in row.comparisons],
        "not_predicted": dict(row.not_predicted),
    }


def _print(rows: tuple[Row, ...], title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from tantala.base.comparison import summary

    console = Console()
    console = console if console.is_terminal else Console(width=130)
    console.print(f"[bold]{title}[/]")
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("row", "use", "figure", "published", "tag", "predicted", "ratio", "band", ""):
        right = column in ("published", "predicted", "ratio", "band")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        for comparison in row.comparisons:
            style = "" if comparison.met else "red"
            table.add_row(row.name, comparison.use, *_line(comparison), style=style)
    console.print(table)
    _print_notes(rows, console)
    console.print("[bold]Geometric-mean error[/] (1.00 is perfect)")
    for part in summary(rows):
        text = f"  {part.use:12} {part.figure:24} {part.error:.2f} over {part.count} rows"
        console.print(escape(text), highlight=False)
    missed = [
        (row.name, comparison)
        for row in rows
        for comparison in row.comparisons
        if not comparison.met
    ]
    console.print(f"[bold]Misses[/]: {len(missed) or 'none'}")
    for name, comparison in missed:
        text = f"  {name} {comparison.figure}: ratio {comparison.ratio:.2f}, {comparison.band_text}"
        console.print(escape(text), highlight=False)


def _line(comparison: Comparison) -> list[str]:
    from tantala.base.quantity import format_si

    def shown(value: float) -> str:
        return format_si(value, comparison.unit, 3)

    low, high = comparison.published
    published = shown(low) if low == high else f"{shown(low)} to {shown(high)}"
    return [
        comparison.figure,
        published,
        comparison.tag,
        shown(comparison.predicted),
        f"{comparison.ratio:.2f}",
        comparison.band_text,
        "" if comparison.met else "missed",
    ]


def _print_notes(rows: tuple[Row, ...], console: Console) -> None:
    from rich.markup import escape

    for row in rows:
        if row.refused:
            text = f"{row.name}: not compared: {row.refused}"
            console.print(escape(text), style="yellow", highlight=False)
        for name, why in row.not_predicted.items():
            text = f"{row.name}: {name} not predicted: {why}"
            console.print(escape(text), style="dim", highlight=False)
        for name, why in row.assumed.items():
            text = f"{row.name}: {name} is assumed: {why}"
            console.print(escape(text), style="dim", highlight=False)
