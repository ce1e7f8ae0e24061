"""Compile the cell's kernels into numba's cache: ``python -m tantala.cell.compile_kernels``.

Part of `make`'s installation, so that the first datasheet does not wait for the compiler. Running
any population does the same; this runs a small one through everything once.
"""

from __future__ import annotations

from tantala.cell import load_cell
from tantala.cell.write_statistics import write_statistics


def compile_kernels() -> None:
    """One small population through every kernel of pulses, reads and waiting."""
    cell = load_cell("embedded_28nm")
    cells = cell.sample(256, seed=0)
    cells.reset_pulse()
    cells.cycle(10)
    cells.wait("1 s")
    cells.read()
    write_statistics(cell, cells=64, backend="numba")


if __name__ == "__main__":
    compile_kernels()
