"""Forming: yield against voltage and width, and cells before forming."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tantala.base.errors import InputError
from tantala.cell import Cell, load_cell
from tantala.cell.forming import FormingLaw


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load_cell("hfox_64k")


def test_yield_follows_the_normal_law(cell: Cell) -> None:
    law = cell.law("forming")
    for volts in (2.9, 3.18, 3.5):
        cells = cell.pristine(50_000, seed=1)
        formed = cells.form(volts, "2 V", "1 us", extrapolate=True)
        expected = float(law.probability(volts, 1e-6))
        assert formed.mean() == pytest.approx(expected, abs=5 * np.sqrt(0.25 / 50_000))


def test_longer_pulses_form_more(cell: Cell) -> None:
    law = cell.law("forming")
    assert (np.diff(law.probability(3.0, np.array([1e-7, 1e-6, 1e-5]))) > 0.0).all()


def test_published_yield_of_the_sky130_chips() -> None:
    """Forming 2.2 to 3.1 V, mean 2.5 V, above 99 % at 3.1 V: sigma must be at most 0.258 V."""
    law = FormingLaw(1e-7, 2.5, 0.15, 1e-6, 0.1)
    assert law.probability(3.1, 1e-6) > 0.99
    assert law.probability(2.2, 1e-6) < 0.05


def test_a_pristine_cell_does_not_switch(cell: Cell) -> None:
    cells = cell.pristine(1000, seed=1)
    before = cells.conductance.copy()
    cells.set_pulse("2 V", "2 V", "1 us")
    cells.reset_pulse()
    assert np.array_equal(cells.conductance, before)
    assert (before < 0.11e-6).all()


def test_formed_cells_are_low_and_switch(cell: Cell) -> None:
    cells = cell.pristine(2000, seed=1)
    formed = cells.form("4 V", "1.5 V", "1 us", extrapolate=True)
    assert formed.mean() > 0.99
    assert (1 / cells.conductance[formed] < 1.5e4).all()
    cells.reset_pulse()
    assert np.median(1 / cells.conductance[formed]) > 5e4


def test_forming_twice_changes_nothing_in_formed_cells(cell: Cell) -> None:
    cells = cell.pristine(2000, seed=1)
    first = cells.form("3.2 V", "1.5 V", "1 us", extrapolate=True)
    kept = cells.conductance[first].copy()
    second = cells.form("3.6 V", "1.5 V", "1 us", extrapolate=True)
    assert np.array_equal(cells.conductance[first], kept)
    assert second.sum() > first.sum()


def test_a_cell_file_without_forming_says_so(cell: Cell) -> None:
    bare = dataclasses.replace(cell, forming=None)
    with pytest.raises(InputError, match="forming"):
        bare.pristine(10, seed=1).form("3 V", "2 V", "1 us")
