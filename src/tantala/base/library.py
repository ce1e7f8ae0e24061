"""Finding and reading library items: the shipped TOML files, or a user's own by path."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tantala.base.bibliography import library_sources, read_bibliography
from tantala.base.errors import InputError, Problem, unknown
from tantala.base.record import Item, parse_item

LIBRARY = Path(__file__).parent.parent / "library"
FOLDERS = {
    "cell": "cells",
    "compact": "compact",
    "technology": "technologies",
    "circuit": "circuits",
    "chip": "chips",
    "face": "faces",
    "silicon": "silicon",
    "method": "methods",
    "tile": "tiles",
}


def names(kind: str) -> list[str]:
    """The shipped names of a kind ('cell', 'technology', 'circuit', ...)."""
    if kind not in FOLDERS:
        raise InputError(unknown("kind of library item", kind, FOLDERS))
    return sorted(path.stem for path in (LIBRARY / FOLDERS[kind]).glob("*.toml"))


def locate(kind: str, name: str | Path) -> Path:
    """The file of a library name, or of a path ending in .toml.

    Raises InputError with the nearest name, or when the file does not exist.
    """
    path = Path(name)
    if path.suffix == ".toml" or len(path.parts) > 1:
        if not path.is_file():
            raise InputError(
                Problem(f"no such {kind} file", got=str(path), hint="a library name or a path")
            )
        return path
    if str(name) not in names(kind):
        raise InputError(unknown(kind, str(name), names(kind)))
    return LIBRARY / FOLDERS[kind] / f"{name}.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """A parsed TOML file. Raises InputError if unreadable, or with the line of a syntax error."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "" if path.exists() else "the path of a file that is there, or a library name"
        problem = Problem("cannot read the file", str(path), error.strerror or "", hint=hint)
        raise InputError(problem) from None
    except UnicodeDecodeError:
        raise InputError(Problem("not a text file in UTF-8", str(path))) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem("not valid TOML", path.name, str(error))) from None


def load_item(kind: str, name: str | Path) -> Item:
    """A library item by name or path, every number checked and cited.

    A user's file may bring its own `sources.bib` beside it. Raises InputError with all problems.
    """
    path = locate(kind, name)
    data = read_toml(path)
    if data.get("kind") != kind:
        raise InputError(
            Problem(
                "another kind of file", f"{path.name}: kind", repr(data.get("kind")), repr(kind)
            )
        )
    sources = library_sources()
    own = path.parent / "sources.bib"
    if own.is_file() and own.resolve() != (LIBRARY / "sources.bib").resolve():
        sources = {**sources, **read_bibliography(own)}
    return parse_item(data, path, sources)
