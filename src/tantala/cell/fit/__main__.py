"""Re-make the library's fitted cells from the measured data: ``python -m tantala.cell.fit``.

Arguments: names of cells (all without); ``--data FOLDER`` (else TANTALA_DATA, else the measured
data beside the checkout); ``--plots FOLDER`` for plots of data against model.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tantala.base.errors import TantalaError
from tantala.base.library import LIBRARY
from tantala.cell.fit.cell_file import fit_cell, write_cell
from tantala.cell.fit.plots import plot_fits
from tantala.cell.fit.recipe import Recipe, load_recipe, shipped_recipes


def in_order(recipes: list[Recipe]) -> list[Recipe]:
    """The recipes with every cell before those that borrow from it."""
    waiting = {recipe.name: recipe for recipe in recipes}
    ordered: list[Recipe] = []
    while waiting:
        ready = [r for r in waiting.values() if not {r.base, *r.borrow.values()} & {*waiting}]
        for recipe in ready or list(waiting.values()):
            ordered.append(waiting.pop(recipe.name))
    return ordered


def main() -> int:
    """Write every recipe's cell file; 2 on the first error."""
    beside = Path(__file__).resolve().parents[5] / "shared" / "data"
    parser = argparse.ArgumentParser(prog="python -m tantala.cell.fit", description=__doc__)
    parser.add_argument("cells", nargs="*")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("TANTALA_DATA", beside)))
    parser.add_argument("--plots", type=Path)
    arguments = parser.parse_args()
    recipes = in_order([load_recipe(path) for path in shipped_recipes()])
    for recipe in recipes:
        if arguments.cells and recipe.name not in arguments.cells:
            continue
        try:
            fitted = fit_cell(recipe, arguments.data)
            write_cell(fitted, LIBRARY / "cells" / f"{recipe.name}.toml")
        except TantalaError as error:
            for problem in error.problems:
                sys.stderr.write(f"{recipe.name}: {problem}\n")
            return error.exit_code
        if arguments.plots is not None:
            plot_fits(fitted.results, arguments.plots / recipe.name, recipe.name)
        sys.stdout.write(f"{recipe.name}: {len(fitted.results)} laws fitted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
