"""The shipped cells are what their recipes make: names, given and lent numbers, and one re-made."""

from __future__ import annotations

import functools
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tantala.base.errors import InputError
from tantala.base.library import LIBRARY, load_item, names
from tantala.base.quantity import to_si
from tantala.cell import load_cell
from tantala.cell.fit import cell_file
from tantala.cell.fit.recipe import load_recipe, shipped_recipes

CELLS = LIBRARY / "cells"
RECIPES = {path.stem: path for path in shipped_recipes()}
PUBLISHED_EQUATIONS = {"sky130"}  # not fitted: equations and numbers of its foundry
QUICK = "foundry_c"


def records(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(dotted path, record) of every number in nested tables."""
    for key, entry in table.items():
        if isinstance(entry, Mapping):
            if "value" in entry:
                yield f"{prefix}{key}", entry
            else:
                yield from records(entry, f"{prefix}{key}.")


@functools.cache
def shipped(name: str) -> dict[str, Mapping[str, Any]]:
    return dict(records(tomllib.loads((CELLS / f"{name}.toml").read_text(encoding="utf-8"))))


def test_every_cell_has_its_recipe_and_every_recipe_its_cell() -> None:
    assert set(names("cell")) - PUBLISHED_EQUATIONS == set(RECIPES)
    for name, path in RECIPES.items():
        assert load_recipe(path).name == name


@pytest.mark.parametrize("name", names("cell"))
def test_every_cell_loads_and_says_what_was_not_measured(name: str) -> None:
    cell = load_cell(name)
    assert cell.name == name
    assert cell.item.not_measured


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_recipe_gives_stands_in_its_cell(name: str) -> None:
    found = shipped(name)
    for path, record in records(load_recipe(RECIPES[name]).given):
        assert path in found, f"{name}: {path} of the recipe is not in the cell; re-make it"
        for key in ("unit", "kind", "source", "where", "note"):
            assert found[path].get(key) == record.get(key), f"{name}: {path}; re-make the cell"
        np.testing.assert_allclose(found[path]["value"], record["value"], rtol=1e-5, err_msg=path)


HELD = {
    "set.attempt_time": "pulses.attempt_time",
    "reset.attempt_time": "pulses.attempt_time",
    "conduction.reference_voltage": "conduction.reference_voltage",
    "set.reference_resistance": "set.reference_resistance",
    "reset.reference_resistance": "reset.reference_resistance",
    "reset.decrease_voltage": "reset.decrease_voltage",
    "reset.maximum_resistance": "reset.maximum_resistance",
    "variability.drift_period": "cycling.drift_period",
    "endurance.life_voltage": "endurance.life_voltage",
    "endurance.wear_onset": "endurance.wear_onset",
}


def test_what_the_fits_of_pulses_hold_is_what_the_recipe_of_pulses_gives() -> None:
    given = dict(records(load_recipe(RECIPES["hfox_64k"]).given))
    held = load_item("method", "cell_fit")
    for path, name in HELD.items():
        unit = held.number(name).unit
        record = given[path]
        number = to_si(f"{record['value']} {record['unit']}", unit)
        assert number == pytest.approx(held.value(name, unit), rel=1e-12), path


@pytest.mark.parametrize("name", [n for n in RECIPES if load_recipe(RECIPES[n]).base])
def test_what_a_base_cell_lends_is_what_it_has_now(name: str) -> None:
    recipe = load_recipe(RECIPES[name])
    found, given = shipped(name), dict(records(recipe.given))
    lent = 0
    for path, record in found.items():
        lender = recipe.borrow.get(path.split(".")[0], recipe.base)
        if path in given or f"taken from cell {lender}" not in record.get("note", ""):
            continue
        lent += 1
        assert record["kind"] == "assumed"
        assert record["value"] == shipped(str(lender))[path]["value"], f"{path}; re-make {name}"
    assert lent > 10


def test_no_number_of_foundry_a_beyond_its_own_data_passes_as_measured() -> None:
    own = {"relaxation", "retention", "noise"}
    for path, record in shipped("foundry_a").items():
        law = path.split(".")[0]
        if law in own or law == "goodness":
            continue
        assert record["kind"] == "assumed", path
        assert record["note"], path


@pytest.fixture(scope="module")
def remade(measured_data: Path) -> dict[str, Any]:
    return dict(cell_file.fit_cell(load_recipe(RECIPES[QUICK]), measured_data).content)


def test_a_cell_made_again_from_the_measurements_is_the_shipped_one(remade, tmp_path) -> None:
    found, again = shipped(QUICK), dict(records(remade))
    assert again.keys() == found.keys()
    for path, record in again.items():
        for key in ("unit", "kind", "source", "where"):
            assert record[key] == found[path][key], path
        # The optimum is flat along some numbers, and another processor stops a little elsewhere; of
        # one at its bound of 0 it stops that little above it.
        value = found[path]["value"]
        near = {"rtol": 0.02} if np.any(value) else {"atol": 1e-6}
        np.testing.assert_allclose(record["value"], value, **near, err_msg=path)
    fitted = cell_file.CellFit(remade, ())
    cell_file.write_cell(fitted, tmp_path / f"{QUICK}.toml")
    assert load_cell(tmp_path / f"{QUICK}.toml").relaxation is not None


def test_a_stale_number_is_told(tmp_path) -> None:
    """Control: the comparison above sees one changed digit."""
    copied = tmp_path / "foundry_a.toml"
    shutil.copy(CELLS / "foundry_a.toml", copied)
    text = copied.read_text(encoding="utf-8")
    given = dict(records(load_recipe(RECIPES["foundry_a"]).given))
    value = given["set.transistor_threshold"]["value"]
    assert f"value = {value}" in text
    changed = tomllib.loads(text.replace(f"value = {value}", "value = 0.9", 1))
    found = dict(records(changed))
    assert any(
        not np.allclose(found[path]["value"], record["value"], rtol=1e-5)
        for path, record in given.items()
    )


def test_a_cell_that_no_reader_would_take_is_not_written(tmp_path) -> None:
    content = {"kind": "cell", "name": "broken", "title": "t", "description": "d"}
    number = {"value": 1.0, "unit": "V", "kind": "fitted", "source": "nobody_2031", "where": "w"}
    fitted = cell_file.CellFit({**content, "set": {"barrier": number}}, ())
    with pytest.raises(InputError):
        cell_file.write_cell(fitted, tmp_path / "broken.toml")
    assert not list(tmp_path.iterdir())
