"""Figure of the model page on cross-point arrays: what wires take, and what the method spends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from style import panels, save, ticks

from tantala.array import Array
from tantala.array.conjugate_gradient import LineSolver

READ = 0.2  # V
CELLS = (10e-6, 200e-6)  # S, lowest and highest of the reference workload


def _solver(lines: int, wire: float, modes: int) -> int:
    """Iterations of one solution of the reference workload."""
    rng = np.random.default_rng(1000 + lines)
    plane = (wire, np.full(lines, wire), np.zeros(lines))
    solver = LineSolver.of(rng.uniform(*CELLS, (lines, lines)), plane, plane, modes)
    return solver.solve(rng.uniform(0.0, READ, lines), np.zeros(lines), 1e-10).iterations


def crosspoint() -> plt.Figure:
    """Current lost over the size of the array, and iterations with and without coarse space."""
    figure, (left, right) = panels(2)
    sizes = np.array([8, 16, 32, 64, 128, 256])
    for wire in (0.1, 1.0, 5.0):
        lost = []
        for lines in sizes:
            cells = np.random.default_rng(lines).uniform(*CELLS, (lines, lines))
            total = READ * Array(cells, wire, wire).compile().effective_conductance().sum()
            lost.append(1.0 - total / (READ * cells.sum()))
        left.plot(sizes, 100.0 * np.array(lost), "o-", label=f"{wire:g} Ω")
    left.set(xlabel="rows and columns", ylabel="current lost [%]", xscale="log", ylim=(0, 100))
    ticks(left.xaxis, sizes)
    left.legend(title="a segment")
    for modes, mark in ((0, "o"), (8, "s")):
        for wire, line in ((1.0, "-"), (5.0, "--")):
            spent = [_solver(lines, wire, modes) for lines in sizes[3:]]
            name = f"{'two levels' if modes else 'one level'}, {wire:g} Ω"
            right.plot(sizes[3:], spent, line, marker=mark, label=name)
    right.set(xlabel="rows and columns", ylabel="iterations to 1e-10", xscale="log", ylim=(0, None))
    ticks(right.xaxis, sizes[3:])
    right.legend()
    return figure


def draw(folder: Path) -> None:
    """Write every figure into `folder`."""
    save(folder, (crosspoint,))


if __name__ == "__main__":
    import sys

    draw(Path(sys.argv[1]))
