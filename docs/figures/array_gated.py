"""Figure of the model page on gated arrays: what the rails take, by the end that is driven."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import panels, save, ticks

from tantala.array import GatedArray

ROWS = 256
CELL = 50e-6  # S, each cell of the figure
READ = 0.2  # V


def _column(source_top: float, source_bottom: float) -> GatedArray:
    return GatedArray(
        np.full((ROWS, 1), CELL),
        source_wire=1.0,
        bit_wire=1.0,
        access=2e3,
        source_top=source_top,
        source_bottom=source_bottom,
    )


def gated() -> plt.Figure:
    """Current lost over the rows that are on, and cell voltages along the column."""
    figure, (left, right) = panels(2)
    on = np.unique(np.geomspace(4, ROWS, 40).astype(int))
    # Rows that are on are spread evenly over the column.
    gates = np.zeros((ROWS, len(on)))
    for k, count in enumerate(on):
        gates[np.linspace(0, ROWS - 1, count).astype(int), k] = 1
    ideal = READ * on / (1.0 / CELL + 2e3)
    for name, array in (
        ("opposite ends", _column(0.0, np.inf)),
        ("same end", _column(np.inf, 0.0)),
        ("source at both", _column(0.0, 0.0)),
    ):
        lost = 1.0 - array.solve(gates, READ).currents[0] / ideal
        left.plot(on, 100.0 * lost, label=name)
        half = np.arange(ROWS) % 2
        volts = array.solve(half, READ).cell_voltages[half > 0, 0]
        right.plot(np.flatnonzero(half), 1e3 * volts, label=name)
    left.set(xlabel="rows on", ylabel="current lost [%]", xscale="log", ylim=(0, None))
    ticks(left.xaxis, (4, 16, 64, 256))
    left.legend()
    right.set(xlabel="row, from the top", ylabel="cell voltage [mV]", ylim=(0, None))
    return figure


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    save(folder, (gated,))


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "_generated")
