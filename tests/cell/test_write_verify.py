"""Claims: write-verify ends in the window, counts what it did, reads with noise, leaves relaxation
to time, and says the same in statistics as in populations."""

from __future__ import annotations

import numpy as np
import pytest

import tantala as tt
from tantala.base.errors import InputError
from tantala.cell.write_verify import SCHEMES, Scheme

CELLS = ("hfox_64k", "foundry_a", "embedded_28nm")
COUNT = 4_000


@pytest.fixture(scope="module", params=CELLS)
def cell(request):
    return tt.load_cell(request.param)


def _window(cell, scheme):
    settings = Scheme.of(cell, scheme).settings
    return settings.low_resistance_verify, settings.high_resistance_verify


@pytest.mark.parametrize("scheme", SCHEMES)
def test_random_bits_end_beyond_their_verify_levels(cell, scheme):
    passes, below = _window(cell, scheme)
    bit = np.arange(COUNT) % 3 == 0
    cells = cell.sample(COUNT, seed=5)
    outcome = cells.write_verify(
        np.where(bit, passes, 0.0), np.where(bit, np.inf, below), scheme=scheme
    )
    now = np.asarray(cells.conductance)
    ok = outcome.ok
    assert ok.mean() > 0.98
    # Verified with a noisy read: what is beyond its level by more than the noise is an error.
    assert np.mean(now[ok & bit] > passes) > 0.97
    assert np.mean(now[ok & ~bit] < below) > 0.97
    assert (now[ok & bit] > 0.8 * passes).all()


def test_counts_time_and_energy_add_up(cell):
    passes, below = _window(cell, "ispp")
    settings = Scheme.of(cell, "ispp").settings
    cells = cell.sample(COUNT, seed=6)
    outcome = cells.write_verify(0.0, below)
    np.testing.assert_array_equal(outcome.pulses, outcome.set_pulses + outcome.reset_pulses)
    assert (outcome.set_pulses == 0).all()  # a window with one edge is never overshot
    pulsed = outcome.reset_pulses * settings.reset_width
    done = outcome.ok
    verifies = np.round((outcome.time - pulsed) / settings.verify_time)
    np.testing.assert_array_equal(verifies[done], outcome.pulses[done] + 1)
    assert (outcome.energy > 0).all()
    again = cells.write_verify(0.0, below)
    assert np.mean(again.pulses == 0) > 0.95  # written cells need no further pulse
    assert np.median(outcome.energy) > 10 * np.median(again.energy)
    assert passes > below


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_outcome_does_not_depend_on_the_chunking(cell, scheme):
    _, below = _window(cell, scheme)
    whole = cell.sample(COUNT, seed=7)
    parts = cell.sample(1_000, seed=7), cell.sample(COUNT - 1_000, seed=7, first_address=1_000)
    one = whole.write_verify(0.0, below, scheme=scheme)
    two = [part.write_verify(0.0, below, scheme=scheme) for part in parts]
    np.testing.assert_array_equal(one.pulses, np.concatenate([part.pulses for part in two]))
    together = np.concatenate([part.conductance for part in parts])
    np.testing.assert_allclose(whole.conductance, together, rtol=1e-5)


def test_windows_in_conductance_and_in_resistance_are_the_same():
    cell = tt.load_cell("foundry_a")
    first, second = cell.sample(500, seed=8), cell.sample(500, seed=8)
    in_siemens = first.write_verify(1 / 9.31e3, 1 / 8.51e3, scheme="radar")
    in_ohm = second.write_verify("8.51 kohm", "9.31 kohm", scheme="radar")
    np.testing.assert_array_equal(in_siemens.pulses, in_ohm.pulses)
    third = cell.sample(500, seed=8)
    in_micro = third.write_verify(f"{1e6 / 9.31e3} uS", f"{1e6 / 8.51e3} uS", scheme="radar")
    np.testing.assert_array_equal(in_micro.pulses, in_siemens.pulses)


