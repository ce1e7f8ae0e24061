"""Populations: addressing, chunking, backends, selections, cycles, and bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError, RangeViolation
from tantala.cell import Cell, load_cell
from tantala.cell import population as population_module
from tantala.cell.population import REMEMBERED_CYCLES, Population

STATE = ("conductance", "written", "age", "writes", "cycles", "damage", "flags")


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load_cell("hfox_64k")


def _program(cells: Population) -> Population:
    """Some of everything that changes a state without ageing."""
    cells.reset_pulse()
    cells.set_pulse("1.2 V", "1.8 V", "200 ns", "85 degC")
    cells.cycle(3)
    cells.reset_pulse("2.9 V", "2.8 V", "1.5 us")
    return cells


def _same(a: Population, b: Population, part: slice = slice(None)) -> None:
    for name in STATE:
        assert np.array_equal(getattr(a, name)[part], getattr(b, name)), name


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_two_halves_are_the_whole(cell: Cell, backend: str) -> None:
    whole = _program(cell.sample(3000, seed=7, backend=backend))
    first = _program(cell.sample(1234, seed=7, backend=backend))
    rest = _program(cell.sample(1766, seed=7, first_address=1234, backend=backend))
    _same(whole, first, slice(0, 1234))
    _same(whole, rest, slice(1234, None))


def test_the_pass_length_does_not_matter(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = _program(cell.sample(5000, seed=3))
    monkeypatch.setattr(population_module, "CHUNK", 777)
    _same(whole, _program(cell.sample(5000, seed=3)))


def test_addresses_beyond_32_bits(cell: Cell) -> None:
    start = 2**32 - 500
    whole = _program(cell.sample(1000, seed=1, first_address=start))
    beyond = _program(cell.sample(500, seed=1, first_address=2**32))
    _same(whole, beyond, slice(500, None))
    near_zero = cell.sample(500, seed=1)
    assert not np.array_equal(near_zero.conductance, beyond.conductance)


def test_seeds_make_other_cells(cell: Cell) -> None:
    a, b = cell.sample(1000, seed=1), cell.sample(1000, seed=2)
    assert np.mean(a.conductance == b.conductance) < 0.01


def test_backends_agree(cell: Cell) -> None:
    reference = _program(cell.sample(20_000, seed=5, backend="numpy"))
    kernel = _program(cell.sample(20_000, seed=5, backend="numba"))
    apart = np.abs(np.log(reference.conductance / kernel.conductance))
    # A cell at the very edge of an onset may fall to either side in float32.
    assert np.quantile(apart, 0.999) < 1e-3
    assert np.mean(apart > 1e-3) < 1e-3
    assert np.array_equal(reference.writes, kernel.writes)


def test_backends_agree_on_energy_and_flags(cell: Cell) -> None:
    outcomes = []
    for backend in ("numpy", "numba"):
        cells = cell.sample(20_000, seed=9, backend=backend)
        cells.place(1 / 9.3e3)
        outcomes.append(cells.reset_pulse("3.0 V", "3.0 V", "2 us"))
    reference, kernel = outcomes
    assert np.mean(reference.switched != kernel.switched) < 1e-3
    close = np.abs(kernel.energy / reference.energy - 1.0) < 1e-3
    assert np.mean(~close) < 1e-3


def test_a_selection_is_pulsed_as_in_the_whole(cell: Cell) -> None:
    whole, part = cell.sample(4000, seed=2), cell.sample(4000, seed=2)
    mask = np.arange(4000) % 3 == 0
    expected = whole.reset_pulse()
    outcome = part.reset_pulse(where=mask)
    assert np.array_equal(part.conductance[mask], whole.conductance[mask])
    assert np.array_equal(outcome.energy, expected.energy[mask])
    assert (part.writes[~mask] == 1).all()
    assert (part.writes[mask] == 2).all()


def test_pulses_may_differ_from_cell_to_cell(cell: Cell) -> None:
    cells, alone = cell.sample(2, seed=4), cell.sample(2, seed=4)
    for population in (cells, alone):
        population.place([1e-5, 1e-5])
    cells.set_pulse([1.0, 2.5], [1.0, 2.0], [1e-7, 1e-6])
    alone.set_pulse(2.5, 2.0, 1e-6)
    assert cells.conductance[1] == alone.conductance[1]


def test_cycles_are_single_cycles(cell: Cell) -> None:
    at_once, one_by_one = cell.sample(3000, seed=8), cell.sample(3000, seed=8)
    at_once.cycle(REMEMBERED_CYCLES)
    for _ in range(REMEMBERED_CYCLES):
        one_by_one.cycle()
    for name in ("conductance", "writes", "cycles", "flags"):
        assert np.array_equal(getattr(at_once, name), getattr(one_by_one, name)), name
    np.testing.assert_allclose(at_once.damage, one_by_one.damage, rtol=1e-5)


def test_many_cycles_are_statistically_single_cycles(cell: Cell) -> None:
    """The shortcut of `cycle` against the long way: distributions, not cells."""
    count, cycles = 20_000, 40
    at_once, one_by_one = cell.sample(count, seed=6), cell.sample(count, seed=6)
    last = at_once.cycle(cycles)
    for _ in range(cycles):
        slow = one_by_one.cycle()
    for a, b in (
        (last.high_resistance, slow.high_resistance),
        (last.low_resistance, slow.low_resistance),
    ):
        levels = [0.01, 0.1, 0.5, 0.9, 0.99]
        apart = np.log(np.quantile(a, levels) / np.quantile(b, levels))
        assert np.abs(apart).max() < 0.05
    # The draws are the same, so most cells are even equal.
    assert np.mean(last.high_resistance == slow.high_resistance) > 0.9
    assert np.array_equal(at_once.writes, one_by_one.writes)


def test_cycles_end_in_the_low_state_and_cost_energy(cell: Cell) -> None:
    cells = cell.sample(2000, seed=1)
    outcome = cells.cycle(10_000)
    assert np.array_equal(outcome.low_resistance, cells.conductance)
    assert np.median(outcome.low_resistance) > 10 * np.median(outcome.high_resistance)
    assert (outcome.energy > 0.0).all()


def test_place_starts_the_clocks(cell: Cell) -> None:
    cells = cell.sample(10, seed=1)
    cells.age[:] = 5.0
    cells.place("50 uS")
    assert np.allclose(cells.conductance, 50e-6)
    assert np.allclose(cells.written, 50e-6)
    assert (cells.age == 0.0).all()
    assert (cells.writes == 2).all()


def test_read_without_noise_is_the_conduction_law(cell: Cell) -> None:
    cells = cell.sample(100, seed=1)
    current = cells.read(voltage="0.2 V", noise=False)
    np.testing.assert_allclose(current, 0.2 * cells.conductance, rtol=1e-6)
    assert (cells.read("0 V", noise=False) == 0.0).all()


def test_state_is_compact(cell: Cell) -> None:
    assert cell.sample(10, seed=0).bytes_per_cell <= 25


BAD_CALLS = {
    "negative width": lambda c: c.set_pulse("1.5 V", "2 V", -1e-7),
    "zero width": lambda c: c.set_pulse("1.5 V", "2 V", 0.0),
    "width in volts": lambda c: c.set_pulse("1.5 V", "2 V", "1 V"),
    "voltage in seconds": lambda c: c.set_pulse("1.5 s", "2 V", "1 us"),
    "voltage without unit": lambda c: c.set_pulse("1.5", "2 V", "1 us"),
    "negative voltage": lambda c: c.reset_pulse("-3 V", "2.5 V", "2 us"),
    "voltage not finite": lambda c: c.reset_pulse(float("nan"), "2.5 V", "2 us"),
    "voltages of a wrong shape": lambda c: c.set_pulse([1.0, 2.0], "2 V", "1 us"),
    "voltages that are no numbers": lambda c: c.set_pulse(["a"] * 5, "2 V", "1 us"),
    "temperature below zero": lambda c: c.set_pulse("1.5 V", "2 V", "1 us", -5.0),
    "temperature in volts": lambda c: c.set_pulse("1.5 V", "2 V", "1 us", "3 V"),
    "negative conductance": lambda c: c.place(-1e-5),
    "zero conductance": lambda c: c.place(0.0),
    "NaN conductance": lambda c: c.place([1e-5, float("nan"), 1e-5, 1e-5, 1e-5]),
    "infinite conductance": lambda c: c.place(float("inf")),
    "conductance in microsiemens": lambda c: c.place(100.0),
    "conductance in ohm": lambda c: c.place("10 kohm"),
    "too few conductances": lambda c: c.place([1e-5, 1e-5]),
    "no cycles": lambda c: c.cycle(0),
    "half a cycle": lambda c: c.cycle(1.5),
    "negative cycles": lambda c: c.cycle(-1),
    "mask of a wrong shape": lambda c: c.set_pulse(where=np.ones(4, bool)),
    "positions beyond the end": lambda c: c.set_pulse(where=np.array([0, 5])),
    "negative positions": lambda c: c.set_pulse(where=np.array([-1])),
    "positions that are no whole numbers": lambda c: c.set_pulse(where=np.array([0.5])),
    "negative read voltage": lambda c: c.read("-0.2 V"),
    "read voltage in ohm": lambda c: c.read("1 kohm"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input_is_told(cell: Cell, name: str) -> None:
    cells = cell.sample(5, seed=1)
    before = {field: getattr(cells, field).copy() for field in STATE}
    with pytest.raises(InputError) as told:
        BAD_CALLS[name](cells)
    assert str(told.value)
    assert told.value.exit_code == 2
    for field in STATE:
        assert np.array_equal(before[field], getattr(cells, field)), field


def test_all_problems_of_a_pulse_at_once(cell: Cell) -> None:
    with pytest.raises(InputError) as told:
        cell.sample(5, seed=1).set_pulse("1.5 s", "-2 V", -1e-6)
    assert len(told.value.problems) == 3


@pytest.mark.parametrize(
    ("count", "seed", "first"), [(0, 1, 0), (-3, 1, 0), (2.5, 1, 0), (5, -1, 0), (5, 1, -1)]
)
def test_bad_samples(cell: Cell, count: int, seed: int, first: int) -> None:
    with pytest.raises(InputError):
        cell.sample(count, seed=seed, first_address=first)


def test_an_unknown_backend_is_told(cell: Cell) -> None:
    with pytest.raises(InputError, match="numba"):
        cell.sample(5, seed=1, backend="numbra")


def test_outside_the_range_raises_unless_asked(cell: Cell) -> None:
    cells = cell.sample(5, seed=1)
    with pytest.raises(RangeViolation, match="bitline"):
        cells.set_pulse("9 V", "2 V", "1 us")
    cells.set_pulse("9 V", "2 V", "1 us", extrapolate=True)
    assert any("bitline" in text for text in cells.extrapolated)


def test_all_conditions_outside_the_range_at_once(cell: Cell) -> None:
    with pytest.raises(RangeViolation) as told:
        cell.sample(5, seed=1).set_pulse("9 V", "9 V", "1 s", "400 degC")
    assert len(told.value.problems) == 4


@settings(max_examples=60, deadline=None)
@given(
    bitline=st.floats(0.0, 3.0),
    wordline=st.floats(0.5, 3.4),
    width=st.floats(2e-8, 2e-6),
    celsius=st.floats(-40.0, 150.0),
    log_r=st.floats(np.log(5.5e3), np.log(5e6)),
)
def test_set_never_raises_resistance_nor_leaves_the_physical(
    bitline: float, wordline: float, width: float, celsius: float, log_r: float
) -> None:
    cells = load_cell("hfox_64k").sample(64, seed=1)
    cells.place(float(np.exp(-log_r)))
    before = cells.conductance.copy()
    outcome = cells.set_pulse(bitline, wordline, width, celsius + 273.15)
    assert (cells.conductance >= before * (1 - 1e-6)).all()
    assert (cells.conductance < 1e-3).all()
    assert np.isfinite(outcome.energy).all()
    assert (outcome.energy >= 0.0).all()


@settings(max_examples=60, deadline=None)
@given(
    sourceline=st.floats(0.0, 4.0),
    wordline=st.floats(0.5, 3.4),
    width=st.floats(2e-8, 1e-4),
    celsius=st.floats(-40.0, 150.0),
    log_r=st.floats(np.log(5.5e3), np.log(5e6)),
)
def test_reset_stays_physical(
    sourceline: float, wordline: float, width: float, celsius: float, log_r: float
) -> None:
    cells = load_cell("hfox_64k").sample(64, seed=1)
    cells.place(float(np.exp(-log_r)))
    before = cells.conductance.copy()
    outcome = cells.reset_pulse(sourceline, wordline, width, celsius + 273.15)
    assert np.isfinite(cells.conductance).all()
    assert (cells.conductance > 0.0).all()
    assert (cells.conductance < 1.6 * before).all()  # the small fall before the onset
    assert np.isfinite(outcome.energy).all()
    assert (outcome.energy >= 0.0).all()


def test_a_pulse_without_voltage_is_none() -> None:
    cells = load_cell("hfox_64k").sample(64, seed=1)
    before = cells.conductance.copy()
    for outcome in (cells.set_pulse(bitline=0.0), cells.reset_pulse(sourceline="0 V")):
        assert not outcome.energy.any()
        assert not outcome.switched.any()
    assert np.array_equal(cells.conductance, before)
