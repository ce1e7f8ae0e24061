"""Wear by the pulses of a write scheme: against populations written again and again."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tantala.cell import Cell, load_cell
from tantala.cell.cell import cell_from
from tantala.cell.population import STUCK_LOW
from tantala.cell.write_wear import write_wear

Z = 3.9  # standard errors: a false alarm in 10,000


def cell(**endurance: float) -> Cell:
    """The product cell with a high state that wear does not move."""
    item = load_cell("embedded_28nm").item
    numbers = {"endurance.high_fall": 0.0, "endurance.high_widening": 0.0}
    return cell_from(
        item.with_values(numbers | {f"endurance.{k}": v for k, v in endurance.items()})
    )


def written_again_and_again(cell: Cell, cells: int, writes: int):
    """A population after so many verified RESETs and SETs."""
    low, high = (
        cell.item.value(f"write.{state}_resistance_verify", "S") for state in ("low", "high")
    )
    population = cell.sample(cells, seed=11)
    for _ in range(writes):
        population.write_verify(0.0, high, "ispp")
        population.write_verify(low, math.inf, "ispp")
    return population


def test_share_stuck_is_that_of_a_written_population():
    """Lives so short, and wear so little steeper at a higher word line, that stuck cells can be
    counted. The control: as many nominal pulses miss the count.
    """
    short = cell(life=400.0, life_voltage_scale=0.6, life_shape=1.0)
    cells, writes = 20_000, 48
    stuck = (written_again_and_again(short, cells, writes).flags & STUCK_LOW).astype(bool)
    share, error = write_wear(short, cells=100_000).stuck(short.endurance, writes)
    spread = math.sqrt(share * (1.0 - share) / cells + error**2)
    assert abs(stuck.mean() - share) < Z * spread
    nominal = short.endurance.stuck_fraction(writes, short.nominal.set_wordline)
    assert abs(stuck.mean() - nominal) > 2.0 * Z * spread


def mean_square(cell: Cell, **effort: int) -> float:
    """Mean over the population of the square of the life that a write uses up, in units of 1e-12;
    slow cells, a few in ten thousand, make up most of it.
    """
    law = dataclasses.replace(cell.endurance, life=1e6, life_shape=2.0)
    found = write_wear(cell, cells=100_000, taken=64, **effort)
    return 1e12 * found.stuck(law, 1e-6)[0]  # so few writes that the share is the mean square


def test_a_life_is_foreseen_from_a_few_writes_in_a_row():
    """Sixteen at a time against 400 in a row, in which the slow drift comes and goes; of the same
    cells, so that only repeats scatter, by some 15 %. The control: single writes at times apart.
    """
    product = cell()
    long = mean_square(product, repeats=4, writes=400)
    assert mean_square(product, repeats=16, writes=16) == pytest.approx(long, rel=0.5)
    assert mean_square(product, repeats=64, writes=1) < 0.3 * long


def test_wear_grows_with_writes_and_with_the_ladder():
    shares = []
    for stop in (1.6, 1.8, 2.0, 2.2):
        item = load_cell("embedded_28nm").item.with_values({"write.ispp.set_wordline.stop": stop})
        product = cell_from(item)
        found = write_wear(product, cells=100_000, taken=64, repeats=4)
        shares.append([found.stuck(product.endurance, writes)[0] for writes in (1e3, 1e4, 1e5)])
        assert (found.written > 0.9).mean() > 0.5
        assert found.wordline[-1] <= stop + 1e-4
        assert float(found.share.sum()) == pytest.approx(1.0)
    assert (np.diff(shares, axis=0) > 0.0).all()
    assert (np.diff(shares, axis=1) > 0.0).all()


def test_the_same_seed_tells_the_same_on_either_backend():
    product = load_cell("foundry_a")
    few = {"cells": 5_000, "taken": 8, "repeats": 2, "writes": 2, "seed": 3}
    kernel, reference = (write_wear(product, backend=name, **few) for name in ("numba", "numpy"))
    np.testing.assert_array_equal(kernel.stratum, reference.stratum)
    assert kernel.pulses.sum() == pytest.approx(reference.pulses.sum(), rel=0.02)
    again = write_wear(product, **few)
    np.testing.assert_array_equal(kernel.pulses, again.pulses)


def test_a_cell_without_an_endurance_law_gets_no_numbers_of_wear():
    product = dataclasses.replace(load_cell("embedded_28nm"), endurance=None)
    found = write_wear(product, cells=2_000, taken=8, repeats=2, writes=2)
    assert found.pulses.sum() > 0.0
