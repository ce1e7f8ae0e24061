"""Recipes: which measurement tables, and which given numbers, make one cell file.

A shipped cell has its recipe in ``library/recipes/NAME.toml``; ``tantala fit FILES`` makes the
recipe of one run from its arguments. Paths in a recipe are relative to the folder of measured data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic

from tantala.base.errors import FitError, Problem, raise_if
from tantala.base.library import LIBRARY
from tantala.base.schema import FileModel, Hertz, Siemens, load_model
from tantala.cell.fit.tables import MeasurementTable, read_table

RECIPES = LIBRARY / "recipes"


class Measurement(FileModel):
    """One table of a recipe; ``source`` is a key of the bibliography."""

    file: str
    source: str
    kind: str | None = None
    where: str = ""
    sample_rate: Hertz | None = None


class Recipe(FileModel):
    """How a cell file is made.

    ``given`` is a piece of a cell file: cited numbers that override fits, for what was published
    but not measured here and for stated assumptions. ``base`` names the cell whose numbers stand
    in, marked as assumed, for every law that neither the measurements nor ``given`` supply;
    ``without`` lists laws that are not taken from the base. ``borrow`` names another cell for a
    single law. Without a base, ``complete`` names the cell whose numbers stand in, marked as
    assumed, where the measurements tell a law in part only.
    """

    kind: Literal["recipe"] = "recipe"
    name: str
    title: str
    description: str = ""
    full_scale: Siemens | None = None
    base: str | None = None
    base_because: str = ""
    complete: str | None = None
    without: tuple[str, ...] = ()
    borrow: Mapping[str, str] = pydantic.Field(default_factory=dict)
    not_measured: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    given: Mapping[str, Any] = pydantic.Field(default_factory=dict)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises InputError with every problem of the file."""
    return load_model(Recipe, path)


def shipped_recipes() -> tuple[Path, ...]:
    """The recipes of the library's cells."""
    return tuple(sorted(RECIPES.glob("*.toml")))


def read_measurements(recipe: Recipe, folder: Path) -> list[tuple[Measurement, MeasurementTable]]:
    """Read all tables of a recipe. Raises FitError with the problems of all files together."""
    tables: list[tuple[Measurement, MeasurementTable]] = []
    problems: list[Problem] = []
    for entry in recipe.measurements:
        try:
            table = read_table(
                folder / entry.file, entry.kind, entry.sample_rate, recipe.full_scale
            )
        except FitError as error:
            problems.extend(error.problems)
        else:
            tables.append((entry, table))
    raise_if(problems, FitError)
    return tables
