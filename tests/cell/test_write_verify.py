"""Write-verify: every scheme ends in the window or says so, counts add up, worse cells cost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tantala.base.errors import InputError, RangeViolation
from tantala.cell import Cell, load_cell
from tantala.cell import write_loop as write_loop_module
from tantala.cell.noise import REACH_SHIFT, ROOM, reach
from tantala.cell.pulse_kernels import BLOCK
from tantala.cell.write_loop import ReferenceLoop, write_loop
from tantala.cell.write_scheme import SCHEMES, Knob, Scheme, landing_wordline

CELLS = ("hfox_64k", "foundry_a", "embedded_28nm")
COUNT = 2_000


@pytest.fixture(scope="module")
def cell() -> Cell:
    return load_cell("foundry_a")


def quiet(cell: Cell) -> Cell:
    """The same cell without read noise."""
    return dataclasses.replace(cell, noise=None)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_bit_is_written_both_ways(name: str, scheme: str) -> None:
    cell = quiet(load_cell(name))
    low = cell.item.value("write.low_resistance_verify", "S")
    high = cell.item.value("write.high_resistance_verify", "S")
    cells = cell.sample(COUNT, seed=4)
    for edges in ((0.0, high), (low, np.inf)):
        outcome = cells.write_verify(*edges, scheme=scheme)
        inside = (cells.conductance >= edges[0]) & (cells.conductance <= edges[1])
        assert (outcome.ok == inside).all()
        assert outcome.ok.mean() > 0.95
        assert (outcome.pulses == outcome.set_pulses + outcome.reset_pulses).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_time_and_energy_add_up_from_pulses_and_verifies(cell: Cell, scheme: str) -> None:
    cells = cell.sample(COUNT, seed=5)
    outcome = cells.write_verify("5.77 kohm", "6.01 kohm", scheme=scheme)
    write = Scheme.of(cell, scheme).settings
    reads = outcome.pulses + 1  # one verify before each pulse, and the last
    time = (
        outcome.set_pulses * write.set_width
        + outcome.reset_pulses * write.reset_width
        + reads * write.verify_time
    )
    np.testing.assert_allclose(outcome.time, time, rtol=1e-5)
    assert (outcome.energy > 0.0).all()
    pulsed = outcome.pulses > 0
    assert outcome.energy[pulsed].min() > outcome.energy[~pulsed].max()
    limit = int(write.max_pulses)
    assert outcome.pulses.max() <= limit
    assert (outcome.pulses[~outcome.ok] == limit).all()
    assert (cells.cycles - 1 == outcome.set_pulses).all()  # a sample has had one SET


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("window", ["open below", "closed", "two edges"])
def test_the_kernel_writes_cell_by_cell_as_the_reference(
    name: str, scheme: str, window: str
) -> None:
    same_as_reference(name, scheme, window, COUNT)


@pytest.mark.parametrize("name", ["embedded_28nm", "serial_180nm"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_cells_that_wait_for_other_blocks_go_on_as_in_the_reference(name: str, scheme: str) -> None:
    same_as_reference(name, scheme, "two edges", 20 * BLOCK)


def same_as_reference(name: str, scheme: str, window: str, cells: int) -> None:
    """Write every second of `cells` cells by the kernel and by the reference; compare all."""
    cell = load_cell(name)
    low = cell.item.value("write.low_resistance_verify", "S")
    high = cell.item.value("write.high_resistance_verify", "S")
    edges = {"open below": (0.0, high), "closed": (low, np.inf), "two edges": (1.2 * high, low)}
    compiled = cell.sample(cells, seed=4)
    compiled.reset_pulse()
    plain = compiled.copy()
    chosen, index = Scheme.of(cell, scheme), np.arange(0, cells, 2)
    both = np.broadcast_arrays(*edges[window], np.empty(len(index)))[:2]
    landing = np.zeros(len(index), np.float32)
    if scheme != "ispp":
        landing[:] = landing_wordline(cell, chosen, *both)
    sides = (edge.astype(np.float32) for edge in both)
    loop = ReferenceLoop(plain, chosen, index, *sides, landing, 298.15)
    expected = loop.run(int(chosen.settings.max_pulses))
    found, log = write_loop(compiled, chosen, index, edges[window], 298.15, logging=True)
    for count in ("ok", "set_pulses", "reset_pulses"):
        np.testing.assert_array_equal(getattr(found, count), getattr(expected, count))
    np.testing.assert_allclose(found.energy, expected.energy, rtol=1e-5)
    np.testing.assert_allclose(compiled.conductance, plain.conductance, rtol=1e-5)
    np.testing.assert_allclose(compiled.damage, plain.damage, rtol=1e-5)
    for state in ("flags", "writes", "cycles", "age", "reads"):
        np.testing.assert_array_equal(getattr(compiled, state), getattr(plain, state))
    order = np.lexsort((log.round, log.cell))
    beside = loop.log()
    reordered = np.lexsort((beside.round, beside.cell))
    for column in ("cell", "round", "direction"):
        np.testing.assert_array_equal(
            getattr(log, column)[order], getattr(beside, column)[reordered]
        )
    for column in ("energy", "line", "gate"):
        np.testing.assert_allclose(
            getattr(log, column)[order], getattr(beside, column)[reordered], rtol=1e-5
        )


def test_a_ladder_outside_the_law_is_refused_by_either_backend(cell: Cell) -> None:
    wide = Scheme.of(cell, "ispp")
    wide = dataclasses.replace(wide, reset_sourceline=Knob(9.0, 0.1, 9.5))
    for backend in ("numba", "numpy"):
        cells = cell.sample(50, seed=1, backend=backend)
        with pytest.raises(RangeViolation, match="sourceline"):
            cells.write_verify(0.0, "1 uS", scheme=wide)


def test_cells_already_in_their_window_get_no_pulse(cell: Cell) -> None:
    cells = quiet(cell).sample(COUNT, seed=6)
    before = cells.conductance.copy()
    outcome = cells.write_verify(0.0, np.inf)
    assert not outcome.pulses.any()
    assert outcome.ok.all()
    assert (cells.conductance == before).all()


def test_a_finer_ladder_of_ispp_needs_more_pulses_and_misses_less(cell: Cell) -> None:
    scheme = Scheme.of(cell, "ispp")
    means = []
    for step in (0.2, 0.1, 0.05):
        ladder = Knob(scheme.set_wordline.start, step, scheme.set_wordline.stop)
        cells = quiet(cell).sample(COUNT, seed=7)
        cells.reset_pulse()
        finer = dataclasses.replace(scheme, set_wordline=ladder)
        # A wide window that no SET overshoots: only the way up the ladder counts.
        outcome = cells.write_verify(1 / 7e3, np.inf, scheme=finer)
        assert outcome.ok.all()
        means.append(outcome.pulses.mean())
    assert means[0] < means[1] < means[2]
    assert means[2] / means[1] == pytest.approx(2.0, rel=0.25)


def test_narrower_windows_cost_more_in_every_scheme(cell: Cell) -> None:
    for scheme in SCHEMES:
        means = []
        for half in (0.15, 0.05, 0.015):
            cells = cell.sample(COUNT, seed=8)
            cells.reset_pulse()
            outcome = cells.write_verify(
                (1 - half) / 6e3, (1 + half) / 6e3, scheme=scheme, max_pulses=60
            )
            means.append(outcome.pulses.mean())
        assert means[0] < means[1] < means[2], scheme


def test_a_lucky_read_passes_a_cell_that_is_outside(cell: Cell) -> None:
    """With noise some cells end outside; without it (the control) none that passed does."""
    outside = []
    for kind in (cell, quiet(cell)):
        cells = kind.sample(COUNT, seed=9)
        outcome = cells.write_verify(1 / 6.01e3, 1 / 5.77e3, scheme="radar")
        inside = (cells.conductance >= 1 / 6.0101e3) & (cells.conductance <= 1 / 5.7699e3)
        outside.append(float(np.mean(outcome.ok & ~inside)))
    assert outside[0] > 0.01
    assert outside[1] == 0.0


def test_cells_that_cannot_reset_are_given_up_and_said(cell: Cell) -> None:
    from tantala.cell.population import STUCK_LOW

    cells = cell.sample(200, seed=10)
    cells.flags[:20] |= STUCK_LOW
    outcome = cells.write_verify(0.0, 1 / 40e3, scheme="ispp", max_pulses=30)
    assert not outcome.ok[:20].any()
    assert (outcome.reset_pulses[:20] == 30).all()
    assert outcome.ok[20:].mean() > 0.9


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_outcome_of_a_cell_does_not_depend_on_its_neighbours(cell: Cell, scheme: str) -> None:
    quiet_cell = quiet(cell)  # noise is addressed by the population's count of reads
    together = quiet_cell.sample(300, seed=11)
    outcome = together.write_verify("8.51 kohm", "9.31 kohm", scheme=scheme)
    alone = quiet_cell.sample(100, seed=11, first_address=200)
    part = alone.write_verify("8.51 kohm", "9.31 kohm", scheme=scheme)
    assert (outcome.pulses[200:] == part.pulses).all()
    assert (together.conductance[200:] == alone.conductance).all()


def test_windows_may_differ_by_cell_and_only_the_selected_are_written(cell: Cell) -> None:
    cells = quiet(cell).sample(400, seed=12)
    before = cells.conductance.copy()
    chosen = np.arange(0, 400, 2)
    low = np.where(np.arange(200) % 2, 1 / 6.5e3, 1 / 9.5e3)
    outcome = cells.write_verify(low, low * 1.1, scheme="radar", where=chosen)
    now = cells.conductance[chosen]
    assert ((now >= low * (1 - 1e-6)) & (now <= low * 1.1 * (1 + 1e-6)))[outcome.ok].all()
    assert outcome.ok.mean() > 0.97
    assert (cells.conductance[1::2] == before[1::2]).all()


def test_texts_in_ohm_and_siemens_in_either_order_are_the_same_window(cell: Cell) -> None:
    results = []
    for edges in (("5 kohm", "6 kohm"), ("6 kohm", "5 kohm"), ("200 uS", "166.6666667 uS")):
        cells = cell.sample(200, seed=13)
        results.append(cells.write_verify(*edges, scheme="ispp").pulses)
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    low=st.one_of(st.floats(allow_nan=True), st.sampled_from(["1 V", "x", "", "-5 kohm"])),
    high=st.one_of(st.floats(max_value=0.0), st.sampled_from(["2 A", "-1 ohm", "nan S"])),
)
def test_no_window_that_is_none_is_written(low, high) -> None:
    cells = load_cell("foundry_a").sample(5, seed=1)
    before = cells.conductance.copy()
    with pytest.raises(InputError):
        cells.write_verify(low, high)
    assert (cells.conductance == before).all()


def test_an_unknown_scheme_names_the_nearest(cell: Cell) -> None:
    with pytest.raises(InputError, match="ispp"):
        cell.sample(5, seed=1).write_verify(0.0, 1e-4, scheme="isp")


def test_a_cell_without_write_numbers_says_which_are_missing() -> None:
    with pytest.raises(InputError, match="write"):
        load_cell("foundry_c").sample(5, seed=1).write_verify(0.0, 1e-5)


def test_statistics_agree_with_the_loop_they_come_from(cell: Cell) -> None:
    statistics = cell.write_statistics("ispp", cells=5_000)
    for train in (statistics.set, statistics.reset):
        assert train.unfinished[0] == 1.0
        assert (np.diff(train.unfinished) <= 0.0).all()
        assert train.mean_pulses >= 1.0
        assert (train.energy > 0.0).all()
    cells = cell.sample(5_000, seed=3)
    cells.write_verify(0.0, cell.item.value("write.high_resistance_verify", "S"))
    low = cell.item.value("write.low_resistance_verify", "S")
    outcome = cells.write_verify(low, np.inf)
    mean = outcome.pulses[outcome.ok & (outcome.pulses > 0)].mean()
    assert statistics.set.mean_pulses == pytest.approx(mean, rel=0.1)


def test_shares_left_are_counts_of_cells_with_their_interval(cell: Cell) -> None:
    from scipy.stats import binom

    statistics = cell.write_statistics("ispp", cells=5_000)
    for train in (statistics.set, statistics.reset):
        counts = train.unfinished * train.count
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)
        for pulses in (1, len(counts) - 1):
            seen = round(float(counts[pulses]))
            low, high = train.interval(pulses)
            assert low <= train.unfinished[pulses] <= high
            if seen:
                assert binom.sf(seen - 1, train.count, low) == pytest.approx(0.025)
            if seen < train.count:
                assert binom.cdf(seen, train.count, high) == pytest.approx(0.025)


def test_what_is_left_of_a_million_lies_in_the_interval_of_other_cells(cell: Cell) -> None:
    """Two populations agree within their intervals; a weaker scheme (the control) does not."""
    one, other = (cell.write_statistics("ispp", cells=40_000, seed=s).reset for s in (1, 2))
    fewer = dataclasses.replace(one, unfinished=one.unfinished[:-1])
    for pulses in (2, 4, 8):
        bounds = [train.interval(pulses, 1.0 - 1e-6) for train in (one, other)]
        assert max(low for low, _ in bounds) <= min(high for _, high in bounds)
    before, after = (fewer.interval(pulses, 1.0 - 1e-6) for pulses in (2, 4))
    assert before[0] > after[1]


def test_the_schemes_are_in_their_published_order(cell: Cell) -> None:
    """Slides of the scheme's authors, two bits a cell: RADAR 8.5, FPPV 15.8, ISPP 20.5 pulses."""
    edges = {0: (0.0, 5e3), 1: (5.77e3, 6.01e3), 2: (8.51e3, 9.31e3), 3: (80e3, np.inf)}
    level = np.arange(COUNT) % 4
    with np.errstate(divide="ignore"):
        high, low = (1.0 / np.array([edges[k][side] for k in level]) for side in (0, 1))
    means = []
    for scheme in ("radar", "fppv", "ispp"):
        cells = cell.sample(COUNT, seed=14)
        cells.reset_pulse(where=level % 2 == 0)  # half of the cells come from the high state
        means.append(cells.write_verify(low, high, scheme=scheme).pulses.mean())
    assert means == sorted(means)


