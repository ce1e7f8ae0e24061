"""Endurance: lives against compliance, stuck cells, and wear of the high state."""

from __future__ import annotations

import numpy as np
import pytest

from tantala.base.errors import RangeViolation
from tantala.base.random import seed_words, words
from tantala.cell import Cell, load_cell
from tantala.cell.endurance import use_up
from tantala.cell.fit.tables import read_table
from tantala.cell.population import STUCK_LOW
from tantala.cell.variability import CONDITION, LIFE

COUNT = 5000
LINES = 1024  # of the chip, 64 cells each


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load_cell("hfox_64k")


def _stuck(cell: Cell, gate: float, cycles: int) -> float:
    cells = cell.sample(COUNT, seed=2)
    cells.cycle(cycles, set_wordline=gate)
    return float(np.mean((cells.flags & STUCK_LOW) != 0))


@pytest.mark.parametrize(("gate", "cycles"), [(1.6, 10**7), (1.9, 10**6), (2.2, 10**5)])
def test_stuck_cells_follow_the_weibull_law(cell: Cell, gate: float, cycles: int) -> None:
    expected = float(cell.law("endurance").stuck_fraction(cycles, gate))
    error = np.sqrt(expected * (1 - expected) / COUNT)
    assert _stuck(cell, gate, cycles) == pytest.approx(expected, abs=5 * error + 1e-4)


def test_published_window(cell: Cell) -> None:
    """Window to 1e7 at 1.4 V and below; lost by 1e6 at 2.2 V and above."""
    for gate, cycles, low, high in ((1.4, 10**7, 0.97, 1.0), (2.2, 10**6, 0.0, 0.1)):
        cells = cell.sample(COUNT, seed=3)
        outcome = cells.cycle(cycles, set_wordline=gate)
        alive = (cells.flags & STUCK_LOW) == 0
        assert low <= alive.mean() <= high
        if low > 0.5:
            window = outcome.low_resistance / outcome.high_resistance
            assert np.median(window) > 2.0


def test_stuck_cells_do_not_reset_but_conduct(cell: Cell) -> None:
    cells = cell.sample(COUNT, seed=2)
    cells.cycle(10**6, set_wordline=2.6)
    stuck = (cells.flags & STUCK_LOW) != 0
    assert stuck.mean() > 0.99
    before = cells.conductance.copy()
    cells.reset_pulse()
    assert np.array_equal(cells.conductance[stuck], before[stuck])
    assert (1 / before[stuck] < 1.2e4).all()


@pytest.mark.parametrize("shape", [0.7, 2.0])
def test_a_cell_is_stuck_once_its_damage_is_its_life(shape: float) -> None:
    """Every cell against the law in plain numpy: none is missed by the look at many at once.

    Neighbours have used up about as much, so that few groups hold a cell which has ended.
    """
    count, seed, rng = 640_000, 3, np.random.default_rng(0)
    address = np.arange(count, dtype=np.uint64)
    word = words(seed, CONDITION, address)[LIFE]
    lives = (-np.log((word + 0.5) * 2.0**-32)) ** (1.0 / shape)
    share = np.repeat(10.0 ** rng.uniform(-6.0, -1.0, count // 64), 64)
    used = (share * rng.uniform(0.9, 1.0, count)) ** (1.0 / shape)
    damage, flags = np.zeros(count, np.float32), np.ones(count, np.uint8)
    key = (np.uint32(part) for part in seed_words(seed))
    use_up(damage, flags, address, np.zeros(count, np.uint32), used, shape, *key)
    ended = damage > lives
    assert 1_000 < ended.sum() < count / 10
    np.testing.assert_array_equal((flags & 2) != 0, ended)


def test_damage_is_a_sum(cell: Cell) -> None:
    together, apart = cell.sample(100, seed=1), cell.sample(100, seed=1)
    together.cycle(3000, set_wordline=1.8)
    for cycles in (1000, 500, 1500):
        apart.cycle(cycles, set_wordline=1.8)
    np.testing.assert_allclose(together.damage, apart.damage, rtol=1e-5)


def test_wear_lowers_and_widens_the_high_state(cell: Cell) -> None:
    law = cell.law("endurance")
    fall, widening = law.wear([0, 10**4, 10**6])
    assert fall[0] == 0.0
    assert (np.diff(fall) >= 0.0).all()
    assert widening[0] == 1.0
    assert (np.diff(widening) >= 0.0).all()


def test_more_cycles_than_measured_need_to_be_asked_for(cell: Cell) -> None:
    cells = cell.sample(10, seed=1)
    with pytest.raises(RangeViolation, match="cycles"):
        cells.cycle(10**9)
    cells.cycle(10**9, extrapolate=True)
    assert any("endurance" in text for text in cells.extrapolated)


def test_the_stuck_cells_of_the_used_chip_are_lines_and_no_trait_of_cells(measured_data) -> None:
    """Why no share of stuck cells is fitted to chip C10: independent cells would lie everywhere."""
    table = read_table(measured_data / "hfox64k_ni/write_verify_chipC10.tsv.gz")
    resistance = table["resistance_final"]
    outside = (resistance < table["window_low"]) | (resistance > table["window_high"])
    assert outside.sum() == 1791
    stuck = np.bincount(table["address"][outside].astype(int) % LINES, minlength=LINES)
    assert np.count_nonzero(stuck) == 31
    assert stuck[stuck > 20].sum() == 1791 - 9  # single cells elsewhere: 9 of 63,552
    # Poisson counts scatter with their mean; these by sixty times as much.
    assert stuck.var() > 50 * stuck.mean()


def test_small_damage_adds_up_beyond_the_digits_of_float32() -> None:
    """A million times the same pulse: plain float32 would stop at some point and lose the rest."""
    cells, pulses, used = 500, 4000, 1.1e-9
    damage, flags = np.full(cells, 0.25, np.float32), np.zeros(cells, np.uint8)
    address, writes = np.arange(cells, dtype=np.uint64), np.zeros(cells, np.uint32)
    key = np.uint32(1), np.uint32(2)
    for _ in range(pulses):
        writes += np.uint32(1)
        amounts = np.full(cells, used)
        use_up(damage, flags, address, writes, amounts, 2.0, *key)
    gained = damage.astype(float).mean() - 0.25
    ulp = 2.0**-25  # in one pulse a cell gains either nothing or this
    spread = np.sqrt(pulses * used * ulp / cells)
    assert abs(gained - pulses * used) < 3.9 * spread
    assert np.float32(0.25) + np.float32(used) == np.float32(0.25)
