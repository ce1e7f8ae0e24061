"""`tantala check FILE`: every problem of a library or design file at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Cell, technology, design, ... files, or library names.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Report every problem of the files at once; exit 2 if there is any.

    Example:

      tantala check my_cell.toml my_chip.toml
    """
    from tantala.base.errors import TantalaError

    problems: dict[str, list[str]] = {}
    for file in files:
        try:
            problems[str(file)] = []
            _load(_found(file))
        except TantalaError as error:
            problems[str(file)] = [str(problem) for problem in error.problems]
    if as_json:
        typer.echo(json.dumps(problems, indent=2, ensure_ascii=False))
    else:
        for file, found in problems.items():
            typer.echo(f"{file}: fine" if not found else f"{file}: {len(found)} problem(s)")
            for text in found:
                typer.echo(f"  {text}")
    if any(problems.values()):
        raise typer.Exit(2)


def _found(file: Path) -> Path:
    """The file itself, or that of a library item of this name."""
    from tantala.base.library import FOLDERS, locate, names

    kinds = [kind for kind in FOLDERS if not file.exists() and str(file) in names(kind)]
    return locate(kinds[0], str(file)) if kinds else file


def _load(file: Path) -> None:
    """Build from the file whatever it describes, so that each room's own checks run."""
    from tantala.base.errors import InputError, unknown
    from tantala.base.library import FOLDERS, load_item, read_toml

    kind = read_toml(file).get("kind")
    if kind == "cell":
        from tantala.cell import load_cell

        load_cell(file)
    elif kind == "technology":
        from tantala.technology import load_technology

        load_technology(file)
    elif kind == "chip":
        from tantala.macro import load_design

        load_design(file).macro()
    elif kind == "tile":
        from tantala.cim.tile import load_tile

        load_tile(file)
    elif kind in FOLDERS:
        load_item(str(kind), file)
    else:
        raise InputError(unknown("kind of file", str(kind), FOLDERS, f"{file.name}: kind"))
