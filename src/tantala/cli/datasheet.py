"""`tantala datasheet DESIGN`: HTML, PDF and JSON of a design, or the check of an existing
datasheet.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tantala.report.compute import Progress
    from tantala.report.page import Datasheet

_SHOWN = 20  # differences that --check prints


def datasheet(
    design: Annotated[
        str, typer.Argument(help="A design: library name or .toml path. Not needed with --check.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to write into. Default: here."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed. Default: the design's own.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FILE",
            help="Compute the datasheet of this .json, .html or folder again; list differences.",
        ),
    ] = None,
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Write no PDF.")] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the figures as JSON; write files only with -o."),
    ] = False,
) -> None:
    """Write the datasheet of a design: DIR/NAME.html, .pdf and .json.

    Exit code 1 if the design misses a requirement it states (or --check finds a difference),
    2 if the design, the file or the command is wrong.

    Examples:

      tantala datasheet embedded_8mb_28nm -o datasheet

      tantala datasheet my_chip.toml --json

      tantala datasheet --check datasheet/embedded_8mb_28nm.json
    """
    if check is not None:
        _check(check, design, seed, as_json)
        return
    if not design:
        raise typer.BadParameter("a design is needed, such as embedded_8mb_28nm")
    from tantala.report.crew import Crew

    with _progress() as progress, Crew(workers=2) as crew:
        from tantala.report.compute import datasheet as compute

        sheet = compute(design, seed=seed, progress=progress, crew=crew)
        _same_name(design, sheet.identity.name)
        if not as_json or output is not None:
            progress("Setting the pages")
            outcome = sheet.write(output or Path(), pdf=not no_pdf, crew=crew)
        else:
            outcome = None
    if as_json:
        typer.echo(sheet.json(), nl=False)
    else:
        _summary(sheet)
    if outcome is not None:
        for path in outcome.paths:
            typer.echo(f"wrote {path}", err=True)
        if outcome.no_pdf:
            typer.echo(f"tantala: {outcome.no_pdf}", err=True)
    if sheet.missed:
        raise typer.Exit(1)


def _same_name(design: str, name: str) -> None:
    """Warn where a user's design goes by the name of one in the library."""
    from tantala.base.library import names

    if name in names("chip") and design != name:
        typer.echo(
            f"tantala: {design} has the name of the library's design {name}, and so have the files"
            " written. Try: another name in it",
            err=True,
        )


def _check(path: Path, design: str, seed: int | None, as_json: bool) -> None:
    from tantala.report import check as compare
    from tantala.report.crew import Crew

    with _progress() as progress, Crew(workers=2) as crew:
        found = compare.check(path, design=design or None, seed=seed, progress=progress, crew=crew)
    if as_json:
        every = [str(one) for one in found]
        typer.echo(json.dumps({"checked": str(path), "differences": every}, indent=2))
    elif found:
        typer.echo(f"{path}: {len(found)} difference(s) from the datasheet computed now")
        for group, ones in compare.largest(found, _SHOWN).items():
            typer.echo(f"  {group} ({sum(one.group == group for one in found)} in all)")
            for one in ones:
                typer.echo(f"    {one}")
        if len(found) > _SHOWN:
            typer.echo(f"  and {len(found) - _SHOWN} smaller ones; --json lists all")
    else:
        typer.echo(f"{path}: as computed now (figures to {compare.TOLERANCE:g} relative)")
    if found:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Progress]:
    """One status line on a terminal's standard error; silence in a pipe."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: None
        return
    with console.status("Reading the design") as status:
        yield lambda step: status.update(step)


def _summary(sheet: Datasheet) -> None:
    from rich.console import Console

    from tantala.report.summary import summary

    # A pipe has no width of its own; the tables need one in which no line breaks.
    console = Console()
    console = console if console.is_terminal else Console(width=110)
    console.print(summary(sheet), highlight=False)
