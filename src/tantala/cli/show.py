"""`tantala show NAME`: a library item with every value and its source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tantala.base.record import Item, Number


def show(
    name: Annotated[
        str, typer.Argument(help="A library name or a .toml path; without it, the list of names.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    as_file: Annotated[
        bool, typer.Option("--file", help="Print the item's file as it is, a copy to change.")
    ] = False,
) -> None:
    """Print a library item: every value with unit, kind, source, where and valid range.

    A design is printed as its file, so that `tantala show DESIGN > my_chip.toml` is a copy.

    Examples:

      tantala show                  all names

      tantala show hfox_64k         a cell

      tantala show 28nm --json      a technology, for a program

      tantala show cim_256x256_28nm --file > my_tile.toml
    """
    from tantala.base.library import FOLDERS, load_item, names

    if not name:
        listing = {kind: names(kind) for kind in FOLDERS}
        typer.echo(json.dumps(listing, indent=2) if as_json else _list(listing))
        return
    kind, path = _find(name)
    if as_file:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    if kind == "chip":
        _show_design(path, as_json)
        return
    item = load_item(kind, path)
    if as_json:
        typer.echo(json.dumps(_as_data(item), indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    # A pipe has no width of its own; the tables need one in which no column vanishes.
    console = Console()
    _print(item, console if console.is_terminal else Console(width=160))


def _list(listing: dict[str, list[str]]) -> str:
    return "\n".join(f"{kind:12}{'  '.join(found)}" for kind, found in listing.items())


def _find(name: str) -> tuple[str, Path]:
    """(kind, file) of a library name or a path."""
    from pathlib import Path

    from tantala.base.errors import InputError, unknown
    from tantala.base.library import FOLDERS, locate, names, read_toml

    if name.endswith(".toml"):
        path = Path(name)
        kind = str(read_toml(path).get("kind"))
        if kind not in FOLDERS:
            raise InputError(unknown("kind of file", kind, FOLDERS, f"{path.name}: kind"))
        return kind, path
    for kind in FOLDERS:
        if name in names(kind):
            return kind, locate(kind, name)
    raise InputError(unknown("library item", name, [n for kind in FOLDERS for n in names(kind)]))


def _show_design(path: Path, as_json: bool) -> None:
    """A design holds intentions, not cited numbers: its file, or every key with its default."""
    from tantala.macro import load_design

    design = load_design(path)
    if as_json:
        data = design.model_dump(mode="json", by_alias=True, exclude_none=True)
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)


def _as_data(item: Item) -> dict[str, Any]:
    from dataclasses import asdict

    from tantala.base.bibliography import library_sources

    cited = {n.source for n in item.numbers.values()} | {t.source for t in item.tables.values()}
    return {
        "kind": item.kind,
        "name": item.name,
        "title": item.title,
        "description": item.description,
        "not_measured": list(item.not_measured),
        "numbers": {path: _number(number) for path, number in item.numbers.items()},
        "texts": dict(item.texts),
        "tables": {path: asdict(table) for path, table in item.tables.items()},
        "sources": {key: str(library_sources().get(key, key)) for key in sorted(cited)},
    }


def _number(number: Number) -> dict[str, Any]:
    from dataclasses import asdict

    data = asdict(number)
    del data["path"]
    return {key: value for key, value in data.items() if value not in (None, "", {})}


def _print(item: Item, console: Console) -> None:
    from rich.table import Table

    console.print(f"[bold]{item.name}[/] ({item.kind}): {item.title}")
    if item.description:
        console.print(item.description)
    for missing in item.not_measured:
        console.print(f"  not measured: {missing}", style="yellow")
    for path, text in item.texts.items():
        console.print(f"  {path} = {text}", highlight=False, markup=False)
    if item.numbers:
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("number", "value", "unit", "kind", "source", "where; range; note"):
            side = "right" if title == "value" else "left"
            table.add_column(title, overflow="fold", justify=side)
        for number in item.numbers.values():
            table.add_row(*_row(number), style="yellow" if number.kind == "assumed" else "")
        console.print(table)
    for curve in item.tables.values():
        _print_curve(curve, console)
    data = _as_data(item)
    console.print("[bold]Sources[/]")
    for key, text in data["sources"].items():
        console.print(f"  {key}: {text}", highlight=False, markup=False)


def _row(number: Number) -> list[str]:
    from rich.markup import escape

    values = number.value if isinstance(number.value, tuple) else (number.value,)
    remarks = [number.where]
    remarks += [f"{name} {low} to {high}" for name, (low, high) in number.range.items()]
    if number.span:
        remarks.append(f"span {number.span[0]:g} to {number.span[1]:g}")
    if number.note:
        remarks.append(number.note)
    shown = " ".join(f"{value:.6g}" for value in values)
    cells = (number.path, shown, number.unit, number.kind, number.source, "; ".join(remarks))
    return [escape(text) for text in cells]


def _print_curve(curve: Any, console: Console) -> None:
    from rich.table import Table

    table = Table(box=None, title=f"{curve.path} ({curve.kind}, {curve.source}, {curve.where})")
    for name in curve.columns:
        table.add_column(f"{name} [{curve.units[name]}]", justify="right")
    for row in zip(*curve.columns.values(), strict=True):
        table.add_row(*(f"{value:.6g}" for value in row))
    console.print(table)