def outcome_with(factor: float | None, patch: pytest.MonkeyPatch) -> tuple[np.ndarray, ...]:
    """Conductances, passes and pulses of cells written into a window of which noise decides.

    `factor`: of how far noise is taken to reach; None for a draw of every read.
    """
    cell = load_cell("hfox_64k")
    true = write_loop_module._reach(cell, Scheme.of(cell, "ispp"))
    used = np.full_like(true, np.inf) if factor is None else np.float32(factor) * true
    with patch.context() as context:
        context.setattr(write_loop_module, "_reach", lambda *_: used)
        cells = cell.sample(20_000, seed=9)
        done = cells.write_verify("10 kohm", "15 kohm", scheme="ispp")
    return cells.conductance, done.ok, done.pulses


def test_reads_whose_noise_cannot_matter_are_not_drawn(monkeypatch) -> None:
    """The outcome is that of a draw of every read; a reach of none is caught."""
    drawn, spared, blind = (outcome_with(factor, monkeypatch) for factor in (None, 1.0, 0.0))
    for every, some in zip(drawn, spared, strict=True):
        np.testing.assert_array_equal(every, some)
    assert (drawn[2] != blind[2]).any()


def test_no_draw_reaches_further_than_the_table() -> None:
    law = load_cell("embedded_28nm").law("noise")
    g = np.geomspace(1e-12, 1e-2, 20_001).astype(np.float32)
    bound = reach(law, 0.2)[g.view(np.uint32) >> REACH_SHIFT]
    furthest = 6.34 * law.current_deviation(0.2 * g, g, ROOM) / 0.2  # the last word's normal
    assert (bound >= furthest).all()
    assert (bound <= 2.0 * furthest).all()
