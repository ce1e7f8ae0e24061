"""What the memory questions take and say: arrays, ways back to a solution, ranges, short texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tantala as tt
from tantala.array import (
    GatedArray,
    compare,
    disturb_map,
    largest_array,
    margin_against_size,
    read_margin,
    read_statistics,
    worst_write,
    write_bias,
)

CELL = tt.load_cell("hfox_64k")
LOW, HIGH, READ = 100e-6, 2.2e-6, 0.2
OUTSIDE = 134.5e-6  # S, beyond the conduction law of the cell
WIRES = tt.Array(np.full((5, 4), 1e-5), 2.0, 2.0)

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "read_margin": lambda array: read_margin(array, LOW, HIGH, READ),
    "write_bias": lambda array: write_bias(array, 1, 1, 1.5),
    "worst_write": lambda array: worst_write(array, LOW, HIGH, 1.5),
    "disturb_map": lambda array: disturb_map(array, CELL, {(1, 2): 1e6}, 1.5, 1e-7),
    "read_statistics": lambda array: read_statistics(array, CELL, 3, 1),
    "largest_array": lambda array: largest_array(array, LOW, HIGH, READ, 0.5, "kept", most=2),
    "margin_against_size": lambda array: margin_against_size(array, LOW, HIGH, READ, [2]),
    "compare": lambda array: compare(array, 0.1),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_compiled_array_is_told_from_an_array(name: str) -> None:
    """One clear error, and how to come by the array; the array itself is taken."""
    with pytest.raises(tt.InputError, match=r"no array is given; got CompiledArray.*\.array"):
        QUESTIONS[name](WIRES.compile())
    with pytest.raises(tt.InputError, match=r"got ndarray; allowed: an Array or a GatedArray$"):
        QUESTIONS[name](WIRES.conductance)
    QUESTIONS[name](WIRES.compile().array)


@pytest.mark.parametrize(
    "array",
    [WIRES, GatedArray(np.zeros((5, 4)), 2.0, 1.0, access="3 kohm", off=1e-9)],
    ids=["crosspoint", "gated"],
)
def test_a_worst_read_leads_to_its_solution(array: Any) -> None:
    """It has the current and the sneak current that the margin tells."""
    found = read_margin(array, LOW, HIGH, -READ, positions="all")
    for worst, state in ((found.worst_low, LOW), (found.worst_high, HIGH)):
        answer = worst.solution()
        row, column = worst.position
        assert answer.array.conductance[row, column] == state
        assert -answer.currents[column] == pytest.approx(worst.current, rel=1e-12)
        own = -answer.cell_currents[row, column]
        assert worst.current - own == pytest.approx(worst.sneak, abs=1e-15)


def test_ranges_are_left_by_consent_only() -> None:
    """The hint of the error is an option of the function that raised it; the answer says so."""
    array = tt.Array(np.full((3, 3), OUTSIDE), 2.0, 2.0, cell=CELL)
    conduction = ("conductance outside the range of the conduction law",)
    asked = {
        "read": lambda **more: read_margin(array, OUTSIDE, HIGH, READ, **more),
        "write": lambda **more: write_bias(array, 0, 0, READ, **more).solution,
        "worst": lambda **more: worst_write(array, OUTSIDE, HIGH, READ, **more).weakest.solution,
        "disturb": lambda **more: disturb_map(array, CELL, [(0, 1)], 0.2, 1e-7, **more),
        "statistics": lambda **more: read_statistics(array, CELL, 20, 0, **more),
    }
    for name, ask in asked.items():
        with pytest.raises(tt.RangeViolation, match="Try: extrapolate=True"):
            ask()
        assert set(conduction) <= set(ask(extrapolate=True).extrapolated), name
    inside = read_margin(array, LOW, HIGH, READ, extrapolate=True)
    assert inside.extrapolated == ()
    assert "extrapolated: conductance" in repr(asked["read"](extrapolate=True))


def test_disturb_of_gated_cells_may_extrapolate() -> None:
    """Their own law is ohmic, so only the disturb law's range is left."""
    gated = GatedArray(np.full((3, 3), HIGH), 2.0, 1.0, access="3 kohm", off=1e-9)
    found = disturb_map(gated, CELL, [(0, 1)], 5.0, 1e-7, kind="read", extrapolate=True)
    assert all("disturb law" in text for text in found.extrapolated)


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_print_short(name: str) -> None:
    """Figures with their units in place of whole tables."""
    large = tt.Array(np.full((60, 50), 1e-5), 2.0, 2.0)
    told = repr(QUESTIONS[name](large if name != "worst_write" else WIRES))
    if name in ("margin_against_size", "compare"):
        return  # a table, and a text that tells every model
    assert len(told) < 1200
    assert "array([" not in told
    assert any(unit in told for unit in (" µA", " mV", " V"))


def test_a_margin_tells_where_and_how_much() -> None:
    """The place, data, current and voltage of both worst reads."""
    told = repr(read_margin(WIRES, "100 uS", "2.2 uS", "0.2 V", search="lines"))
    for part in ("margin 19.", "µA at (0, 3) under ", "grounded at 200 mV", "residual", "proved"):
        assert part in told, part