def test_verified_cells_leave_a_narrow_window_with_time():
    cell = tt.load_cell("hfox_64k")
    low, high = 1 / 10.1e3, 1 / 9.9e3
    cells = cell.sample(COUNT, seed=9)
    outcome = cells.write_verify(low, high, scheme="radar")
    inside = [np.mean((cells.conductance >= low) & (cells.conductance <= high))]
    for wait in ("0.01 s", "1 s", "9 s"):
        cells.wait(wait)
        inside.append(np.mean((cells.conductance >= low) & (cells.conductance <= high)))
    assert outcome.ok.mean() > 0.9
    assert inside[0] > inside[1] > inside[3]
    assert inside[3] < 0.9 * inside[0]


def test_a_limit_gives_cells_up_and_no_pulse_only_verifies():
    cell = tt.load_cell("hfox_64k")
    cells = cell.sample(COUNT, seed=10)
    before = cells.conductance.copy()
    outcome = cells.write_verify(1 / 6.0e3, 1 / 5.99e3, max_pulses=0)
    assert (outcome.pulses == 0).all()
    np.testing.assert_array_equal(cells.conductance, before)
    outcome = cells.write_verify(1 / 6.0e3, 1 / 5.99e3, max_pulses=3)
    assert outcome.pulses.max() == 3
    assert (outcome.pulses[~outcome.ok] == 3).all()


@pytest.mark.parametrize(
    ("low", "high", "options", "told"),
    [
        (5e3, 6e3, {}, "'5000 ohm'"),
        (2e-5, 1e-5, {}, "empty window"),
        ("6 kohm", "6 kohm", {}, "empty window"),
        (float("nan"), 1e-4, {}, "no conductance"),
        (-1e-6, 1e-4, {}, "no conductance"),
        ("6 V", "7 kohm", {}, "wrong unit"),
        ([1e-5, 2e-5, 3e-5], 1e-4, {}, "fits no window"),
        (0.0, 1e-5, {"scheme": "isp"}, "'ispp'"),
        (0.0, 1e-5, {"max_pulses": -1}, "0 or more"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(low, high, options, told):
    cells = tt.load_cell("hfox_64k").sample(10, seed=1)
    with pytest.raises(InputError, match=told):
        cells.write_verify(low, high, **options)


def test_a_cell_without_a_scheme_says_which_numbers_are_missing():
    with pytest.raises(InputError, match=r"write\.ispp\.set_wordline\.start"):
        tt.load_cell("foundry_b").sample(10, seed=1).write_verify(0.0, 1e-5)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_statistics_are_those_of_a_population(scheme):
    cell = tt.load_cell("embedded_28nm")
    found = cell.write_statistics(scheme, seed=3, cells=COUNT)
    for train in (found.set, found.reset):
        assert train.unfinished[0] == 1.0
        assert (np.diff(train.unfinished) <= 0).all()
        assert len(train.energy) == len(train.unfinished) - 1
        assert train.failed == train.unfinished[-1]
        # The line carries the peak: its power over a pulse is no less than the mean energy.
        assert train.current * train.voltage * train.width >= train.energy[0]
    passes, below = _window(cell, scheme)
    cells = cell.sample(20_000, seed=4)
    cells.write_verify(0.0, below, scheme=scheme)
    cells.write_verify(passes, np.inf, scheme=scheme)
    outcome = cells.write_verify(0.0, below, scheme=scheme)
    mean = outcome.pulses[outcome.pulses > 0].mean()
    spread = outcome.pulses.std() * np.sqrt(1 / COUNT + 1 / 20_000)
    assert abs(found.reset.mean_pulses - mean) < 5 * spread + 1e-9


def test_hotter_cells_reset_in_fewer_pulses():
    cell = tt.load_cell("embedded_28nm")
    cold, warm = (
        cell.write_statistics("ispp", temperature=t, cells=COUNT) for t in ("-40 degC", "85 degC")
    )
    assert warm.reset.mean_pulses < cold.reset.mean_pulses
