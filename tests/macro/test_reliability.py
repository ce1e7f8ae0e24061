"""Cells that failed in use: what the endurance law says is stuck must show in every error rate."""

from __future__ import annotations

import dataclasses

import pytest
from example_macro import bit_cell, design
from scipy.stats import binom

from tantala.cell import load_cell
from tantala.macro.compile_cell import levels_of
from tantala.macro.macro import Macro

LIFE = (3.0e8, 358.15, 10_000)  # s, K, cycles
RATES = ("raw_bit_error_rate", "word_failure_probability", "uber")


def macro(**failed: float) -> Macro:
    """The example macro with shares of its cells failed at the end of life, none stuck when new."""
    cell = bit_cell()
    aged = dataclasses.replace(cell.aged, **failed)
    return Macro(design(), cell=dataclasses.replace(cell, aged=aged, stuck=0.0))


@pytest.mark.parametrize("kind", ["worn", "unwritten"])
def test_a_large_share_of_failed_cells_shows_in_every_rate(kind):
    sound, failed = macro().error_rates(), macro(**{kind: 0.02}).error_rates()
    assert failed.raw == pytest.approx(0.98 * sound.raw + 0.01, rel=1e-12)
    # By hand: SECDED over 64 + 8 bits, of which each is wrong in one of a hundred.
    word = float(binom.sf(1, 72, failed.raw))
    assert failed.word_failure == pytest.approx(word, rel=1e-9)
    assert failed.uber == pytest.approx(word / 64, rel=1e-9)
    assert failed.uber > 1e6 * sound.uber


@pytest.mark.parametrize("kind", ["worn", "unwritten"])
def test_no_failed_cell_changes_nothing(kind):
    sheets = [macro().evaluate(), macro(**{kind: 0.0}).evaluate()]
    assert all(sheets[0][name] == sheets[1][name] for name in RATES)


def test_failed_cells_of_a_word_are_the_sum_over_their_number():
    """Summed over the failed cells of a word, each wrong for half of the data, by hand."""
    share = 0.004
    rates = macro(worn=share).error_rates()
    misread = 0.5 * (rates.low_resistance + rates.high_resistance) / (1.0 - share)
    total = 0.0
    for failed in range(73):
        wrong = [binom.pmf(k, failed, 0.5) * binom.sf(1 - k, 72 - failed, misread) for k in (0, 1)]
        more = float(binom.sf(1, failed, 0.5))
        total += float(binom.pmf(failed, 72, share)) * (float(sum(wrong)) + more)
    assert rates.word_failure == pytest.approx(total, rel=1e-9)


def test_the_parts_of_the_raw_rate_name_the_failed_cells():
    parts = macro(worn=1e-3, unwritten=2e-3).evaluate().breakdown("raw_bit_error_rate")
    assert parts["cells stuck by wear"] == 0.5e-3
    assert parts["cells no pulse writes any more"] == 1e-3


def test_a_cell_of_short_life_fails_by_its_endurance_law():
    """A hundredth of the life wears out as a hundred times the writes do."""
    cell = load_cell("embedded_28nm")
    endurance = cell.law("endurance")
    shares = []
    for life in (1e30, 1e9, 1e8, 2e5):
        short = dataclasses.replace(cell, endurance=dataclasses.replace(endurance, life=life))
        shares.append(levels_of(short, "ispp", *LIFE).worn)
    assert shares[0] < 1e-40
    assert shares == sorted(shares)
    assert shares[2] / shares[1] == pytest.approx(10.0**endurance.life_shape, rel=0.02)
    assert shares[-1] > 3e-4


def test_cells_that_wear_keeps_from_their_level_are_found_by_writing_aged_cells():
    """A high state that sinks far misses its verify in some cells; without the fall none does."""
    cell = load_cell("embedded_28nm")
    endurance = cell.law("endurance")
    unwritten = []
    for fall in (0.0, 0.6, 0.9):
        law = dataclasses.replace(endurance, high_fall=fall, life=1e30, wear_onset=1.0)
        aged = dataclasses.replace(cell, endurance=law)
        unwritten.append(levels_of(aged, "ispp", *LIFE).unwritten)
    assert unwritten[0] < 1e-6
    assert unwritten == sorted(unwritten)
    assert unwritten[-1] > 0.05


def test_counting_alone_makes_no_failed_cells():
    """The product cell's writes do not get worse with cycles; a few more of 50,000 are chance."""
    cell = load_cell("embedded_28nm")
    failed = [levels_of(cell, "ispp", 0.0, 298.15, cycles).failed for cycles in (100, 1000, 10_000)]
    assert failed == sorted(failed)
    assert failed[-1] < 1e-7
