"""Compile the kernels into numba's cache: ``python -m tantala.cli.compile_kernels``.

Part of `make`'s installation, so that the first datasheet and the first chip do not wait for the
compiler. Any use does the same; this runs something small through every kernel once.
"""

from __future__ import annotations

import numpy as np

from tantala.array import Array
from tantala.cell import load_cell
from tantala.cell.write_statistics import write_statistics
from tantala.chip import Chip
from tantala.chip.replay import replay
from tantala.chip.service import timing
from tantala.chip.traces import trace_of
from tantala.macro import load_design

CELL, DESIGN = "embedded_28nm", "spi_8mb"


def compile_kernels() -> None:
    """One small population, array and chip through their kernels."""
    cell = load_cell(CELL)
    cells = cell.sample(256, seed=0)
    cells.reset_pulse()
    cells.cycle(10)
    cells.wait("1 s")
    cells.read()
    write_statistics(cell, cells=64, backend="numba")
    Array(np.full((8, 8), 1e-5), 1.0, 1.0).compile().solve(np.ones(8))
    # Large and lossy enough for a coarse space, and for a dissection of more than one patch.
    ready = Array(np.full((64, 128), 1e-3), 20.0, 20.0).compile()
    ready.solve(np.ones(64))
    ready.solve(np.ones((64, 2)), method="direct")
    ready.effective_conductance()
    chip = Chip(load_design(DESIGN).model_copy(update={"capacity": 1 << 16}))
    chip.write(0, b"compile")
    chip.elapse("1 s")
    chip.read(0, 7)
    times = timing(chip.design)
    for bus in (True, False):
        replay(trace_of(0.0, True, 0), times, bus=bus)


if __name__ == "__main__":
    compile_kernels()
