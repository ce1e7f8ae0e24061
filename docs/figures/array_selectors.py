"""Figures of the page on nonlinear cells and selectors in arrays, through the public interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import panels, save, ticks

import tantala as tt
from tantala.array import ExponentialSelector, ThresholdSelector

CELL = "embedded_28nm"
# For illustration only: no one device has these numbers.
EXPONENTIAL = ExponentialSelector(slope="80 mV", current="10 uA", voltage="0.6 V")
THRESHOLD = ThresholdSelector(threshold="0.7 V", hold="0.3 V", off="1 nS", on="1 mS")
VARIANTS = (
    ("cell", None),
    ("with exponential selector", EXPONENTIAL),
    ("with threshold selector", THRESHOLD),
)
DRIVE = 0.9  # V


def selectors() -> plt.Figure:
    """Current of one cell over voltage, and the selected cell's share of its column's current."""
    cell = tt.load_cell(CELL)
    figure, (left, right) = panels(2)
    volts = np.linspace(0.01, DRIVE, 120)
    sizes = (4, 8, 16, 32, 64, 128)
    for label, selector in VARIANTS:
        one = tt.Array([[5e-5]], 0.0, 0.0, cell=cell, selector=selector).compile()
        current = one.solve(volts[None, :], extrapolate=True).currents[0]
        left.semilogy(volts, current, label=label)
        right.semilogx(sizes, [_share(cell, selector, lines) for lines in sizes], label=label)
    left.set(xlabel="voltage over cell and selector [V]", ylabel="current [A]", ylim=(1e-12, 1e-3))
    left.legend(loc="lower right")
    right.set(xlabel="lines", ylabel="selected cell / column current", ylim=(0.0, 1.05))
    ticks(right.xaxis, sizes)
    return figure


def _share(cell: object, selector: object, lines: int) -> float:
    """Of the selected cell in its column's current: V/2 biasing, the cell alone at 5 uS."""
    conductance = np.full((lines, lines), 5e-5)
    conductance[0, -1] = 5e-6
    rows, columns = np.full(lines, DRIVE / 2), np.full(lines, DRIVE / 2)
    rows[0], columns[-1] = DRIVE, 0.0
    array = tt.Array(conductance, 1.0, 1.0, cell=cell, selector=selector)
    answer = array.compile().solve(rows, columns, extrapolate=True)
    return float(answer.cell_currents[0, -1] / answer.currents[-1])


def draw(folder: Path) -> None:
    """All of them."""
    save(folder, (selectors,))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
